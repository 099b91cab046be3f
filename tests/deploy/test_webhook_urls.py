"""R75: where a webhook may lead, as far as the text of its address says it."""

from typing import Any

import pytest
from pydantic import SecretStr

from services.deploy import webhooks
from services.deploy.config import Config
from tests.support.fake_auth import TOKEN

HOSTILE = [
    "http://127.0.0.1/", "http://127.1/", "http://127.0.1/", "http://2130706433/", "http://0x7f000001/",
    "http://0x7f.1/", "http://0177.0.0.1/", "http://017700000001/", "http://0/", "http://0.0.0.0/", "http://0x0/",
    "http://127.0.0.1./", "http://127.255.255.254/", "http://8.8.8/", "http://134744072/", "http://1.2.3.4.5/",
    "http://[::1]/", "http://[::]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[::127.0.0.1]/",
    "http://[fe80::1%25lo]/", "http://[64:ff9b::7f00:1]/", "http://[64:ff9b:1::7f00:1]/", "http://[2002:7f00:1::]/",
    "http://[fec0::1]/", "http://[fd00::1]/", "http://[ff02::1]/", "http://[2001:db8::1]/", "http://[5f00::1]/",
    "http://[127.0.0.1]/", "http://[hooks.example.com]/", "http://[::1", "http://[v1.x]/", "http://[]/",
    "http://localhost/", "http://LOCALHOST/", "http://localhost./", "http://a.localhost/", "http://localhost.localdomain/",
    "http://printer.local/", "http://db.internal/", "http://nas.home.arpa/", "http://nas.lan/", "http://intranet/",
    "http://metadata/", "http://metadata.google.internal/", "http://metadata.goog/", "http://169.254.169.254/latest/",
    "http://168.63.129.16/", "http://100.100.100.200/", "http://192.0.0.192/", "http://10.0.0.1/", "http://172.16.0.1/",
    "http://192.168.0.1/", "http://100.64.0.1/", "http://198.18.0.1/", "http://192.88.99.1/", "http://224.0.0.1/",
    "http://240.0.0.1/", "http://255.255.255.255/", "http://user@hooks.example.com/", "http://:p@hooks.example.com/",
    "http://user:pass@hooks.example.com/", "http://hooks.example.com@127.0.0.1/", "http://@hooks.example.com/",
    "ftp://hooks.example.com/", "file:///etc/passwd", "gopher://hooks.example.com/", "javascript:alert(1)", "data:,x",
    "//hooks.example.com/", "http:hooks.example.com", "http:///x", "http://", "https://", "", "hooks.example.com",
    "http://%31%32%37.0.0.1/", "http://①②⑦.0.0.1/", "http://127。0。0。1/", "http://hooks.example.com\\@127.0.0.1/",
    "http://hooks.example.com:22/", "http://hooks.example.com:25/", "http://hooks.example.com:0/",
    "http://hooks.example.com:99999/", "http://hooks.example.com:6x/", "http://hooks.example.com:444/",
    "http://hooks.example.com/#x", "http://hooks.example.com/#", "http://hooks example.com/", "http://hooks.example.com/\n",
    "http://hooks.example.com/\0", "http://hooks..example.com/", "http://.example.com/", "http://-a.example.com/",
    "http://hooks.example.com/" + "x" * 2000, "http://" + "a" * 64 + ".example.com/", "http://" + "a." * 130 + "com/",
    "http://app.invoker.example/x", "https://api.invoker.example/submit/dep_1", "http://bakery.sites.invoker.test/",
    "http://sites.invoker.test./", "http://API.invoker.example./submit/dep_1",
]  # fmt: skip
TAKEN = {
    "https://hooks.example.com/in?token=x": "https://hooks.example.com/in?token=x",
    "HTTP://Hooks.Example.COM": "http://hooks.example.com",
    "https://hooks.example.com:8443/": "https://hooks.example.com:8443/",
    "http://hooks.example.com:1024/": "http://hooks.example.com:1024/",
    "http://hooks.example.com.:80/x": "http://hooks.example.com./x",
    "https://93.184.216.34/": "https://93.184.216.34/",
    "https://[2606:4700:4700::1111]:9000/": "https://[2606:4700:4700::1111]:9000/",
    "https://müller.example.com/ä": "https://xn--mller-kva.example.com/%C3%A4",
    "https://a_b.example.com/": "https://a_b.example.com/",
}


def config(**given: Any) -> Config:
    return Config(
        database_url=SecretStr("postgresql://x"),
        service_token=SecretStr(TOKEN),
        app_url="https://app.invoker.example",
        api_url="https://api.invoker.example",
        sites_url="https://{slug}.sites.invoker.test",
        **given,
    )


@pytest.mark.parametrize("url", HOSTILE)
def test_r75_what_is_no_public_address_is_not_added(url: str) -> None:
    """R75: literals of every kind, numbers, names of the inside, userinfo, other schemes and ports, and ourselves."""
    with pytest.raises(webhooks.BadWebhookUrl) as refused:
        webhooks.check(url, config())
    assert (refused.value.status, refused.value.code) == (400, "bad_webhook_url")
    assert refused.value.message
    assert refused.value.hint


def test_r75_the_list_is_long_enough() -> None:
    assert len(set(HOSTILE)) >= 40


@pytest.mark.parametrize("url", TAKEN)
def test_public_addresses_are_added_as_they_are_sent_to(url: str) -> None:
    assert webhooks.check(url, config()) == TAKEN[url]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1999/", "http://localhost:5678/x", "http://n8n/hook", "https://[::1]/"]
)
def test_a_network_of_ones_own_can_be_allowed(url: str) -> None:
    assert webhooks.check(url, config(webhook_allow_private=True)) == url


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/", "http://u:p@127.0.0.1/", "http://127.0.0.1:0/", "http://x/#y", "x"]
)
def test_what_is_no_address_is_none_anywhere(url: str) -> None:
    with pytest.raises(webhooks.BadWebhookUrl):
        webhooks.check(url, config(webhook_allow_private=True))


def test_types_are_told_by_their_addresses() -> None:
    for url, kind in (
        ("https://hooks.slack.com/services/T0/B0/x", "slack"),
        ("https://discord.com/api/webhooks/1/x", "discord"),
        ("https://ptb.discord.com/api/webhooks/1/x", "discord"),
        ("https://discord.com/channels/1", "generic"),
        ("https://hooks.slack.com.example.com/services", "generic"),
    ):
        assert webhooks.type_of(url) == kind


def test_a_shown_address_has_no_secret() -> None:
    assert webhooks.shown_url("https://hooks.slack.com/services/T0/B0/secret") == "https://hooks.slack.com/…"
    assert webhooks.shown_url("https://x.example.com:8443/?token=1") == "https://x.example.com:8443/…"
    assert webhooks.shown_url("https://x.example.com/") == "https://x.example.com/"
