"""The mailer: hears `mail.*` on the bus and sends each mail once, within its useful life."""
