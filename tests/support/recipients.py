"""Recipients of a site as its owner and their readers see them."""

from typing import Any

from yarl import URL

from shared.events import RecipientConfirmMail
from tests.support.client import Answer
from tests.support.deploying import Deploy
from tests.support.eventually import eventually

Site = dict[str, Any]


async def recipients(deploy: Deploy, key: str, site: Site) -> dict[str, Any]:
    """Return the listed recipients by address."""
    listed = await deploy.call("GET", f"/deploy/{site['id']}/recipients", key=key)
    assert listed.status == 200, listed.text
    return {row["email"]: row for row in listed.json["recipients"]}


async def add(deploy: Deploy, key: str, site: Site, email: str = "grace@example.com") -> Answer:
    return await deploy.call("POST", f"/deploy/{site['id']}/recipients", key=key, json={"email": email})


async def act(deploy: Deploy, key: str, site: Site, row: dict[str, Any], what: str) -> Answer:
    return await deploy.call("POST", f"/deploy/{site['id']}/recipients/{row['id']}/{what}", key=key)


def mails(deploy: Deploy, kind: type[Any], to: str) -> list[Any]:
    events = [envelope.event() for envelope in deploy.bus.published]
    return [event for event in events if isinstance(event, kind) and event.to == to]


async def link(deploy: Deploy, kind: type[Any], to: str, count: int = 1) -> str:
    """Wait for the address's mail number `count`, and return the path of the link in it."""
    found = (await eventually(lambda: each if len(each := mails(deploy, kind, to)) >= count else []))[-1]
    url = URL(found.confirm_url if kind is RecipientConfirmMail else found.unsubscribe_url)
    assert str(url).startswith("http://localhost:8080/api/submit/dep_")
    return url.path.removeprefix("/api")


async def confirmed(deploy: Deploy, key: str, site: Site, email: str = "grace@example.com") -> dict[str, Any]:
    """Add an address that says yes."""
    assert (await add(deploy, key, site, email)).status == 201
    assert (await deploy.call("POST", await link(deploy, RecipientConfirmMail, email))).status == 200
    row: dict[str, Any] = (await recipients(deploy, key, site))[email]
    return row
