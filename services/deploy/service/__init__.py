"""What deploy does, by noun: rules and transactions."""
