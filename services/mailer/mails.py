"""What each mail says: from an event to a finished message. Pure functions.

Texts from users go into bodies, cleaned and escaped; into headers goes nothing of theirs but one validated address
as Reply-To, and behind the site's name what a form has in the subject. Subjects are cleaned: this Python's header
machinery can be made to write headers of the user's choice (CVE-2024-6923, R39).
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8, Policy
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Final

import jinja2

from services.mailer.config import Sender
from shared.events import Envelope, Event

#: Characters of a subject, of a text on one line, and of one field's value; a mail is a notice, not an archive.
SUBJECT_LENGTH: Final = 150
LINE_LENGTH: Final = 200
VALUE_LENGTH: Final = 5_000
#: What a client calls itself is chosen by whoever asks for the login: enough to recognise it, too short to talk.
CLIENT_LENGTH: Final = 80
#: An address is never cut: who chose it could hide its end.
ADDRESS_LENGTH: Final = 320

#: An address of ours, which may also stand in a header between < and >.
_URL: Final = re.compile(r"https?://[A-Za-z0-9._~:/\[\]@!$&'()*+,;=%-]{1,900}")
_HEADER_SAFE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
#: A dot that mail programs would make a link of: followed by what could be a top-level domain.
_LINKING_DOT: Final = re.compile(r"\.(?=[^\W\d_]{2})|(?<=:)//")
_ZERO_WIDTH_SPACE: Final = "\u200b"


class InvalidMail(Exception):
    """No mail can be made of this message, now or later; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail to one recipient; every part is safe to write into a message."""

    to: str
    subject: str
    text: str
    html: str
    reply_to: str | None
    message_id: str
    headers: Mapping[str, str]


def mail(envelope: Envelope, event: Event, *, sender: Sender) -> Mail:
    """Make the mail of an event. Raise InvalidMail when its recipient is no address."""
    to = address(getattr(event, "to", ""))
    if to is None:
        raise InvalidMail("the recipient is not a valid address")
    if not _HEADER_SAFE.fullmatch(envelope.id):
        raise InvalidMail("the message id cannot be a Message-ID")
    subject, text, html = TEMPLATES[envelope.type]
    facts = event.model_dump()
    for name in ("unsubscribe_url", "inbox_url"):
        if not _URL.fullmatch(facts.get(name) or ""):
            facts[name] = ""
    answer_to = facts["answer_to"] = address(facts.get("reply_to") or "")
    # a visitor's address must not make a mail undeliverable where the server knows no SMTPUTF8
    reply_to = answer_to if answer_to and (answer_to.isascii() or not to.isascii()) else None
    # what the templates say of the reply is what the header does
    facts["reply_to"] = reply_to
    # RFC 3834: no vacation notes in answer to this
    headers = {"Auto-Submitted": "auto-generated"}
    if unsubscribe := facts.get("unsubscribe_url"):
        # RFC 8058: mail programs show a button of their own, and end it with one request
        headers |= {"List-Unsubscribe": f"<{unsubscribe}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    if _HEADER_SAFE.fullmatch(envelope.correlation_id):
        headers["X-Request-ID"] = envelope.correlation_id
    return Mail(
        to=to,
        subject=one_line(subject.render(facts), SUBJECT_LENGTH),
        text=_encodable(text.render(facts)),
        html=_encodable(html.render(facts)),
        reply_to=reply_to,
        message_id=f"<{envelope.id}@{sender.domain}>",
        headers=headers,
    )


def to_bytes(mail: Mail, *, sender: Sender, now: datetime) -> bytes:
    """Write the mail as it goes over the wire."""
    # only a recipient outside ASCII needs a server that knows SMTPUTF8
    policy = _SMTP if mail.to.isascii() else _SMTPUTF8
    message = EmailMessage(policy)
    message["From"] = Address(sender.name, addr_spec=sender.address)
    message["To"] = mail.to
    if mail.reply_to:
        message["Reply-To"] = mail.reply_to
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = mail.message_id
    for name, value in mail.headers.items():
        message[name] = value
    # quoted-printable passes every server, and keeps a code readable in the raw message
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    return message.as_bytes()


class _Verbatim(UnstructuredHeader):
    """A header that is written as it is: folded, a long address would become an encoded word, which is none."""

    def fold(self: Any, *, policy: Policy) -> str:
        """Write it on one line, which may have 998 characters."""
        return f"{self.name}: {self}{policy.linesep}"


def _policy(of: Any) -> Any:
    factory = HeaderRegistry()
    # the registry makes it a header itself, which the stub does not know
    factory.map_to_type("list-unsubscribe", _Verbatim)  # type: ignore[arg-type]
    return of.clone(header_factory=factory)


_SMTP: Final = _policy(SMTP)
_SMTPUTF8: Final = _policy(SMTPUTF8)


def canonical(text: str) -> str | None:
    """Return an address in the one form in which addresses are compared; None for what is none."""
    from email_validator import EmailNotValidError, validate_email

    try:
        valid = validate_email(text.strip(), check_deliverability=False, test_environment=True, strict=True)
    except EmailNotValidError:
        return None
    local, _, domain = valid.normalized.rpartition("@")
    return f"{unicodedata.normalize('NFC', local.lower())}@{domain}"


def address(text: str) -> str | None:
    """Return the one address that `text` is, safe in a header and in an SMTP command; None for anything else."""
    # for the first mail, not for every start
    from email_validator import EmailNotValidError, validate_email

    if "=?" in text:  # allowed in an address, but the header machinery would decode it
        return None
    try:
        valid = validate_email(text, check_deliverability=False, test_environment=True, strict=True)
    except EmailNotValidError:
        return None
    return valid.ascii_email or valid.normalized


def one_line(text: str, limit: int = LINE_LENGTH) -> str:
    """Clean a text for one line or a header: no control or format characters, no encoded words, bounded."""
    kept = (" " if char.isspace() else char for char in text if char.isspace() or not _unsafe(char))
    line = " ".join("".join(kept).split()).replace("=?", "= ?")
    return line if len(line) <= limit else line[: limit - 1] + "…"


def block(value: Any, limit: int = VALUE_LENGTH) -> str:
    """Clean a field's value for a body: lines stay, what cannot be seen goes; a long one says how much is missing."""
    raw = "\n".join(str(item) for item in value) if isinstance(value, list) else str(value)
    lines = raw.replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(char for char in lines if char in "\n\t" or not _unsafe(char)).strip()
    if len(text) > limit:
        return f"{text[:limit]}…\n({len(text) - limit:,} more characters in the dashboard)"
    return text


