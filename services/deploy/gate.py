"""The password page before a site: a form, a limit on tries, and a cookie that shows that somebody got in.

The cookie says until when it lives and is signed with a key made of the password's hash and the site's id: another
password ends it, and it opens no other site. Nothing else reads the visitors' cookies (R65).
"""

import hashlib
import hmac
import time
import urllib.parse
from collections.abc import Callable
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


class Gate:
    """Lets visitors in who know the password; one per process."""

    def __init__(self, config: Config, *, clock: Callable[[], float] = time.time) -> None:
        self._config = config
        self._clock = clock
        self._limiter = limits.Limiter(enabled=config.rate_limits)

    def admits(self, request: web.BaseRequest, site: Site, prefix: str) -> bool:
        """Tell whether the request may see the site: it has no password, or the cookie is there."""
        if site.password_hash is None:
            return True
        wanted, _ = self._cookie(prefix)
        for header in request.headers.getall(hdrs.COOKIE, ()):
            for pair in header.split(";"):
                name, _, value = pair.strip().partition("=")
                if name == wanted and self._is_valid(value, site):
                    return True
        return False

    async def stop(self, request: web.BaseRequest, site: Site, target: str, prefix: str) -> web.Response:
        """Answer somebody who has not shown the password yet: with the form, or to the form that was sent.

        Below a `prefix` the cookie is for what is below it. Raise RateLimited, TooLarge, Timeout.
        """
        if request.method != "POST":
            return self._form(site)
        visitor = limits.network(http.client_ip(request, self._config.trusted_proxies))
        await self._limiter.hit(TRIES, "access", site.id, visitor)
        body = await bodies.read(request, MAX_BODY)
        if not (given := _password(body)) or not await passwords.verify(site.password_hash or "", given):
            return self._form(site, wrong=True)
        return web.Response(status=303, headers=self._admission(site, target, prefix))

    def _form(self, site: Site, *, wrong: bool = False) -> web.Response:
        address = urllib.parse.quote(self._config.site_url(site.slug), safe="")
        return pages.access(f"{self._config.app_url}/report?url={address}", wrong=wrong)

    def _admission(self, site: Site, target: str, prefix: str) -> dict[str, str]:
        until = str(int(self._clock()) + LIFE)
        name, secure = self._cookie(prefix)
        attributes = f"Path={prefix}/; Max-Age={LIFE}; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"
        return {
            hdrs.SET_COOKIE: f"{name}={until}.{_signature(site, until)}; {attributes}",
            # two slashes at the front would be another host
            hdrs.LOCATION: prefix + urllib.parse.quote("/" + target.lstrip("/\\"), safe="/%?:@!$&'()*+,;=~"),
            hdrs.CACHE_CONTROL: "no-store",
            "X-Content-Type-Options": "nosniff",
        }

    def _cookie(self, prefix: str) -> tuple[str, bool]:
        """Return the cookie's name, and whether it is for https alone."""
        secure = (self._config.app_url if prefix else self._config.sites_url).startswith("https:")
        if not secure:
            return _NAME, False
        return ("__Secure-" if prefix else "__Host-") + _NAME, True

    def _is_valid(self, value: str, site: Site) -> bool:
        until, _, signature = value.partition(".")
        if not (until.isascii() and until.isdigit() and len(until) <= 12):
            return False
        return hmac.compare_digest(signature.encode(), _signature(site, until).encode()) and self._clock() < int(until)


def _signature(site: Site, until: str) -> str:
    key = hashlib.sha256(f"{site.password_hash}".encode()).digest()
    return hmac.digest(key, f"{site.id}.{until}".encode(), "sha256").hex()


def _password(body: bytes) -> str:
    """Return what a form's field `password` says; nothing for a body that is no such form."""
    try:
        sent = urllib.parse.parse_qs(body.decode(), max_num_fields=10)
    except ValueError:
        return ""
    return sent.get("password", [""])[0]
