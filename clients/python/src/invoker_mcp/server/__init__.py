"""The MCP server, `invoker-mcp`."""
