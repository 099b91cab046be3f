"""Settings of the deploy service, beside what every service reads."""

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field, SecretStr
from pydantic_settings import NoDecode

from shared.config import BaseConfig, Origin


class Config(BaseConfig):
    """`INVOKER_AUTH_INTERNAL_URL` and what follows here, and the shared ones."""

    #: auth's internal port.
    auth_internal_url: Origin = "http://127.0.0.1:8081"
    #: Where the files' bytes are: a directory (`file:///…`), or a bucket (`s3://…`, `gs://…`, `az://…`).
    blobs_url: str = Field(default_factory=lambda: Path(".invoker/blobs").absolute().as_uri(), pattern=r"^[a-z0-9]+://")
    #: What a bucket needs beside its URL, by the names of the store's client: endpoint, region, access_key_id, …
    blobs_options: Annotated[dict[str, SecretStr], Field(default_factory=dict)]
    #: Where other replicas reach this one's internal port; empty: its own address.
    internal_advertise_url: Origin | Literal[""] = ""
    #: The gateways' internal listeners, with commas between them: told of every change before it is answered.
    gateway_urls: Annotated[tuple[Origin, ...], NoDecode] = ()
    #: Seconds for which a CDN may keep pages of sites; 0: there is none.
    cdn_max_age: int = Field(default=0, ge=0, le=31_536_000)
    #: Is sent `{"hosts": […]}` when these hosts' pages changed, with the token as bearer.
    cdn_purge_url: Origin | Literal[""] = ""
    cdn_purge_token: SecretStr = SecretStr("")
    #: Name servers that custom domains and webhooks are looked up at, as `address` or `address:port`; empty: the
    #: machine's.
    dns_servers: Annotated[tuple[tuple[str, int], ...], NoDecode] = ()
    #: Whether custom domains may be proved by, and lead to, private addresses: for networks of one's own.
    domains_allow_private: bool = False
    #: The ACME directory that certificates of custom domains come from, what it tells about them goes to `acme_email`,
    #: and what its own certificate is checked with; no directory: no certificates.
    acme_directory: str = Field(default="", pattern=r"^(https://\S+)?$")
    acme_email: str = ""
    acme_ca_file: Path | None = None
    #: Where the gateway finds them.
    certificates_dir: Path = Field(default_factory=lambda: Path(".invoker/certificates").absolute())
    #: Whether webhooks may go to private and loopback addresses: for those who host it at home.
    webhook_allow_private: bool = False
    #: Who is told of what visitors report; empty: nobody by mail.
    operator_email: str = ""

    @pydantic.field_validator("gateway_urls", mode="before")
    @classmethod
    def _with_commas(cls, value: Any) -> Any:
        return tuple(one.strip() for one in value.split(",") if one.strip()) if isinstance(value, str) else value

    @pydantic.field_validator("dns_servers", mode="before")
    @classmethod
    def _servers(cls, value: Any) -> Any:
        return tuple(map(_server, filter(None, value.replace(",", " ").split()))) if isinstance(value, str) else value

    @pydantic.field_validator("acme_ca_file", mode="before")
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        return value or None


def _server(text: str) -> tuple[str, int]:
    """Read `192.0.2.1`, `192.0.2.1:5353`, `[2001:db8::1]:53`. Raise ValueError."""
    address, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or (":" in address and not address.startswith("[")):
        address, port = text, "53"
    return str(ip_address(address.strip("[]"))), int(port)
