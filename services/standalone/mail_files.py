"""The development mailbox's mails: one .eml file each, on disk before the sender hears that it was taken."""

import asyncio
import email
import email.policy
import os
import re
import secrets
import time
from bisect import insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage, Message
from email.utils import getaddresses
from pathlib import Path
from typing import Any, Final

from cachetools import LRUCache

#: Older mails go when there are more.
MAX_MAILS: Final = 5_000
SNIPPET_LENGTH: Final = 250

#: Nanoseconds of arrival, so that names sort by time, and 8 random digits.
_ID: Final = re.compile(r"[0-9a-f]{24}")
#: A login code stands alone on its line in the text, or at the head of the subject.
_CODE: Final = re.compile(r"^\s*(\d{6})\s*$|\A(\d{6}) is your ", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMail:
    """A mail as the API and the page show it."""

    id: str
    created: datetime
    size: int
    message_id: str
    sender: list[tuple[str, str]]
    to: list[tuple[str, str]]
    reply_to: list[tuple[str, str]]
    subject: str
    text: str
    html: str
    headers: dict[str, list[str]]

    @property
    def snippet(self) -> str:
        """How the text begins, on one line."""
        return " ".join(self.text.split())[:SNIPPET_LENGTH]

    @property
    def code(self) -> str | None:
        """The login code that the mail is about."""
        match = _CODE.search(self.subject) or _CODE.search(self.text)
        return match and (match[1] or match[2])


class MailFiles:
    """A directory of mails; only their names are held in memory, and a few that were read."""

    def __init__(self, directory: Path, *, limit: int = MAX_MAILS) -> None:
        self._directory = directory
        self._limit = limit
        directory.mkdir(parents=True, exist_ok=True)
        for leftover in directory.glob("*.part"):
            leftover.unlink(missing_ok=True)
        # names alone: reading thousands of mails would delay the start
        self._ids = sorted(path.stem for path in directory.glob("*.eml") if _ID.fullmatch(path.stem))
        self._read: LRUCache[str, StoredMail] = LRUCache(500)

    def __len__(self) -> int:
        return len(self._ids)

    def newest(self, start: int, limit: int) -> list[StoredMail]:
        """Return mails, newest first."""
        chosen = self._ids[::-1][start : start + limit]
        return [found for mail_id in chosen if (found := self.find(mail_id))]

    def find(self, mail_id: str) -> StoredMail | None:
        """Return a mail by its id, or the `latest`."""
        if mail_id == "latest" and self._ids:
            mail_id = self._ids[-1]
        if mail_id in self._read:
            return self._read[mail_id]
        raw = self.raw(mail_id)
        if raw is None:
            return None
        self._read[mail_id] = found = parse(mail_id, raw)
        return found

    def raw(self, mail_id: str) -> bytes | None:
        """Return a mail's bytes as they arrived."""
        if not _ID.fullmatch(mail_id):
            return None
        try:
            return self._path(mail_id).read_bytes()
        except FileNotFoundError:
            return None

    async def add(self, raw: bytes) -> str:
        """Keep a mail and return its id; it is on disk then. Raise OSError when it cannot be written."""
        last = int(self._ids[-1][:16], 16) if self._ids else 0
        mail_id = f"{max(time.time_ns(), last + 1):016x}{secrets.token_hex(4)}"
        await asyncio.to_thread(self._write, mail_id, raw)
        insort(self._ids, mail_id)
        if len(self._ids) > self._limit:
            self.delete(self._ids[: -self._limit])
        return mail_id

    def delete(self, mail_ids: Iterable[str] | None = None) -> None:
        """Delete these mails, or all."""
        gone = set(self._ids if mail_ids is None else mail_ids) & set(self._ids)
        self._ids = [mail_id for mail_id in self._ids if mail_id not in gone]
        for mail_id in gone:
            self._read.pop(mail_id, None)
            self._path(mail_id).unlink(missing_ok=True)

    def _path(self, mail_id: str) -> Path:
        return self._directory / f"{mail_id}.eml"

    def _write(self, mail_id: str, raw: bytes) -> None:
        part = self._directory / f"{mail_id}.part"
        with part.open("wb") as out:
            out.write(raw)
            out.flush()
            os.fsync(out.fileno())
        part.rename(self._path(mail_id))
        # the name is on disk only when its directory is
        folder = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def parse(mail_id: str, raw: bytes) -> StoredMail:
    """Read a mail, whatever it is: what cannot be understood is left as it came, or out."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    names = list(dict.fromkeys(name for name, _ in message.raw_items()))

    def first(name: str) -> str:
        return next(iter(_values(message, name)), "")

    def people(name: str) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = _attempt(lambda: getaddresses(_values(message, name)), [])
        return found

    return StoredMail(
        id=mail_id,
        created=datetime.fromtimestamp(int(mail_id[:16], 16) / 1e9, UTC),
        size=len(raw),
        message_id=first("Message-ID").strip().removeprefix("<").removesuffix(">"),
        sender=people("From"),
        to=people("To"),
        reply_to=people("Reply-To"),
        subject=first("Subject"),
        text=_body(message, "plain"),
        html=_body(message, "html"),
        headers={_clean(name): _values(message, name) for name in names},
    )


def _values(message: Message, name: str) -> list[str]:
    """Return a header's values; the standard library's parsers raise all kinds of things on odd ones."""
    understood: list[str] | None = _attempt(lambda: [str(value) for value in message.get_all(name, [])], None)
    if understood is None:
        wanted = name.lower()
        understood = [str(value) for header, value in message.raw_items() if header.lower() == wanted]
    return [_clean(value) for value in understood]


def _body(message: EmailMessage | Message, kind: str) -> str:
    part = _attempt(lambda: message.get_body((kind,)) if isinstance(message, EmailMessage) else None, None)
    if part is None:
        return ""
    content = _attempt(part.get_content, None)
    if not isinstance(content, str):  # an unknown charset, say
        payload = _attempt(lambda: part.get_payload(decode=True), b"")
        content = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
    return _clean(content)


def _attempt(read: Callable[[], Any], otherwise: Any) -> Any:
    try:
        return read()
    except Exception:  # noqa: BLE001 - a mailbox for development must show the mail that is broken
        return otherwise


def _clean(text: str) -> str:
    """Replace what JSON and HTML cannot carry: bytes that were no text."""
    return text.encode("utf-8", "replace").decode()
