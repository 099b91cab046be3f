"""What a tool is: its words, its shapes, its hints, and what it does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from invoker_mcp.server.caller import Caller

Schema = dict[str, Any]


def sentences(message: str, hint: str = "") -> str:
    """Join what happened and what to do about it."""
    end = "" if message.endswith((".", "?", "!")) else "."
    return f"{message}{end} {hint}".strip()


class ToolError(Exception):
    """A mistake that the assistant can mend; the text says how."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(sentences(message, hint))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool gives: a short text for people, data for programs."""

    text: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """Instead of an answer: the client has to show its user an address first, then call again."""

    message: str
    url: str


Run = Callable[["Caller", dict[str, Any]], Awaitable["Answer | Ask"]]


@dataclass(frozen=True, slots=True)
class Hints:
    """The four hints of the protocol; clients decide by them what to ask their user about."""

    read_only: bool = False
    destructive: bool = False
    idempotent: bool = False
    open_world: bool = False


READS = Hints(read_only=True, idempotent=True, open_world=True)
#: No request leaves the machine.
LOCAL = Hints(read_only=True, idempotent=True)
WRITES = Hints(open_world=True)
SETS = Hints(idempotent=True, open_world=True)
DESTROYS = Hints(destructive=True, idempotent=True, open_world=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A row of the tool list."""

    name: str
    title: str
    #: One sentence: what it does.
    what: str
    #: One sentence: when to take it.
    when: str
    hints: Hints
    takes: dict[str, Schema] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    gives: dict[str, Schema]
    always: tuple[str, ...] = ()
    run: Run

    @property
    def input_schema(self) -> Schema:
        shape: Schema = {"type": "object", "properties": self.takes, "additionalProperties": False}
        return {**shape, "required": list(self.required)} if self.required else shape

    @property
    def output_schema(self) -> Schema:
        shape: Schema = {"type": "object", "properties": self.gives}
        return {**shape, "required": list(self.always)} if self.always else shape
