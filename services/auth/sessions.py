"""What a browser session is: how long it lives, and how lists show it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from shared.errors import NotFound
from shared.http import timestamp

#: How long a browser stays logged in at most, and without being used.
SESSION_LIFE: Final = timedelta(days=30)
SESSION_IDLE: Final = timedelta(days=7)


class SessionNotFound(NotFound):
    """No live browser session of this account has this id."""

    code = "session_not_found"
    message = "Session not found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser that is logged in."""

    id: str
    #: Its User-Agent and address when it logged in.
    client: str
    ip: str
    created_at: datetime
    last_seen_at: datetime
    last_seen_ip: str
    expires_at: datetime

    def to_json(self, *, current: bool) -> dict[str, Any]:
        """Return the row of the API; `current` says whether the call came with it."""
        return {
            "id": self.id,
            "client": self.client,
            "ip": self.ip,
            "created_at": timestamp(self.created_at),
            "last_seen_at": timestamp(self.last_seen_at),
            "last_seen_ip": self.last_seen_ip,
            "expires_at": timestamp(self.expires_at),
            "current": current,
        }
