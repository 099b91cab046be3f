"""Which hosts are ours, and whose pages may change something (R61, R62)."""

import pytest
from aiohttp.test_utils import make_mocked_request

from shared import origins

LOCAL = "http://localhost:8080"
PUBLIC = "https://invoker.example"


def test_r61_public_names_are_exactly_the_configured_ones() -> None:
    assert origins.names(PUBLIC, "https://api.invoker.example:8443") == {"invoker.example", "api.invoker.example"}
    assert origins.names("http://[::1]:8080") == {"[::1]"}
    assert "127.0.0.1" in origins.names(LOCAL)


@pytest.mark.parametrize(
    "app,headers",
    [
        (LOCAL, {"Sec-Fetch-Site": "same-origin"}),
        (LOCAL, {"Sec-Fetch-Site": "none"}),
        (LOCAL, {"Origin": "http://localhost:8080"}),
        (LOCAL, {"Origin": "http://127.0.0.1:8080"}),
        (PUBLIC, {"Origin": PUBLIC}),
        (PUBLIC, {"Sec-Fetch-Site": "same-origin", "Origin": "null"}),
    ],
    ids=str,
)
def test_r62_our_own_pages_may(app: str, headers: dict[str, str]) -> None:
    origins.require_same_origin(make_mocked_request("POST", "/", headers=headers), app)


@pytest.mark.parametrize(
    "app,headers",
    [
        (PUBLIC, {}),
        (PUBLIC, {"Sec-Fetch-Site": "same-site", "Origin": PUBLIC}),
        (PUBLIC, {"Sec-Fetch-Site": "cross-site"}),
        (PUBLIC, {"Origin": "http://invoker.example"}),
        (PUBLIC, {"Origin": "https://invoker.example:8443"}),
        (PUBLIC, {"Origin": "https://a.invoker.example"}),
        (PUBLIC, {"Origin": "null"}),
        (PUBLIC, {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"}),
        (PUBLIC, {"Sec-Fetch-Site": "none", "Origin": "https://a.invoker.example"}),
        (PUBLIC, {"Origin": "https://[half"}),
        (PUBLIC, {"Referer": f"{PUBLIC}/"}),
        (LOCAL, {"Origin": "http://localhost:8081"}),
        (LOCAL, {"Origin": "http://slug.sites.localhost:8080"}),
    ],
    ids=str,
)
def test_r62_others_may_not(app: str, headers: dict[str, str]) -> None:
    with pytest.raises(origins.CrossSite):
        origins.require_same_origin(make_mocked_request("POST", "/", headers=headers), app)
