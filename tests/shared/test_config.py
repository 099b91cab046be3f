"""Settings that are refused at the start, each by its variable's name."""

import subprocess
import sys

import pytest

from shared.config import BaseConfig, load, registrable

PUBLIC = {"app_url": "https://invoker.page", "api_url": "https://api.invoker.page"}


def a_config(**values: object) -> BaseConfig:
    return load(BaseConfig, database_url="x", service_token="t" * 16, **values)


REFUSED = {
    "sites beside the app": ({**PUBLIC, "sites_url": "https://{slug}.invoker.page"}, "SITES_URL"),
    "sites below a name beside it": ({**PUBLIC, "sites_url": "https://{slug}.sites.invoker.page:8443"}, "SITES_URL"),
    "a suffix of two labels": ({"app_url": "https://a.co.uk", "sites_url": "https://{slug}.b.a.co.uk"}, "SITES_URL"),
    "beside the API alone": (
        {"app_url": "https://x.example", "api_url": "https://y.org", "sites_url": "https://{slug}.y.org"},
        "SITES_URL",
    ),
    "a suffix that no list has": ({"app_url": "http://app.lan", "sites_url": "http://{slug}.app.lan"}, "SITES_URL"),
    "sites without a domain": ({"sites_url": "http://{slug}"}, "SITES_URL"),
    "a port that is none": ({"app_url": "http://localhost:99999999"}, "APP_URL"),
    "no plan for new accounts": ({"plans": '{"pro": {"deployments": 9}}'}, "PLANS"),
}


@pytest.mark.parametrize("values,variable", REFUSED.values(), ids=REFUSED.keys())
def test_a_setting_that_cannot_work_is_refused_by_name(
    values: dict[str, object], variable: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """R65: sites on the registrable domain of app or API."""
    with pytest.raises(SystemExit) as ended:
        a_config(**values)
    assert ended.value.code == 78
    assert f"INVOKER_{variable}: " in capsys.readouterr().err


ALLOWED: dict[str, dict[str, object]] = {
    "another domain": {**PUBLIC, "sites_url": "https://{slug}.invoker-sites.page"},
    "the risk is understood": {**PUBLIC, "sites_url": "https://{slug}.invoker.page", "allow_shared_site_domain": "1"},
    "both below a public suffix": {"app_url": "https://a.co.uk", "sites_url": "https://{slug}.b.co.uk"},
    "one's own machine": {"sites_url": "http://{slug}.sites.localhost:9000", "app_url": "http://localhost:9000"},
    "an address": {"app_url": "http://127.0.0.1:8080", "sites_url": "http://{slug}.sites.localhost:8080"},
}


@pytest.mark.parametrize("values", ALLOWED.values(), ids=ALLOWED.keys())
def test_sites_on_a_domain_of_their_own_are_taken(values: dict[str, object]) -> None:
    assert a_config(**values).sites_url == values["sites_url"]


@pytest.mark.parametrize(
    "url,domain",
    [
        ("https://a.b.example.co.uk", "example.co.uk"),
        ("https://me.github.io", "me.github.io"),
        ("http://[::1]:8080", None),
        ("http://sites.localhost", None),
        ("http://deep.app.lan.", "app.lan"),
    ],
)
def test_a_registrable_domain_follows_the_public_suffix_list(url: str, domain: str | None) -> None:
    assert registrable(url) == domain


def test_a_start_on_localhost_does_not_read_the_list() -> None:
    code = (
        "import sys; from shared.config import *;"
        "load(BaseConfig, database_url='x', service_token='t' * 16,"
        " sites_url='http://{slug}.sites.localhost:8080');"
        "sys.exit('tldextract' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