def unlinked(text: str) -> str:
    """Keep mail programs from making links of a text: an invisible space goes where one would form."""
    return _LINKING_DOT.sub(lambda match: match[0] + _ZERO_WIDTH_SPACE, text)


def moment(at: datetime) -> str:
    """Write a moment as people read it: `23 November 2026, 20:31 UTC`."""
    at = at.astimezone(UTC)
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def size(count: int) -> str:
    """Write a number of bytes as people read it: `1.2 MB`."""
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def indented(text: str, by: str = "    ") -> str:
    """Set a text off from the labels around it."""
    return "\n".join(f"{by}{line}".rstrip() for line in text.split("\n"))


def _encodable(text: str) -> str:
    """Replace lone surrogates, which JSON can carry and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode()


def _unsafe(char: str) -> bool:
    # control, format (bidi overrides among them), surrogate, private, line and paragraph separators
    return unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} and char not in "\u200c\u200d"


def _load() -> Iterator[tuple[str, tuple[jinja2.Template, jinja2.Template, jinja2.Template]]]:
    folder = Path(__file__).parent / "templates"
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "block": block,
        "client": lambda text: unlinked(one_line(text, CLIENT_LENGTH)),
        "indented": indented,
        "line": one_line,
        "size": size,
        "link": lambda text: unlinked(one_line(text, 500)),
        "mailbox": lambda text: unlinked(one_line(text, ADDRESS_LENGTH)),
        "moment": moment,
    }
    for path in sorted(folder.glob("*/subject.txt")):
        name = path.parent.name
        parts = ("subject.txt", "body.txt", "body.html")
        subject, text, html = (environment.get_template(f"{name}/{part}") for part in parts)
        yield f"mail.{name}", (subject, text, html)


#: Message type to its three templates; read once, so that the first mail is as fast as the next.
TEMPLATES: Final = dict(_load())
