"""Webhooks: what one is, where one may lead, and how its secret looks. Pure functions."""

import base64
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Final

from yarl import URL

from services.deploy.config import Config
from shared import origins, outbound
from shared.errors import BadRequest, Conflict, Forbidden, NotFound

#: What a site may have.
MAX_WEBHOOKS: Final = 20
MAX_URL: Final = 2000
#: What may be told; there is one thing so far.
EVENTS: Final = ("submission",)
#: For how long the secret before signs too.
GRACE: Final = timedelta(hours=24)
#: Deliveries that wait for one webhook; while there are so many, nothing more is queued for it.
MAX_PENDING: Final = 10_000
#: For how long nothing but failures is borne.
PATIENCE: Final = timedelta(days=5)

#: Hosts that no public name server answers for, or that lead into a network (RFC 6761, 6762, 7686, 8375, 9476).
_INSIDE: Final = frozenset({
    "alt", "arpa", "corp", "home", "internal", "intranet", "invalid", "lan", "local", "localdomain", "localhost",
    "onion", "private",
})  # fmt: skip
#: Public names of what machines of a cloud ask for their credentials.
_METADATA: Final = frozenset({"metadata.goog", "metadata.packet.net", "metadata.tencentyun.com"})
_PRIVATE: Final = "Webhooks go to public hosts alone, unless the operator allows more (INVOKER_WEBHOOK_ALLOW_PRIVATE)."
#: A part of a name, also of such as networks of one's own have.
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
#: Hosts of the services whose messages have a shape of their own.
_SLACK: Final = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
_DISCORD: Final = frozenset({"discord.com", "discordapp.com", "canary.discord.com", "ptb.discord.com"})


class WebhookNotFound(NotFound):
    """The site has no such webhook."""

    code = "webhook_not_found"
    message = "Webhook not found"


class DeliveryNotFound(NotFound):
    """The webhook has no such delivery."""

    code = "delivery_not_found"
    message = "Delivery not found"


class BadWebhookUrl(BadRequest):
    """Nothing is sent to such an address."""

    code = "bad_webhook_url"
    message = "This webhook address is not allowed"
    hint = "Send a full address such as https://hooks.example.com/invoker."


class WebhookLimitReached(Forbidden):
    """The site has as many webhooks as a site may have."""

    code = "webhook_limit_reached"
    message = f"This site has {MAX_WEBHOOKS} webhooks, which is as many as a site may have"
    hint = "Remove one first."


class NotSigned(Conflict):
    """The webhook's type has no signatures, and so no secret."""

    code = "not_signed"
    message = "Messages to Slack and Discord are not signed: there is no secret to replace"
    hint = (
        "Whoever knows the address may write there. Make a new one in Slack or Discord, and change the webhook's url."
    )


class WebhookOff(Conflict):
    """The webhook is switched off."""

    code = "webhook_off"
    message = "This webhook is switched off: nothing is sent to it"
    hint = 'Switch it on first: PATCH {"active": true}.'


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Where a site's submissions are sent."""

    id: str
    deployment_id: str
    url: str
    type: str
    events: Sequence[str]
    active: bool
    created_at: datetime
    #: Since when every attempt has failed.
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_why: str | None
    #: So much waits for it that nothing more is queued.
    backlogged: bool
    #: Deliveries that wait for it.
    pending: int = 0

    @property
    def signed(self) -> bool:
        """Whether its messages are signed: those of the others are what Slack and Discord say they are."""
        return self.type == "generic"


def new_secret() -> str:
    """Return a secret as Standard Webhooks has it."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def shown_url(url: str) -> str:
    """Return an address without what may be a secret: its path and query."""
    parsed = URL(url)
    return f"{parsed.origin()}/…" if parsed.raw_path_qs != "/" else str(parsed)


def type_of(url: str) -> str:
    """Return the type of a webhook at an address, for one that does not say what it is."""
    parsed = URL(url)
    if parsed.raw_host in _SLACK:
        return "slack"
    return "discord" if parsed.raw_host in _DISCORD and parsed.path.startswith("/api/webhooks/") else "generic"


def check(url: str, config: Config) -> str:
    """Return the address as it is kept. Raise BadWebhookUrl for one that leads nowhere in public, or to ourselves.

    This is what can be said of the text. Where a name leads is judged at each connection.
    """
    parsed = _parse(url)
    if (port := parsed.port) not in {80, 443} and (port is None or port < 1024):
        raise BadWebhookUrl(f"Port {port} is not allowed", hint="Ports are 80, 443, and 1024 and above.")
    if config.webhook_allow_private:
        return str(parsed)
    host = (parsed.raw_host or "").removesuffix(".")
    if _is_address(host):
        if not outbound.is_public(host):
            raise BadWebhookUrl(f"{host} is not a public address", hint=_PRIVATE)
        return str(parsed)
    labels = host.split(".")
    # programs differ in what they take for an address: 0x7f.1, 2130706433, 0177.0.0.1
    if labels[-1].isdigit() or labels[-1].startswith("0x"):
        raise BadWebhookUrl("This host is a number, and no address", hint="Write an address as 203.0.113.7.")
    if len(labels) < 2 or labels[-1] in _INSIDE or host in _METADATA:
        raise BadWebhookUrl(f"'{host}' is not a name of the public internet", hint=_PRIVATE)
    if _is_ours(host, config):
        raise BadWebhookUrl("This address is Invoker's own", hint="What is sent would come back as a submission.")
    return str(parsed)


def _parse(url: str) -> URL:
    """Return what may be an address at all. Raise BadWebhookUrl."""
    if not url.isprintable() or " " in url or "\\" in url:
        raise BadWebhookUrl("An address has no spaces, line breaks or backslashes")
    try:
        # the host comes out in lower case and ASCII, its look-alikes of digits as digits
        parsed = URL(url)
        host, port = parsed.raw_host, parsed.port
    except ValueError:
        raise BadWebhookUrl("This is no address") from None
    if parsed.scheme not in {"http", "https"} or not url.lower().startswith(("http://", "https://")):
        raise BadWebhookUrl("A webhook's address begins with http:// or https://")
    if len(str(parsed)) > MAX_URL:
        raise BadWebhookUrl(f"An address has at most {MAX_URL:,} characters")
    authority = re.split(r"[/?#]", url.partition("//")[2], maxsplit=1)[0]
    if "@" in authority:
        raise BadWebhookUrl("An address has no user or password in it", hint="Put a secret into the path or the query.")
    if "#" in url:
        raise BadWebhookUrl("An address has no fragment (#…): it would not be sent")
    if not host or not port:
        raise BadWebhookUrl("The address names no host" if port else "Port 0 is not allowed")
    if not _is_host(host) or ("[" in authority) is not (":" in host):
        raise BadWebhookUrl("The host is no name and no address")
    return parsed


def _is_host(host: str) -> bool:
    if ":" in host:
        return "%" not in host and _is_address(host)
    labels = host.removesuffix(".").split(".")
    return len(host) <= 253 and all(_LABEL.fullmatch(label) for label in labels)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_ours(host: str, config: Config) -> bool:
    own = {name for name in origins.names(config.app_url, config.api_url) if not _is_address(name)}
    return host in own or host.endswith(config.site_suffix) or host == config.site_suffix.lstrip(".")
