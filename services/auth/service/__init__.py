"""What auth does, by noun: rules and transactions."""
