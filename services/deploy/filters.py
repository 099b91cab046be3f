"""What a query asks for of a site's submissions."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from aiohttp import hdrs, web

from services.deploy import access
from services.deploy.fields import MAX_FORM_NAME
from services.deploy.received import STATUSES
from services.deploy.store.inbox import Filter
from shared.errors import Invalid

#: Characters of a search.
MAX_TEXT: Final = 500
#: Headers of what visitors sent, as a file: no cache keeps it, and no browser runs it.
KEPT: Final[Mapping[str, str]] = {
    hdrs.CACHE_CONTROL: "no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}


def read(request: web.Request) -> Filter:
    """Return which submissions are asked for. Raise DeploymentNotFound, Invalid."""
    return Filter(
        deployment_id=access.deployment_id(request),
        status=status(request),
        form=form(request),
        since=moment(request, "since"),
        until=moment(request, "until"),
        text=_text(request, "q", MAX_TEXT),
    )


def status(request: web.Request) -> str:
    """Return the status that is asked for. Raise Invalid for one that there is not."""
    text = request.query.get("status", "accepted")
    if text not in STATUSES:
        raise Invalid("status: must be 'accepted', 'spam' or 'test'")
    return text


def form(request: web.Request) -> str | None:
    """Return the name of the form that is asked for, empty for the one without; None for all of them."""
    return _text(request, "form", MAX_FORM_NAME)


def moment(request: web.Request, name: str) -> datetime | None:
    """Return a time of the query. Raise Invalid for what is none, or has no offset."""
    if (text := request.query.get(name)) is None:
        return None
    try:
        # a + that was not escaped is read as a space
        given = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        given = None
    if given is None or given.tzinfo is None:
        raise Invalid(f"{name}: must be a time such as 2026-11-28T12:00:00Z")
    return in_utc(name, given)


def in_utc(name: str, given: datetime) -> datetime:
    """Return a moment that the database can be asked for. Raise Invalid."""
    try:
        return given.astimezone(UTC)
    except OverflowError:
        raise Invalid(f"{name}: is out of range") from None


def _text(request: web.Request, name: str, longest: int) -> str | None:
    text = request.query.get(name)
    if text is not None and (len(text) > longest or "\0" in text):
        raise Invalid(f"{name}: must be text of at most {longest} characters")
    return text
