"""What the audit trail says: who did what to an account's things, from where."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from shared import ids
from shared.auth_client import Caller
from shared.http import timestamp

#: Who acts without a credential: somebody who logs in, somebody who holds a key, and we ourselves.
VISITOR: Final = "visitor"
HOLDER: Final = "holder"
SYSTEM: Final = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who does something, and from where."""

    #: Id of a key or browser session, or one of the words above.
    id: str
    ip: str | None = None

    @classmethod
    def of(cls, caller: Caller, ip: str) -> "Actor":
        """Return the actor that a caller is."""
        return cls(id=caller.credential_id, ip=ip)

    @property
    def key_id(self) -> str | None:
        """Return the key that it is done with, None for who has another credential or none."""
        return self.id if ids.is_id(self.id, "key") else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One row of the trail. `detail` holds neither secrets nor mail addresses: the trail outlives the account."""

    action: str
    actor: str
    #: The key it was done to, else the key it was done with.
    key_id: str | None
    ip: str | None
    detail: dict[str, Any] = field(default_factory=dict)
    at: datetime
    id: int

    def to_json(self) -> dict[str, Any]:
        """Return the row of the API."""
        return {
            "at": timestamp(self.at),
            "action": self.action,
            "actor": self.actor,
            "key_id": self.key_id,
            "ip": self.ip,
            "detail": self.detail,
        }
