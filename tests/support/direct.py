"""A user of three processes without a gateway: each service at its own port."""

from dataclasses import replace
from typing import Any

import aiohttp

from tests.support import processes
from tests.support.client import Answer, Client, Target


class Direct(Client):
    """Calls each service at its own port, as the gateway would."""

    def __init__(self, session: aiohttp.ClientSession, system: processes.System, mailbox: str) -> None:
        super().__init__(session, replace(Target.local(8080), mailbox=mailbox))
        self._system = system

    async def api(self, method: str, path: str, **given: Any) -> Answer:
        first = path.split("/")[1].partition("?")[0]
        service = self._system.auth if first in {"auth", "keys"} else self._system.deploy
        return await self.call(method, service.url + path, headers={"Host": "localhost:8080"}, **given)

    async def site(self, slug: str, path: str = "/", *, method: str = "GET", **given: Any) -> Answer:
        headers = {"Host": self.target.site_host.format(slug=slug), **given.pop("headers", {})}
        return await self.call(method, self._system.deploy.url + path, headers=headers, **given)
