"""The MCP server: what an assistant can do with sites and forms."""
