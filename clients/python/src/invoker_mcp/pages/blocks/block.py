"""A block: one part of a page, what goes into it, and how it becomes HTML."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from invoker_mcp.pages.fields import Field, Values, object_schema
from invoker_mcp.pages.markup import Markup
from invoker_mcp.pages.page import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One kind of part."""

    name: str
    about: str
    fields: tuple[Field, ...]
    example: dict[str, Any]
    render: Callable[[Values, Place], Markup]
    group: Literal["frame", "opening", "selling", "showing", "people", "place", "form"]
    region: Literal["header", "main", "footer"] = "main"
    #: Its `id` when the content gives none: what a link to it would say.
    anchor: str = ""

    def described(self) -> dict[str, Any]:
        """Return it as a model reads it."""
        return {
            "block": self.name,
            "group": self.group,
            "description": self.about,
            "content_schema": object_schema(self.fields),
            "example": self.example,
        }
