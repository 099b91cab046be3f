"""The tools, in the order in which every client sees them."""

from invoker_mcp.server.tool import Tool
from invoker_mcp.server.tools import account, building, forms, putting_live, sites, undoing, webhooks

TOOLS: tuple[Tool, ...] = (
    *account.TOOLS,
    *building.TOOLS,
    *putting_live.TOOLS,
    *sites.TOOLS,
    *forms.TOOLS,
    *webhooks.TOOLS,
    *undoing.TOOLS,
)
BY_NAME = {tool.name: tool for tool in TOOLS}
