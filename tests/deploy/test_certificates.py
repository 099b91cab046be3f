"""Certificates of custom domains, from a real ACME server: got, renewed in time, shown, and removed."""

import ssl
import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from services.deploy import authority
from services.deploy.certificates import Certificates
from services.deploy.store import domains as store
from tests.support.domain_world import ELSEWHERE, HERE, DomainWorld, domain_world
from tests.support.eventually import eventually
from tests.support.fake_auth import FakeAuth

DOMAIN = "shop.example.com"
#: How long the authority's certificates live.
LIFE = timedelta(hours=1)


@pytest.fixture
async def world(
    database_url: str, tmp_path: Path, auth: FakeAuth, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[DomainWorld]:
    monkeypatch.setattr(authority, "POLL", 0.1)
    life = int(LIFE.total_seconds())
    async with domain_world(database_url, tmp_path, auth, monkeypatch, life=life) as running:
        yield running


async def certified(world: DomainWorld, key: str, site: dict[str, Any]) -> dict[str, Any]:
    """Wait until the domain has a certificate, and return what its owner sees."""

    async def look() -> dict[str, Any]:
        found = (await world.domains(key, site))[0]
        return found if found["certificate"]["state"] == "valid" else {}

    return await eventually(look, within=30.0)


def the_certificate(world: DomainWorld) -> x509.Certificate:
    return x509.load_pem_x509_certificate((world.home / "certificates" / f"{DOMAIN}.crt").read_bytes())


async def test_a_proved_domain_that_leads_here_gets_a_certificate(world: DomainWorld) -> None:
    """Found by server name, for the domain alone, with its chain; nobody but the gateway's group reads the key."""
    key = world.deploy.key()
    site = await world.deploy.publish(key, html="<title>shop</title>")
    world.names.a(DOMAIN, HERE)
    await world.proved(key, site, DOMAIN)
    found = await certified(world, key, site)
    assert (found["status"], found["url"], found["certificate"]["error"]) == ("active", f"https://{DOMAIN}", None)
    leaf = the_certificate(world)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [DOMAIN]
    files = {path.name: path for path in (world.home / "certificates").iterdir()}
    assert set(files) == {f"{DOMAIN}.crt", f"{DOMAIN}.key"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files.values()} == {0o640}
    # the pair is one that a server can use, and a browser that trusts the authority takes it
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(files[f"{DOMAIN}.crt"], files[f"{DOMAIN}.key"])
    assert b"<title>shop" in (await world.visit(DOMAIN)).raw
    assert not await world.fetch("SELECT true FROM acme_challenges")


async def test_a_certificate_is_renewed_when_a_third_of_its_life_is_left(world: DomainWorld) -> None:
    key = world.deploy.key()
    site = await world.deploy.publish(key)
    world.names.a(DOMAIN, HERE)
    await world.proved(key, site, DOMAIN)
    await certified(world, key, site)
    first = the_certificate(world)
    due = await world.fetch("SELECT certificate_next_at FROM domains")
    assert abs(due - (first.not_valid_before_utc + LIFE * 2 / 3)) < timedelta(seconds=5)
    assert the_certificate(world) == first
    await world.later(DOMAIN, due - datetime.now(UTC))
    await eventually(lambda: the_certificate(world).serial_number != first.serial_number, within=30.0)
    # the key stays: one rename is the whole change
    assert the_certificate(world).public_key() == first.public_key()
    assert await world.fetch("SELECT count(*) FROM acme_accounts") == 1


async def test_no_authority_is_asked_before_the_domain_leads_here(world: DomainWorld) -> None:
    key = world.deploy.key()
    site = await world.deploy.publish(key)
    world.names.a(DOMAIN, ELSEWHERE)
    await world.proved(key, site, DOMAIN)

    async def told() -> str:
        return str((await world.domains(key, site))[0]["certificate"]["error"] or "")

    assert "does not lead here yet" in await eventually(told)
    assert not await world.fetch("SELECT true FROM acme_accounts")
    # once it does, its owner need not wait for the next look
    world.names.a(DOMAIN, HERE)
    assert (await world.verify(key, site, DOMAIN))["leads_here"]
    assert (await certified(world, key, site))["status"] == "active"


async def test_a_refusal_is_shown_and_tried_again_later_and_later(
    world: DomainWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Authorities count such tries for each name, and shut out who makes many."""
    key = world.deploy.key()
    site = await world.deploy.publish(key)
    world.names.a(DOMAIN, HERE)
    # our own probe finds us, the authority does not find its challenge
    monkeypatch.setattr(store, "add_challenges", forget)
    await world.proved(key, site, DOMAIN)

    async def refused() -> dict[str, Any]:
        found: dict[str, Any] = (await world.domains(key, site))[0]
        return found if found["certificate"]["state"] == "failing" else {}

    found = await eventually(refused, within=30.0)
    assert "404" in found["certificate"]["error"]
    next_at = await world.fetch("SELECT certificate_next_at FROM domains")
    assert timedelta(minutes=4) < next_at - datetime.now(UTC) < timedelta(minutes=6)
    # asking for a look does not ask the authority again
    await world.verify(key, site, DOMAIN)
    assert await world.fetch("SELECT certificate_next_at FROM domains") == next_at


async def forget(*_given: Any) -> None:
    """Write no challenge down."""


async def test_a_removed_domains_certificate_goes_too(world: DomainWorld) -> None:
    key = world.deploy.key()
    site = await world.deploy.publish(key)
    world.names.a(DOMAIN, HERE)
    await world.proved(key, site, DOMAIN)
    await certified(world, key, site)
    await world.deploy.call("DELETE", f"/deploy/{site['id']}/domains/{DOMAIN}", key=key)
    assert list((world.home / "certificates").iterdir()) == []


def test_a_key_is_made_once_and_the_pair_is_never_half_written(tmp_path: Path) -> None:
    files = Certificates(tmp_path / "certificates")
    key = files.key(DOMAIN)
    assert files.key(DOMAIN) == key
    files.write(DOMAIN, "a chain")
    files.write(DOMAIN, "another chain")
    assert (tmp_path / "certificates" / f"{DOMAIN}.crt").read_text() == "another chain"
    assert list(files.domains()) == [DOMAIN]
    with pytest.raises(ValueError, match="not a domain"):
        files.write("../../etc/passwd", "x")
