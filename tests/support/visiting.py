"""Somebody who asks the gateway for pages of sites, and somebody who tells it that they changed."""

import aiohttp

from tests.support.client import Answer
from tests.support.fake_auth import TOKEN
from tests.support.servers.nginx import Gateway

#: The host of a site.
SHOP = "shop.sites.localhost"


class Visitor:
    """Asks the gateway."""

    def __init__(self, gateway: Gateway, session: aiohttp.ClientSession) -> None:
        self._gateway, self._session = gateway, session

    async def get(self, path: str = "/", *, host: str = SHOP, method: str = "GET", **headers: str) -> Answer:
        """Ask for a page; `If_None_Match` is the header `If-None-Match`."""
        sent = {"Host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
        url = self._gateway.url + path
        async with self._session.request(method, url, headers=sent, allow_redirects=False) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def bump(self, *hosts: str, token: str = TOKEN) -> int:
        """Tell the gateway that hosts changed."""
        headers = {"Authorization": f"Bearer {token}"}
        body = {"hosts": list(hosts)}
        async with self._session.post(f"{self._gateway.bump_url}/bump", json=body, headers=headers) as answer:
            return answer.status
