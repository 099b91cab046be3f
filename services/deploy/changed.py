"""Telling everyone that a site changed, before whoever changed it is answered.

In this order: this process's cache, every other replica's, every gateway's, and the CDN's. A gateway that was told asks
replicas that were told, so no request that begins after the answer gets what was before (R69). What cannot be told is
logged, and bounded: by the 5 s of a replica's cache, by the 10 s of a gateway's; a CDN is told again by the bus.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import orjson
from aiohttp import hdrs
from yarl import URL

from services.deploy import replicas
from services.deploy.config import Config
from services.deploy.live import LiveSites
from services.deploy.replicas import Replicas
from shared import db, logs
from shared.bus import Delivery, Retry
from shared.events import SiteChanged
from shared.internal_call import InternalCalls

log = logs.get(__name__)

#: Seconds for each replica, for each gateway with the look-up of its name, and for the CDN.
PATIENCE: Final = 0.5
CDN_PATIENCE: Final = 2.0

#: What can go wrong with a call to somebody else.
FAILURES: Final = (OSError, ValueError, TimeoutError, aiohttp.ClientError)

#: Where replicas and gateways hear of changes.
REPLICA_PATH: Final = "/internal/sites/changed"
GATEWAY_PATH: Final = "/bump"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A site that is another one now: its version, its settings, its owner, its domains, or whether it is there."""

    id: str
    slug: str
    #: Its custom domains, those that it had until now too.
    domains: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What the cache of sites knows it by."""
        return (self.slug, self.id, *self.domains)


class Refused(ValueError):
    """Somebody who was to be told answered that it was not."""


class _Circle:
    """Those who are told by internal calls; connections are kept for those that were there last time."""

    def __init__(self, what: str, path: str, token: str) -> None:
        self._what, self._path, self._token = what, path, token
        self._calls: dict[str, InternalCalls] = {}

    async def tell(self, urls: Iterable[str], body: bytes) -> None:
        """Tell all of them at once. Never raises."""
        wanted = set(urls)
        for url in self._calls.keys() - wanted:
            self._calls.pop(url).close()
        await asyncio.gather(*(self._tell(url, body) for url in wanted))

    async def _tell(self, url: str, body: bytes) -> None:
        calls = self._calls.setdefault(url, InternalCalls(url, self._token))
        try:
            async with asyncio.timeout(PATIENCE):
                status, _ = await calls.post(self._path, body, request_id=logs.request_id.get())
            if status != 200:
                raise Refused(f"status {status}")
        except FAILURES as error:
            log.warning("change.untold", who=self._what, where=url, problem=f"{type(error).__name__}: {error}")

    def close(self) -> None:
        """Close what is kept open."""
        for calls in self._calls.values():
            calls.close()


class Cdn:
    """The hook that makes a CDN forget hosts; one without a URL has nothing to forget."""

    def __init__(self, config: Config) -> None:
        self._url, self._token = config.cdn_purge_url, config.cdn_purge_token.get_secret_value()
        self._config = config
        self._session: aiohttp.ClientSession | None = None

    @property
    def is_there(self) -> bool:
        return bool(self._url)

    def hosts(self, site: Changed) -> list[str]:
        """Return the hosts at which visitors find the site."""
        return [site.slug + self._config.site_suffix, *site.domains]

    async def purge(self, hosts: Sequence[str]) -> None:
        """Make it forget these hosts. Raise one of FAILURES. Idempotent."""
        if not self._url:
            return
        if self._session is None:
            timeout = aiohttp.ClientTimeout(CDN_PATIENCE)
            self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        headers = {hdrs.AUTHORIZATION: f"Bearer {self._token}"} if self._token else {}
        body = {"hosts": list(hosts)}
        async with self._session.post(self._url, json=body, headers=headers, allow_redirects=False) as answer:
            if not answer.ok or answer.status >= 300:
                raise Refused(f"status {answer.status}")

    async def close(self) -> None:
        """Close what is kept open."""
        if self._session is not None:
            await self._session.close()


class Changes:
    """Tells everyone; one per process."""

    def __init__(self, live: LiveSites, others: Replicas, config: Config) -> None:
        token = config.service_token.get_secret_value()
        self._live, self._others = live, others
        self._replicas = _Circle("replica", REPLICA_PATH, token)
        self._gateways = _Circle("gateway", GATEWAY_PATH, token)
        self._gateway_urls = [URL(url) for url in config.gateway_urls]
        self.cdn = Cdn(config)
        self._telling: set[asyncio.Task[None]] = set()

    async def tell(self, sites: Sequence[Changed]) -> None:
        """Tell everyone that these sites changed; to be called after the commit and before the answer.

        Never raises; idempotent. It goes on when the caller is cancelled: the change is made.
        """
        if not sites:
            return
        task = asyncio.create_task(self._tell(sites), name="change")
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)
        await asyncio.shield(task)

    async def _tell(self, sites: Sequence[Changed]) -> None:
        try:
            self.hear(sites)
            await self._replicas.tell(await self._others.others(), _to_replicas(sites))
            if self._gateway_urls:
                await self._gateways.tell(await self._all_gateways(), self._to_gateways(sites))
            if self.cdn.is_there:
                await self._purge([host for site in sites for host in self.cdn.hosts(site)])
        except Exception:  # the change is made, and caches run out by themselves
            log.exception("change.untold")

    def hear(self, sites: Iterable[Changed]) -> None:
        """Drop what this process knows of them."""
        for site in sites:
            self._live.drop(*site.names)

    def _to_gateways(self, sites: Iterable[Changed]) -> bytes:
        return orjson.dumps({"hosts": [host for site in sites for host in self.cdn.hosts(site)]})

    async def _all_gateways(self) -> set[str]:
        """Return a URL for each address of each gateway's name: a name may stand for several."""
        found = await asyncio.gather(*(_addresses(url) for url in self._gateway_urls))
        return set().union(*found)

    async def _purge(self, hosts: list[str]) -> None:
        try:
            await self.cdn.purge(hosts)
        except FAILURES as error:
            log.warning("change.untold", who="cdn", hosts=len(hosts), problem=f"{type(error).__name__}: {error}")

    async def tell_cdn_again(self, event: SiteChanged, _delivery: Delivery) -> None:
        """Make the CDN forget a site, as the bus's retries allow. Raise Retry. Idempotent."""
        site = Changed(id=event.deployment_id, slug=event.slug, domains=event.domains)
        try:
            await self.cdn.purge(self.cdn.hosts(site))
        except FAILURES as error:
            raise Retry(f"the CDN's purge hook: {type(error).__name__}: {error}") from error

    async def close(self) -> None:
        """Finish telling, and close what is kept open."""
        if self._telling:
            await asyncio.wait(self._telling)
        self._replicas.close()
        self._gateways.close()
        await self.cdn.close()


def _to_replicas(sites: Iterable[Changed]) -> bytes:
    told: list[dict[str, Any]] = [{"id": site.id, "slug": site.slug, "domains": site.domains} for site in sites]
    return orjson.dumps({"sites": told})


async def _addresses(url: URL) -> set[str]:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(PATIENCE):
            found = await loop.getaddrinfo(url.host or "", url.port or 80, type=socket.SOCK_STREAM)
    except FAILURES as error:
        log.warning("change.untold", who="gateway", where=str(url), problem=f"{type(error).__name__}: {error}")
        return set()
    return {str(url.with_host(str(address[0]))) for *_, address in found}


@asynccontextmanager
async def open_changes(pool: db.Pool, live: LiveSites, config: Config) -> AsyncIterator[Changes]:
    """Be told by the other replicas, and tell them, while the context is open. Raise Unavailable."""
    async with replicas.joined(pool, config) as others:
        changes = Changes(live, others, config)
        try:
            yield changes
        finally:
            await changes.close()
