"""The SQL of auth, by noun: functions on a connection, whose transaction is the caller's."""
