"""What an owner sees of addresses that bounced or complained, and what may be done about them."""

from typing import Any

import pytest

from shared.events import AddressLifted, AddressSuppressed, Envelope, RecipientConfirmMail
from tests.support.deploying import Deploy
from tests.support.eventually import eventually
from tests.support.noticing import START
from tests.support.recipients import Site, act, add, confirmed, mails, recipients


@pytest.fixture
async def site(deploy: Deploy, key: str) -> Site:
    return await deploy.publish(key)


async def suppress(deploy: Deploy, email: str, reason: str = "bounce", at: Any = START) -> None:
    event = AddressSuppressed(email=email, reason=reason, detail="550 5.1.1 no such user", at=at)
    await deploy.bus.publish(Envelope.of(event))


async def test_a_suppressed_address_is_shown_with_the_reason_and_lifted(deploy: Deploy, site: Site, key: str) -> None:
    own = deploy.auth.email(key)
    await suppress(deploy, own.lower())
    row = (await recipients(deploy, key, site))[own]
    at = "2026-11-23T12:00:00.000Z"
    assert row["state"] == "suppressed"
    assert row["suppressed"] == {"reason": "bounce", "detail": "550 5.1.1 no such user", "at": at}
    lifted = await act(deploy, key, site, row, "lift")
    assert (lifted.status, lifted.json["state"], lifted.json["suppressed"]) == (200, "active", None)
    (event,) = await eventually(lambda: heard(deploy))
    assert (event.email, event.suppressed_at) == (own.lower(), START)
    assert (await act(deploy, key, site, row, "lift")).json["code"] == "not_suppressed"
    await suppress(deploy, own.lower())
    assert (await recipients(deploy, key, site))[own]["state"] == "active", "the same message once more"


def heard(deploy: Deploy) -> list[AddressLifted]:
    events = [envelope.event() for envelope in deploy.bus.published]
    return [event for event in events if isinstance(event, AddressLifted)]


async def test_after_a_complaint_an_address_says_yes_again_or_is_left_alone(
    deploy: Deploy, site: Site, key: str
) -> None:
    row = await confirmed(deploy, key, site)
    await suppress(deploy, "grace@example.com", "complaint")
    lifted = await act(deploy, key, site, row, "lift")
    assert (lifted.status, lifted.json["state"]) == (200, "unconfirmed")
    stranger = deploy.key()
    other = await deploy.publish(stranger)
    await suppress(deploy, "alan@example.com", "complaint")
    added = await add(deploy, stranger, other, "alan@example.com")
    assert (added.status, added.json["state"]) == (201, "suppressed")
    assert mails(deploy, RecipientConfirmMail, "alan@example.com") == []
    refused = await act(deploy, stranger, other, added.json, "lift")
    assert (refused.status, refused.json["code"]) == (409, "complained")
