"""The password page before a site: a form, a limit on tries, and a ticket that shows that somebody got in.

A ticket says until when it is good and is signed with a key made of the password's hash and the site's id: another
password ends it, and it opens no other site. On the site's host it is a cookie; nothing else reads visitors' cookies
(R65). Below the app a page has no origin, so that no cookie comes with what it loads: there the ticket stands in the
path, which a page's relative addresses keep, and the cookie only leads there who comes back.
"""

import hashlib
import hmac
import re
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import hdrs, web

from services.deploy import pages, passwords
from services.deploy.config import Config
from services.deploy.store.sites import Site
from shared import bodies, http, limits

#: Tries of one visitor at one site.
TRIES: Final = "10/minute"
#: Seconds that a visitor is let in for.
LIFE: Final = 12 * 3600
MAX_BODY: Final = 4 * http.KIB
_NAME: Final = "invoker_access"
#: The form of a ticket: seconds since 1970, and the signature.
TICKET: Final = re.compile(r"([0-9]{1,12})\.([0-9a-f]{32})")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a visitor is: on the site's own host, or below the app."""

    #: What stands before the site's paths below the app; nothing on its own host.
    root: str = ""
    #: What the path shows beside the site's name.
    ticket: str = ""

    @property
    def below(self) -> bool:
        """Whether it is the app's origin."""
        return bool(self.root)

    @property
    def prefix(self) -> str:
        """What stands before the site's paths in links that stay here."""
        return f"{self.root}~{self.ticket}" if self.ticket else self.root


#: A site's own host.
OWN_HOST: Final = Place()


class Gate:
    """Lets visitors in who know the password; one per process."""

    def __init__(self, config: Config, *, clock: Callable[[], float] = time.time) -> None:
        self._config = config
        self._clock = clock
        self._limiter = limits.Limiter(enabled=config.rate_limits)

    def admits(self, request: web.BaseRequest, site: Site, place: Place) -> bool:
        """Tell whether the request may see the site: it has no password, or a ticket is there."""
        if site.password_hash is None:
            return True
        return self._is_valid(place.ticket, site) if place.below else bool(self._kept(request, site, place))

    def _kept(self, request: web.BaseRequest, site: Site, place: Place) -> str:
        """Return the ticket that is in a cookie."""
        wanted, _ = self._cookie(place)
        for header in request.headers.getall(hdrs.COOKIE, ()):
            for pair in header.split(";"):
                name, _, value = pair.strip().partition("=")
                if name == wanted and self._is_valid(value, site):
                    return value
        return ""

    async def stop(self, request: web.BaseRequest, site: Site, target: str, place: Place) -> web.Response:
        """Answer somebody who has not shown the password yet: with the form, or to the form that was sent.

        Raise RateLimited, TooLarge, Timeout.
        """
        if request.method != "POST":
            kept = self._kept(request, site, place) if place.below else ""
            return web.Response(status=303, headers=_back(target, place, kept)) if kept else self._form(site)
        visitor = limits.network(http.client_ip(request, self._config.trusted_proxies))
        await self._limiter.hit(TRIES, "access", site.id, visitor)
        body = await bodies.read(request, MAX_BODY)
        if not (given := _password(body)) or not await passwords.verify(site.password_hash or "", given):
            return self._form(site, wrong=True)
        return web.Response(status=303, headers=self._admission(site, target, place))

    def _form(self, site: Site, *, wrong: bool = False) -> web.Response:
        address = urllib.parse.quote(self._config.site_url(site.slug), safe="")
        return pages.access(f"{self._config.app_url}/report?url={address}", wrong=wrong)

    def _admission(self, site: Site, target: str, place: Place) -> dict[str, str]:
        until = str(int(self._clock()) + LIFE)
        ticket = f"{until}.{_signature(site, until)}"
        name, secure = self._cookie(place)
        attributes = f"Path={place.root}/; Max-Age={LIFE}; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"
        return {hdrs.SET_COOKIE: f"{name}={ticket}; {attributes}", **_back(target, place, ticket)}

    def _cookie(self, place: Place) -> tuple[str, bool]:
        """Return the cookie's name, and whether it is for https alone."""
        secure = (self._config.app_url if place.below else self._config.sites_url).startswith("https:")
        if not secure:
            return _NAME, False
        return ("__Secure-" if place.below else "__Host-") + _NAME, True

    def _is_valid(self, ticket: str, site: Site) -> bool:
        found = TICKET.fullmatch(ticket)
        if found is None or not hmac.compare_digest(found[2], _signature(site, found[1])):
            return False
        return self._clock() < int(found[1])


def _back(target: str, place: Place, ticket: str) -> dict[str, str]:
    """Return the headers that lead to where the visitor wanted to go."""
    # two slashes at the front would be another host
    path = urllib.parse.quote("/" + target.lstrip("/\\"), safe="/%?:@!$&'()*+,;=~")
    return {
        hdrs.LOCATION: f"{place.root}~{ticket}{path}" if place.below else path,
        hdrs.CACHE_CONTROL: "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


def _signature(site: Site, until: str) -> str:
    key = hashlib.sha256(f"{site.password_hash}".encode()).digest()
    return hmac.digest(key, f"{site.id}.{until}".encode(), "sha256").hex()[:32]


def _password(body: bytes) -> str:
    """Return what a form's field `password` says; nothing for a body that is no such form."""
    try:
        sent = urllib.parse.parse_qs(body.decode(), max_num_fields=10)
    except ValueError:
        return ""
    return sent.get("password", [""])[0]
