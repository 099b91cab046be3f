"""What a conversation over stdio leaves in this process; over HTTP there is none, and nothing is kept."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from invoker_mcp.server.waiting import Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How a call is taken back: the arguments that `undo` does it with."""

    site: str
    version: int | None = None
    url: str | None = None

    @property
    def arguments(self) -> dict[str, str | int]:
        given: dict[str, str | int | None] = {"site": self.site, "version": self.version, "url": self.url}
        return {name: value for name, value in given.items() if value is not None}


@dataclass(slots=True)
class Memory:
    """The one mutable thing of the server."""

    steps: deque[Step] = field(default_factory=lambda: deque(maxlen=50))
    #: Claim tokens of sites made without a key, by slug and by id.
    claims: dict[str, str] = field(default_factory=dict)
    waiting: Waiting | None = None
