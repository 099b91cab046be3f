"""What became of a submission: every hop from its arrival to each mail and webhook attempt. Pure values and texts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from shared import http

#: Why something is held, in words.
REASONS: Final = {
    "honeypot": "the field that no person sees was filled in",
    "too_fast": "it was sent faster than a person can write",
    "duplicate": "the same was sent before",
    "links": "it has more links than text",
    "words": "it has a word that the owner has forbidden",
    "no_proof": "its sender did not do the work that this form asks for while it is busy",
}
#: What a hop's status is while something is still to come.
OPEN: Final = frozenset({"waiting", "queued"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One thing that happened to a submission, or is to happen."""

    #: `stored`, `mail` or `webhook`.
    hop: str
    at: datetime
    #: How long it took; None for what is not over.
    ms: float | None
    status: str
    detail: str

    def show(self) -> dict[str, Any]:
        """Return it for JSON."""
        ms = None if self.ms is None else round(self.ms, 1)
        return {"hop": self.hop, "at": http.timestamp(self.at), "ms": ms, "status": self.status, "detail": self.detail}


def stored(row: Mapping[str, Any]) -> Hop:
    """Say how a submission was stored."""
    details = {
        "accepted": "Stored",
        "spam": "Held as spam: " + REASONS.get(row["spam_reason"] or "", "its owner said so"),
        "test": "Stored as a test: never counted",
    }
    return Hop(
        hop="stored", at=row["created_at"], ms=row["stored_ms"], status=row["status"], detail=details[row["status"]]
    )


def mails(rows: Iterable[Mapping[str, Any]]) -> list[Hop]:
    """Say what became of the mails about a submission; a row for each, or one of a notice that waits for its turn."""
    return [_mail(row) for row in rows]


def _mail(row: Mapping[str, Any]) -> Hop:
    if row["mailing_id"] is None:
        when = f", at {http.timestamp(row['next_at'])}" if row["next_at"] else ""
        return Hop(
            hop="mail", at=row["created_at"], ms=None, status="waiting", detail=f"To be told together with others{when}"
        )
    if row["email"] is None:
        return Hop(hop="mail", at=row["created_at"], ms=None, status="none", detail="Nobody wants mails about this")
    to = f"To {row['email']}"
    if row["settled_at"] is None:
        return Hop(hop="mail", at=row["queued_at"], ms=None, status="queued", detail=to)
    return Hop(
        hop="mail",
        at=row["settled_at"],
        ms=_ms(row["settled_at"] - row["queued_at"]),
        status=row["result"],
        detail=f"{to}: {row['reason']}" if row["reason"] else to,
    )


def webhooks(rows: Iterable[Mapping[str, Any]]) -> list[Hop]:
    """Say what came of every attempt, and what is still to come; a row for each attempt, or one without."""
    hops: list[Hop] = []
    waiting: dict[str, Hop] = {}
    for row in rows:
        to = _host(row["url"])
        if row["attempt"] is not None:
            hops.append(_attempt(row, to))
        if row["state"] == "pending":
            due, count = row["next_at"], row["attempts"]
            detail = f"{to}: attempt {count + 1} at {http.timestamp(due)}"
            waiting[row["id"]] = Hop(hop="webhook", at=row["created_at"], ms=None, status="waiting", detail=detail)
    return [*hops, *waiting.values()]


def _attempt(row: Mapping[str, Any], to: str) -> Hop:
    if row["status"] is None:
        status, detail = "failed", f"{to}: {row['error'] or 'no answer'}"
    else:
        status, detail = str(row["status"]), f"{to} answered"
    return Hop(
        hop="webhook", at=row["at"], ms=row["latency_ms"], status=status, detail=f"{detail} (attempt {row['attempt']})"
    )


def _host(url: str | None) -> str:
    """Return what may be shown of a webhook's address: its path may be a secret."""
    if url is None:
        return "A webhook that was removed"
    return urlsplit(url).hostname or "webhook"


def _ms(span: timedelta) -> float:
    return max(0.0, span.total_seconds() * 1000)


def in_order(hops: Iterable[Hop]) -> list[Hop]:
    """Return hops by time, what is still to come last."""
    return sorted(hops, key=lambda hop: (hop.status in OPEN, hop.at))


def is_complete(hops: Iterable[Hop]) -> bool:
    """Tell whether nothing is still to come."""
    return not any(hop.status in OPEN for hop in hops)
