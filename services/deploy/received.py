"""What visitors sent, as its owner sees it: one row of lists, exports and streams."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from services.deploy.contracts import Column
from shared import http
from shared.errors import NotFound

#: The columns of `Received`; data stays the text that it is stored as, for it goes out as it is.
FIELDS: Final = "id, data, form, status, created_at, version, files, read_at, unknown_fields, problems, spam_reason"
COLUMNS: Final = FIELDS.replace("data", "data::text AS data")
STATUSES: Final = ("accepted", "spam", "test")


class SubmissionNotFound(NotFound):
    """No such submission at this site, or it was deleted."""

    code = "submission_not_found"
    message = "Submission not found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One submission."""

    id: str
    #: JSON.
    data: str
    form: str | None
    status: str
    created_at: datetime
    version: int
    #: `[{id, field, name, size, type}]`
    files: Sequence[Mapping[str, Any]] | None
    read_at: datetime | None
    unknown_fields: Sequence[str] | None
    problems: Sequence[Mapping[str, str]] | None
    spam_reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Some of a site's submissions, newest first."""

    found: Sequence[Received]
    #: How many there are in all; at least, unless it is exact.
    total: int
    is_exact: bool
    #: Older ones follow.
    more: bool
    columns: Sequence[Column]


def show(given: Received, base: str) -> dict[str, Any]:
    """Return the row for JSON; `base` is where the site's submissions are found."""
    return {
        "id": given.id,
        "data": orjson.Fragment(given.data),
        "form": given.form,
        "status": given.status,
        "created_at": http.timestamp(given.created_at),
        "version": given.version,
        "files": [{**file, "url": f"{base}/{given.id}/files/{file['id']}"} for file in given.files or ()],
        "read_at": http.timestamp(given.read_at),
        "unknown_fields": given.unknown_fields or [],
        "problems": given.problems or [],
        "spam_reason": given.spam_reason,
    }
