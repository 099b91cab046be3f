"""The services; none of them imports another (standalone, which runs all of them, excepted)."""
