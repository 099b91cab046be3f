"""Looks at a custom domain from outside: its TXT record, the file on its present server, and whether it leads here."""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from services.deploy import domains
from services.deploy.config import Config
from services.deploy.domains import Look
from shared import outbound
from shared.resolver import NoAnswer, Resolver

#: Where HTTP is looked for, as visitors and authorities do.
PORT: Final = 80

CHALLENGE_PATH: Final = "/.well-known/acme-challenge/"
#: Begins the tokens that every replica answers by itself: whoever gets the answer has arrived here.
_PROBE: Final = "invoker-"
_NONCE: Final = 32


class Probe:
    """Asks a host whether it is us, where authorities ask for their challenges: nothing but our replicas can answer."""

    def __init__(self, config: Config) -> None:
        self._secret = config.service_token.get_secret_value().encode()

    def token(self) -> str:
        return _PROBE + secrets.token_hex(_NONCE // 2)

    def answer(self, token: str) -> str | None:
        """Return the answer to a token of ours, None for any other."""
        nonce = token.removeprefix(_PROBE)
        if nonce == token or len(nonce) != _NONCE:
            return None
        return hmac.new(self._secret, b"domain probe " + nonce.encode(), hashlib.sha256).hexdigest()


class Proofs:
    """Looks; one for each process."""

    def __init__(self, resolver: Resolver, client: outbound.Outbound, probe: Probe) -> None:
        self._resolver, self._client, self._probe = resolver, client, probe

    async def look(self, domain: str, token: str) -> Look:
        """Look for the proof, and at where the domain leads."""
        record, file, leads = await asyncio.gather(
            self._record(domain, token), self._file(domain, token), self.leads_here(domain)
        )
        proved = not record or not file
        return Look(proved=proved, leads_here=leads, problem="" if proved else f"{record} {file}")

    async def leads_here(self, domain: str) -> bool:
        """Tell whether a visitor of `http://<domain>/` arrives here."""
        # a second try: a connection can be lost, and much hangs on this
        return await self._arrives(domain) or await self._arrives(domain)

    async def _arrives(self, domain: str) -> bool:
        token = self._probe.token()
        try:
            found = await self._client.request("GET", self._url(domain, CHALLENGE_PATH + token))
        except outbound.Unreachable:
            return False
        return found.status == 200 and found.body.strip() == (self._probe.answer(token) or "").encode()

    async def _record(self, domain: str, token: str) -> str:
        """Return what is wrong with the TXT record, or nothing."""
        name = domains.record_name(domain)
        try:
            values = [text.strip() for text in await self._resolver.texts(name)]
        except NoAnswer:
            return f"The name servers of {domain} did not answer."
        if token in values:
            return ""
        if values:
            return f"The TXT record at {name} was found, but with another value: {_quoted(values)}."
        return f"There is no TXT record at {name} yet."

    async def _file(self, domain: str, token: str) -> str:
        """Return what is wrong with the file on the domain's present server, or nothing."""
        shown = domains.proof_url(domain, token)
        try:
            found = await self._client.request("GET", self._url(domain, domains.PROOF_PATH + token))
        except outbound.Unreachable as error:
            return f"{shown}: {error}."
        if found.status != 200:
            return f"{shown} answered {found.status}."
        return "" if found.body.strip() == token.encode() else f"{shown} answered with something else than the token."

    def _url(self, domain: str, path: str) -> str:
        return f"http://{domain}{path}" if PORT == 80 else f"http://{domain}:{PORT}{path}"


def _quoted(values: Sequence[str]) -> str:
    """Show what was found, within bounds: it is anybody's text."""
    readable = ("".join(char if char.isprintable() else "?" for char in value[:100]) for value in values[:3])
    shown = ", ".join(f'"{value}"' for value in readable)
    return f"{shown} and {len(values) - 3} more" if len(values) > 3 else shown


@asynccontextmanager
async def opened(config: Config) -> AsyncIterator[Proofs]:
    """Open what looks need."""
    resolver = Resolver(config.dns_servers)
    async with outbound.opened(
        user_agent="Invoker (domain check)", allow_private=config.domains_allow_private, resolver=resolver
    ) as client:
        yield Proofs(resolver, client, Probe(config))
