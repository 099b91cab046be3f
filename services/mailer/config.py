"""The mailer's own settings: the SMTP server that takes its mails, and whom they come from."""

import ipaddress
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

import pydantic
from pydantic import SecretStr

from shared.config import BaseConfig

Tls = Literal["starttls", "implicit", "none"]
#: How the connection is encrypted, and the port that goes with it.
PORTS: Final[dict[Tls, int]] = {"starttls": 587, "implicit": 465, "none": 25}

#: A sender may live on a name without dots, which a recipient may not.
_ADDRESS: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+"
_SENDER: Final = re.compile(rf'"?(?P<name>[^"<>]*?)"?\s*<(?P<named>{_ADDRESS})>|(?P<bare>{_ADDRESS})')


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """Where mails are handed over."""

    host: str
    port: int
    tls: Tls
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Whom mails come from."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        """The name that message ids end in, and that we greet the SMTP server with."""
        return self.address.rpartition("@")[2]


class Config(BaseConfig):
    """What the mailer reads from the environment."""

    #: `smtp://user:password@host:587?tls=starttls`; tls is starttls (default), implicit or none.
    smtp_url: SecretStr
    #: `Invoker <login@example.com>`, or the address alone.
    mail_from: str = "Invoker <login@localhost>"

    @pydantic.field_validator("smtp_url")
    @classmethod
    def _is_smtp_url(cls, url: SecretStr) -> SecretStr:
        parse_smtp_url(url.get_secret_value())
        return url

    @pydantic.field_validator("mail_from")
    @classmethod
    def _is_sender(cls, text: str) -> str:
        parse_sender(text)
        return text

    @cached_property
    def smtp_server(self) -> SmtpServer:
        """The server that `smtp_url` names."""
        return parse_smtp_url(self.smtp_url.get_secret_value())

    @cached_property
    def sender(self) -> Sender:
        """The sender that `mail_from` names."""
        return parse_sender(self.mail_from)


def parse_smtp_url(text: str) -> SmtpServer:
    """Read an SMTP URL. Raise ValueError saying what is wrong with it, without repeating any of it."""
    url, port = _split(text.strip())
    options = parse_qs(url.query, keep_blank_values=True)
    if url.scheme != "smtp" or not url.hostname:
        raise ValueError("must look like smtp://user:password@host:587?tls=starttls")
    if url.path not in {"", "/"} or url.fragment or options.keys() - {"tls"}:
        raise ValueError("takes nothing after the port but ?tls=starttls, ?tls=implicit or ?tls=none")
    match options.get("tls", ["starttls"]):
        case ["starttls" | "implicit" | "none" as kind]:
            pass
        case _:
            raise ValueError("tls must be starttls, implicit or none")
    if bool(url.username) != bool(url.password):
        raise ValueError("needs a user and a password, or neither")
    if kind == "none" and url.password and not _is_loopback(url.hostname):
        raise ValueError("would send the password unencrypted: use tls=starttls or tls=implicit")
    return SmtpServer(
        host=url.hostname,
        port=port or PORTS[kind],
        tls=kind,
        username=unquote(url.username) if url.username else None,
        password=unquote(url.password) if url.password else None,
    )


def parse_sender(text: str) -> Sender:
    """Read `Name <address>` or an address. Raise ValueError when it is none."""
    match = _SENDER.fullmatch(text.strip())
    if match is None or not text.isprintable() or "=?" in text:
        raise ValueError("must be an ASCII address such as Invoker <login@example.com>")
    return Sender(name=match["name"] or "", address=match["named"] or match["bare"])


def _split(text: str) -> tuple[SplitResult, int | None]:
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise ValueError("is not a valid URL") from None
    if port == 0:
        raise ValueError("has port 0")
    return url, port


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
