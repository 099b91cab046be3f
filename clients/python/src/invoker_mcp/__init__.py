"""What people and their AI assistants put sites live with: a client of the API, a command line, an MCP server."""

__version__ = "0.1.0"
