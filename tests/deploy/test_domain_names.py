"""Which names may be a site's domain, and how often one is looked at."""

from functools import cache
from pathlib import Path

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.deploy import domains, hosts
from services.deploy.config import Config
from tests.support.deploying import settings


@pytest.mark.parametrize(
    "name",
    [
        "", "localhost", "example", "127.0.0.1", "[::1]", "2001:db8::1", "1.2", "0x7f.1", "http://example.com",
        "example.com/x", "example.com:80", "a@example.com", "*.example.com", "a..b.com", ".example.com",
        "-a.example.com", "a_b.example.com",
        "x" * 64 + ".com", ("x" * 40 + ".") * 3 + "com", "com", "co.uk", "github.io", "a.localhost", "printer.local",
        "x.onion", "1.0.168.192.in-addr.arpa", "sites.localhost", "x.sites.localhost", "app.invoker.test",
        "x.app.invoker.test", "api.invoker.test", "exa mple.com", "a\u200bb..com", "xn--a.com",
    ],
)  # fmt: skip
def test_a_name_that_nobody_can_have_is_refused(name: str) -> None:
    with pytest.raises(domains.BadDomain):
        domains.check(name, a_config())


@pytest.mark.parametrize(
    "given, domain",
    [("Example.COM.", "example.com"), ("bücher.example.org", "xn--bcher-kva.example.org"), ("faß.de", "xn--fa-hia.de")],
)
def test_a_name_is_kept_as_dns_has_it(given: str, domain: str) -> None:
    assert domains.check(given, a_config()) == domain


label = st.one_of(st.from_regex(r"[a-z0-9-]{1,20}", fullmatch=True), st.text(min_size=1, max_size=12))


@hypothesis.settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=120), st.builds(".".join, st.lists(label, min_size=1, max_size=5))))
def test_what_is_taken_can_be_served(name: str) -> None:
    """Whatever text comes: a name that visitors' hosts are read as, and that stays what it is, or a refusal."""
    try:
        domain = domains.check(name, a_config())
    except domains.BadDomain:
        return
    found = hosts.read(domain)
    assert found is not None
    assert (found.kind, found.key) == ("domain", domain)
    assert domains.check(domain, a_config()) == domain


@cache
def a_config() -> Config:
    return settings(
        "", Path("/"), "http://auth", app_url="http://app.invoker.test", api_url="http://api.invoker.test",
        sites_url="http://{slug}.sites.localhost",
    )  # fmt: skip


def test_pauses_between_looks_grow_from_a_minute_to_an_hour() -> None:
    pauses = [domains.pause(number).total_seconds() for number in range(12)]
    assert 54 <= pauses[0] <= 66
    assert all(54 * 2**number <= pauses[number] <= 66 * 2**number for number in range(6))
    assert all(3240 <= pause <= 3960 for pause in pauses[6:])
