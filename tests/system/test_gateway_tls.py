"""TLS at the gateway: one certificate for all sites, one for each custom domain, found by the name asked for."""

import ssl
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.fake_auth import TOKEN
from tests.support.servers.nginx import Gateway, Services
from tests.support.upstream import Upstream, answering


def certify(directory: Path, name: str, *hosts: str) -> None:
    """Write a certificate for these hosts that nobody else has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (directory / f"{name}.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (directory / f"{name}.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with answering() as one:
        yield one


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """Give the folder of certificates: the app's, the sites', and a custom domain's."""
    folder = tmp_path / "certificates"
    folder.mkdir()
    certify(folder, "app", "localhost")
    certify(folder, "sites", "*.sites.localhost")
    certify(folder, "shop.example", "shop.example")
    return folder


@pytest.fixture
def gateway(tmp_path: Path, upstream: Upstream, certificates: Path) -> Iterator[Gateway]:
    services = Services(deploy=[upstream.address], auth=upstream.address)
    one = Gateway(tmp_path / "gateway", services, token=TOKEN, app_url="https://localhost")
    one.with_tls(certificates)
    one.start()
    yield one
    one.stop()


async def ask(gateway: Gateway, certificates: Path, name: str, host: str) -> int:
    """Ask for a page of a host over TLS, trusting one certificate, and return the status."""
    trust = ssl.create_default_context(cafile=str(certificates / f"{name}.crt"))
    url, headers = f"https://127.0.0.1:{gateway.tls_port}/", {"Host": host}
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, headers=headers, ssl=trust, server_hostname=host) as answer,
    ):
        return answer.status


@pytest.mark.parametrize(
    "name, host",
    [("app", "localhost"), ("sites", "a.sites.localhost"), ("sites", "b--v1.sites.localhost"), ("shop.example",) * 2],
)
async def test_every_host_has_its_certificate(gateway: Gateway, certificates: Path, name: str, host: str) -> None:
    assert await ask(gateway, certificates, name, host) == 200


async def test_domain_without_a_certificate_fails_alone_and_needs_no_restart_to_have_one(
    gateway: Gateway, certificates: Path
) -> None:
    with pytest.raises(aiohttp.ClientConnectorError):
        await ask(gateway, certificates, "shop.example", "new.example")
    certify(certificates, "new.example", "new.example")
    assert await ask(gateway, certificates, "new.example", "new.example") == 200
    assert await ask(gateway, certificates, "shop.example", "shop.example") == 200


@pytest.mark.parametrize("host", ["localhost", "a.sites.localhost", "shop.example"])
async def test_http_leads_to_https_except_for_what_authorities_ask(
    gateway: Gateway, upstream: Upstream, host: str
) -> None:
    async with aiohttp.ClientSession(headers={"Host": host}) as session:
        async with session.get(f"{gateway.url}/a?b=c", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (308, f"https://{host}/a?b=c")
        async with session.get(f"{gateway.url}/.well-known/acme-challenge/x", allow_redirects=False) as answer:
            assert answer.status == 200
    assert len(upstream.asked) == 1
