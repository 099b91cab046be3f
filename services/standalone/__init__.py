"""The whole system in one process, for a laptop: PostgreSQL from a wheel, a local bus, one port, a mailbox."""
