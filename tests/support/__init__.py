"""What the tests stand on: real servers, and a few words for asynchronous truth."""
