"""What every service is built from: configuration, logs, errors, HTTP, database, bus."""
