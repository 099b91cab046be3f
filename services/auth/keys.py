"""What a key is: its row without the secret, what may be asked of a new one, and its errors."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from shared.auth_client import Caller
from shared.errors import Conflict, Forbidden, NotFound
from shared.http import timestamp
from shared.idempotency import Once

#: Active keys an account may have.
MAX_ACTIVE: Final = 1000
#: Those that were rotated and go on for their grace included: a full account can still rotate each of its keys.
MAX_WITH_GRACE: Final = 2 * MAX_ACTIVE
#: Where keys are made that no program's login brings.
DOORS: Final = frozenset({"api", "dashboard", "rotation"})
#: Longest life that can be asked for, in seconds.
MAX_EXPIRES_IN: Final = 31_536_000
#: Longest time that a rotated key goes on working, in seconds.
MAX_GRACE: Final = 86_400
#: How long before a key's end its account is told.
EXPIRY_NOTICE: Final = timedelta(days=7)


class KeyNotFound(NotFound):
    """No key of this account has this id."""

    code = "key_not_found"
    message = "Key not found"


class TooManyKeys(Conflict):
    """The account has as many active keys as it may."""

    code = "too_many_keys"
    message = f"An account has at most {MAX_ACTIVE} active keys. Revoke one that is no longer used."


class BoundToSite(Forbidden):
    """A key for one site has no business with other keys."""

    code = "bound_to_site"
    message = "A key for one site has no access to the account's keys and audit trail"


class BeyondCaller(Forbidden):
    """The new key would be able to do more than the one it is asked with."""

    code = "missing_scope"
    message = "A key cannot make one with more scopes than its own"


class KeyEnded(Conflict):
    """The key was revoked or has expired: nothing about it changes any more."""

    code = "key_ended"
    message = "This key has ended"
    hint = "Create a new one."


class KeyRotated(Conflict):
    """The key has a successor, and only one."""

    code = "key_rotated"
    message = "This key was rotated before"

    def __init__(self, successor: str) -> None:
        super().__init__(hint=f"Its successor is {successor}. Rotate that one, or create a new key.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key as lists show it."""

    id: str
    account_id: str
    name: str
    hint: str
    scopes: list[str]
    site: str | None
    created_via: str
    created_at: datetime
    last_used_at: datetime | None
    last_used_ip: str | None
    last_used_client: str | None
    #: The key that a rotation made in its place.
    replaced_by: str | None
    expires_at: datetime | None
    revoked_at: datetime | None

    def to_json(self) -> dict[str, Any]:
        """Return the row of the API."""
        return {
            "id": self.id,
            "name": self.name,
            "hint": self.hint,
            "scopes": self.scopes,
            "site": self.site,
            "created_at": timestamp(self.created_at),
            "created_via": self.created_via,
            "last_used_at": timestamp(self.last_used_at),
            "last_used_ip": self.last_used_ip,
            "last_used_client": self.last_used_client,
            "replaced_by": self.replaced_by,
            "expires_at": timestamp(self.expires_at),
            "revoked_at": timestamp(self.revoked_at),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """What is asked of a key that does not exist yet."""

    name: str
    scopes: tuple[str, ...] = ("full",)
    site: str | None = None
    expires_in: timedelta | None = None
    created_via: str
    once: Once | None = None


def made_by_login(client: str) -> str:
    """Return where a key was made that the login of a program brings: its name, quoted where it is one of ours."""
    return f"“{client}”" if client.casefold() in DOORS else client


def scopes_for(caller: Caller, asked: frozenset[str] | None) -> tuple[str, ...]:
    """Return the scopes of a key that `caller` makes: its own unless less is asked. Raise BeyondCaller."""
    if asked is None:
        return tuple(sorted(caller.scopes))
    require_scopes(caller, asked)
    return tuple(sorted(asked))


def require_scopes(caller: Caller, scopes: Iterable[str]) -> None:
    """Raise BeyondCaller when a key with these scopes could do more than `caller` may."""
    if beyond := sorted(scope for scope in scopes if not caller.may(scope)):
        raise BeyondCaller(hint=f"This key lacks: {', '.join(beyond)}.")
