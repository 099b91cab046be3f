"""All blocks, by name."""

from typing import Any, Final

from invoker_mcp.pages.blocks import forms, frame, opening, place, proof, selling, showing
from invoker_mcp.pages.blocks.block import Block

_ALL = (*frame.BLOCKS, *opening.BLOCKS, *selling.BLOCKS, *proof.BLOCKS, *showing.BLOCKS, *place.BLOCKS, *forms.BLOCKS)
BLOCKS: Final[dict[str, Block]] = {block.name: block for block in _ALL}


def list_blocks() -> list[dict[str, Any]]:
    """Return each block with its content's schema and an example."""
    return [block.described() for block in BLOCKS.values()]
