"""What mail systems report of mails that they took: bounces (RFC 3464) and complaints (RFC 5965). Pure functions.

A report is believed as far as it names a mail of ours: anybody may write to where bounces arrive, and only whoever got
a mail knows its id. So a report ends mails to the address that the named mail went to, and to no other.
"""

import email
import email.policy
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from typing import Final, Literal

from services.mailer import statuses
from shared.errors import Invalid

Kind = Literal["bounce", "complaint"]

#: Kinds of feedback that say "I do not want this"; `not-spam` says the contrary.
COMPLAINTS: Final = frozenset({"abuse", "fraud", "opt-out"})
#: Characters of what a report said that are kept.
DETAIL_LENGTH: Final = 200

_MESSAGE_ID: Final = re.compile(r"<([A-Za-z0-9][A-Za-z0-9._-]{0,127})@[^<>@\s]{1,255}>")
_ADDRESS: Final = re.compile(r"[^\s<>;]+@[^\s<>;]+")


class NoReport(Invalid):
    """The message reports nothing that can be acted on."""

    code = "no_report"
    message = "This message is no report of a bounce or a complaint about one of our mails"
    hint = "Send the whole message as it arrived, with Content-Type: message/rfc822, or JSON with email and kind."


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report: which mail it is about, and whether its address is to be mailed no more."""

    message_id: str
    kind: Kind
    detail: str
    #: False for a delay, a full mailbox, a refusal of the content: not the end of an address.
    final: bool


def read(raw: bytes) -> Report:
    """Read a report. Raise NoReport."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    parts = list(message.walk())
    kinds = {part.get_content_type(): part for part in reversed(parts)}
    if (status := kinds.get("message/delivery-status")) is not None:
        detail, final = _failure(status)
        return Report(message_id=_reported(parts, message), kind="bounce", detail=detail, final=final)
    if (feedback := kinds.get("message/feedback-report")) is not None:
        kind = _fields(feedback).get("feedback-type", "").lower()
        return Report(
            message_id=_reported(parts, message), kind="complaint", detail=_cut(kind), final=kind in COMPLAINTS
        )
    raise NoReport


def _failure(status: Message) -> tuple[str, bool]:
    """Return what a delivery status says, and whether the address has no mailbox."""
    detail, final = "", False
    for fields in _blocks(status):
        action, code = fields.get("action", "").lower(), fields.get("status", "")
        said = fields.get("diagnostic-code", "")
        if not action:
            continue
        detail = detail or _cut(f"{code} {said}")
        if action == "failed":
            # some say 5.0.0 for all, and what the server answered beside it
            exact = code in statuses.NO_MAILBOX
            final = final or exact or statuses.no_mailbox(statuses.basic(said) or 0, said)
    return detail, final


def _blocks(part: Message) -> Iterator[dict[str, str]]:
    """Yield the groups of fields of a status: of the message, then of each recipient."""
    payload = part.get_payload()
    for each in payload if isinstance(payload, list) else [part]:
        if isinstance(each, Message):
            yield {name.lower(): " ".join(str(value).split()) for name, value in each.items()}


def _fields(part: Message) -> dict[str, str]:
    """Return the fields of a feedback report, which the parser may take for a message or for text."""
    payload = part.get_payload()
    if isinstance(payload, list):
        merged: dict[str, str] = {}
        for block in _blocks(part):
            merged |= block
        return merged
    raw = part.get_payload(decode=True)
    inner = email.message_from_bytes(raw if isinstance(raw, bytes) else str(payload).encode("utf-8", "replace"))
    return {name.lower(): str(value).strip() for name, value in inner.items()}


def _reported(parts: Sequence[Message], report: Message) -> str:
    """Return the id of the mail that came back. Raise NoReport when it is not there, or cannot be one of ours."""
    for part in parts:
        if part is report:
            continue
        if part.get_content_type() not in {"message/rfc822", "text/rfc822-headers", "message/rfc822-headers"}:
            continue
        found = re.search(r"^message-id:\s*(\S+)", _text(part), re.IGNORECASE | re.MULTILINE)
        match = _MESSAGE_ID.fullmatch(found[1]) if found else None
        if match is not None:
            return match[1]
    raise NoReport


def _text(part: Message) -> str:
    payload = part.get_payload()
    if isinstance(payload, list):
        return "\n".join(
            f"{name}: {value}" for each in payload if isinstance(each, Message) for name, value in each.items()
        )
    raw = part.get_payload(decode=True)
    return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(payload)


def _cut(text: str) -> str:
    """Clean what a report said: no addresses, one line, bounded."""
    line = "".join(char if char.isprintable() else " " for char in _ADDRESS.sub("…", text))
    return " ".join(line.split())[:DETAIL_LENGTH]
