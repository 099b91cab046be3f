"""R69: a hundred deploys of a site under its readers, in one process."""

import asyncio

from tests.support.deploying import Deploy
from tests.support.publishing import inline, replace

PATHS = ("/", "/a.txt", "/b/c.txt")


async def test_r69_a_hundred_redeploys_are_each_seen_whole_and_at_once(deploy: Deploy, key: str) -> None:
    """R69: no 404, no 5xx, each file of the version that its header names, and never an older one than was answered."""

    def files(number: int) -> list[dict[str, str]]:
        return inline({path.removeprefix("/") or "index.html": f"{number} {path}" for path in PATHS})

    site = await deploy.publish(key, files=files(1))
    answered, over, views = 1, False, 0

    async def reader() -> None:
        nonlocal views
        while not over:
            for path in PATHS:
                least = answered
                page = await deploy.site(site["slug"], path)
                assert page.status == 200
                number = int(page.headers["X-Invoker-Version"])
                assert page.text == f"{number} {path}", "a file of another version"
                assert number >= least, "an older version than was answered already"
                views += 1

    readers = [asyncio.create_task(reader()) for _ in range(2)]
    for number in range(2, 102):
        assert (await replace(deploy, key, site["id"], files=files(number))).status == 200
        answered = number
    over = True
    await asyncio.gather(*readers)
    assert views > 20
    assert (await deploy.site(site["slug"])).text == "101 /"
