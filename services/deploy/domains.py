"""Custom domains: which names may be one, how an owner proves one, and what a look at it says. Pure functions."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

import idna
from yarl import URL

from services.deploy import hosts
from services.deploy.config import Config
from shared import ids
from shared.errors import BadRequest, Forbidden, NotFound

if TYPE_CHECKING:
    import tldextract

#: Octets of a name. DNS allows more; certificates, file names and people do not need it.
MAX_LENGTH: Final = 100
#: What a site may have.
MAX_DOMAINS: Final = 5

#: The record that proves a domain is beside it, so that the domain itself may be anything, a CNAME too.
RECORD: Final = "_invoker"
#: Where the file is that proves it. Sites served here never answer below it: a domain that still points at us after
#: its site is gone would prove itself for whoever comes first.
PROOF_PATH: Final = "/.well-known/invoker-domain/"

#: Top-level names that no public name server answers for (RFC 6761, 7686, 8375, 9476).
_NO_DNS: Final = frozenset({"alt", "arpa", "invalid", "local", "localhost", "onion"})

#: For how long the proof of a new domain is looked for.
PATIENCE: Final = timedelta(days=3)
#: For how long a proved domain may lead elsewhere, without its record, before it is no longer served.
GRACE: Final = timedelta(days=7)
#: Between two looks at a proved domain.
DAILY: Final = timedelta(days=1)
_SHORTEST: Final = timedelta(minutes=1)
_LONGEST: Final = timedelta(hours=1)


class BadDomain(BadRequest):
    """The name cannot be a site's domain."""

    code = "bad_domain"
    message = "This domain is not allowed"


class DomainNotFound(NotFound):
    """The site has no such domain."""

    code = "domain_not_found"
    message = "Domain not found"


class DomainLimitReached(Forbidden):
    """The site has as many domains as a site may have."""

    code = "domain_limit_reached"
    message = f"This site has {MAX_DOMAINS} domains, which is as many as a site may have"
    hint = "Remove one first."


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was found of a domain at one time."""

    #: The record or the file with the token is there.
    proved: bool
    #: Visitors of the domain arrive here.
    leads_here: bool
    #: What is missing, in words for the owner; empty when nothing is.
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """A domain of a site, proved or not."""

    domain: str
    deployment_id: str
    slug: str
    account_id: str
    #: The owner's address.
    email: str
    token: str
    created_at: datetime
    verified_at: datetime | None
    #: When its proof began to be looked for.
    sought_since: datetime
    next_at: datetime | None
    looked_at: datetime | None
    failures: int
    #: Since when a proved one neither leads here nor has its proof; stays when it is no longer served for that.
    failing_since: datetime | None
    leads_here: bool
    problem: str | None
    certificate_failures: int
    certificate_problem: str | None
    certificate_expires_at: datetime | None

    def status(self, now: datetime) -> str:
        """What it is in one word."""
        if self.verified_at is None:
            return "pending" if self.failing_since is None and self.next_at is not None else "failing"
        if self.failing_since is not None:
            return "failing"
        return "active" if self.has_certificate(now) else "verified"

    def has_certificate(self, now: datetime) -> bool:
        """Tell whether browsers take its certificate."""
        return self.certificate_expires_at is not None and now < self.certificate_expires_at


def normalise(name: str) -> str:
    """Return the name as DNS has it: in lower case, in ASCII, without the root's dot. Raise BadDomain."""
    given = name.strip().removesuffix(".").removesuffix("\u3002")
    if "*" in given or "_" in given:
        raise BadDomain(hint="Add each name by itself: '*' and '_' are in no name that browsers open.")
    if not given or any(char in given for char in "/:@[] "):
        raise BadDomain(hint="Send the name alone, such as 'www.example.com': no 'https://', port or path.")
    try:
        domain = idna.encode(given, uts46=True).decode().lower()
    except idna.IDNAError:
        raise BadDomain(hint="A name is letters, digits and hyphens, in parts of 1 to 63 with dots between.") from None
    if len(domain) > MAX_LENGTH:
        raise BadDomain(hint=f"At most {MAX_LENGTH} characters are taken, in the form that DNS has.")
    if "." not in domain or _is_address(domain):
        raise BadDomain(hint="Send a full name, such as 'www.example.com'; an IP address cannot be one.")
    return domain


def check(name: str, config: Config) -> str:
    """Return the name as DNS has it. Raise BadDomain for one that nobody can own, or that is the platform's."""
    domain = normalise(name)
    if (read := hosts.read(domain)) is None or read.kind != "domain":
        # visitors would not be understood
        raise BadDomain(hint="Send a full name, such as 'www.example.com'.")
    if domain.rpartition(".")[2] in _NO_DNS:
        raise BadDomain(hint=f"Names below '{domain.rpartition('.')[2]}' are not in the public DNS.")
    if any(domain == own or domain.endswith(f".{own}") for own in _ours(config)):
        raise BadDomain("This domain is Invoker's own", hint="Sites have a name below it without being asked for it.")
    if not _public_suffixes()(domain).domain:
        raise BadDomain(f"Nobody owns '{domain}' alone", hint="Send a name that was registered below it.")
    return domain


def _ours(config: Config) -> set[str]:
    hosts = {URL(url).raw_host or "" for url in (config.app_url, config.api_url)}
    return {host for host in hosts if "." in host and not _is_address(host)} | {config.site_suffix.lstrip(".")}


def _is_address(text: str) -> bool:
    # no top-level name is a number, and some programs take `1.2` or `0x7f.1` for an address
    last = text.rpartition(".")[2]
    if last.isdigit() or last.startswith("0x"):
        return True
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


@cache
def _public_suffixes() -> "tldextract.TLDExtract":
    # takes a tenth of a second, and few processes are asked
    import tldextract

    # the list that the package brings: nobody is asked
    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)


def new_token() -> str:
    """Return a token for one domain of one site: public once it is in DNS, and worth nothing anywhere else."""
    return f"invoker-{ids.random_base62(32)}"


def record_name(domain: str) -> str:
    """Return the name of the TXT record that proves the domain."""
    return f"{RECORD}.{domain}"


def proof_url(domain: str, token: str) -> str:
    """Return the address whose content, the token alone, proves the domain."""
    return f"http://{domain}{PROOF_PATH}{token}"


def pause(failures: int) -> timedelta:
    """Return how long to wait after so many looks in vain: 1 minute, doubled each time, at most an hour; spread."""
    wait: timedelta = min(_LONGEST, _SHORTEST * (1 << min(failures, 10)))
    return wait * (0.9 + secrets.randbelow(200) / 1000)


def next_look(failures: int, *, served: bool, since: datetime, now: datetime) -> datetime | None:
    """Return when to look again for what was not found; None when nobody looks until the owner asks.

    `since` is when the domain was added, or last asked about by its owner; one that is `served` is looked at for as
    long as it is.
    """
    if served:
        return now + _LONGEST
    wait = pause(failures)
    return now + wait if now + wait < since + PATIENCE else None
