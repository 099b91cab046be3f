"""The SQL of deploy: a connection in, a value out; the service owns the transaction."""
