"""What can go wrong, in sentences for the person in front of it; none of them ever has a key in it."""

import re

KEYS = re.compile(r"\b(inv|tok|whsec)_[0-9A-Za-z+/=_-]{8,}")


def plain(text: object) -> str:
    """Return a text that came from elsewhere as one line without control characters and keys."""
    printable = "".join(sign if sign.isprintable() else " " for sign in str(text))
    return KEYS.sub(r"\1_…", printable).strip()[:1000]


class ClientError(Exception):
    """Something that the person can do something about: the hint says what."""

    def __init__(self, message: str, *, hint: str | None = None, request_id: str | None = None) -> None:
        self.message = plain(message)
        self.hint = plain(hint) if hint else None
        self.request_id = plain(request_id) if request_id else None
        super().__init__(self.message)


class NotLoggedIn(ClientError):
    """There is no key, or the API does not take it any more."""


class Unreachable(ClientError):
    """The API did not answer, or not in its own words."""


class ApiError(ClientError):
    """The API said no."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str = "",
        hint: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint, request_id=request_id)
        self.status = status
        self.code = plain(code)
        self.retry_after = retry_after
