"""Building pages without writing them from nothing: questions, blocks, styles, whole pages. No I/O."""

from invoker_mcp.pages.blocks import list_blocks
from invoker_mcp.pages.compose import CONTENT, Composed, compose
from invoker_mcp.pages.errors import PageError
from invoker_mcp.pages.looks import list_styles
from invoker_mcp.pages.requirements import gather
from invoker_mcp.pages.templates import list_templates, use_template

__all__ = [
    "CONTENT",
    "Composed",
    "PageError",
    "compose",
    "gather",
    "list_blocks",
    "list_styles",
    "list_templates",
    "use_template",
]
