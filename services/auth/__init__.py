"""The auth service: accounts, logins by email, keys, and who a key belongs to."""
