"""What is held as spam and why: the judgement by itself, and R85: the same answer, no notice, nothing lost."""

import json
from typing import Any

import pytest

from services.deploy import words
from services.deploy.spam import Signs, judge
from tests.support.deploying import BROWSER, Deploy, deploying
from tests.support.eventually import eventually
from tests.support.forms import judged, ledger, stored, token
from tests.support.publishing import change

Site = dict[str, Any]
TEXT = "I have been looking at your garden shears for a week."


@pytest.fixture
async def site(deploy: Deploy, key: str) -> Site:
    """Give a site with a form."""
    return await deploy.publish(key)


@pytest.mark.parametrize(
    "signs, repeats, reason",
    [
        (Signs(), 0, None),
        (Signs(trapped=True), 0, "honeypot"),
        (Signs(trapped=True, fill=0.1, unproven=True), 9, "honeypot"),
        (Signs(fill=1.99), 0, "too_fast"),
        (Signs(fill=2.0), 0, None),
        (Signs(unproven=True), 0, "no_proof"),
        (Signs(), 1, None),
        (Signs(), 2, "duplicate"),
    ],
)
def test_r85_what_is_known_beside_the_data_is_judged_first(signs: Signs, repeats: int, reason: str | None) -> None:
    assert judge(["b"], signs, repeats=repeats) == reason


ONE = "https://a.example/x"
FLOODS: list[tuple[dict[str, Any], str | None]] = [
    ({"a": f"{ONE} " * 8}, None),
    ({"a": f"{ONE} " * 9}, "links"),
    ({"a": "www.a.example " * 9}, "links"),
    ({"a": "https://www.a.example " * 8}, None),
    ({str(n): ONE for n in range(9)}, "links"),
    ({"a": ["HTTP://A.example"] * 5, "b": {"c": [ONE] * 4}}, "links"),
    ({"a": "see [url=https://a.example]this[/url]"}, "links"),
    ({"a": '<a href="https://a.example">x</a>'}, None),
    ({"a": '<a href="https://a.example">x</a>', "b": "<A  rel=x\nHREF=y>"}, "links"),
    ({"a": "[url]x[/url]", "b": "[link]y[/link]"}, "links"),
    ({"a": "<a> [u] a<b", "b": "[urls] <abbr href>"}, None),
    ({"a": "example.com, x@b.example, 3.14, v1.2.3"}, None),
    ({"a": 1, "b": None, "c": True, "d": {}}, None),
]


@pytest.mark.parametrize("data, reason", FLOODS)
def test_a_flood_of_links_is_one_in_any_field(data: dict[str, Any], reason: str | None) -> None:
    assert judge(words.texts(data), Signs()) == reason


WORDS = ("Casino", "buy now", "été", "c++", "博彩", "spam.example", "Straße", "don't")


@pytest.mark.parametrize(
    "text, held",
    [
        ("the best CASINO!", True),
        ("casinos", False),
        ("casíno", True),
        ("casi\nno", False),
        ("please buy,  NOW", True),
        ("buy\nnow", True),
        ("buy it now", False),
        ("buy nowhere", False),
        ("en ETE", True),
        ("athlete", False),
        ("ｃａｓｉｎｏ", True),
        ("learn C++ today", True),
        ("learn C today", False),
        ("网上博彩平台", True),
        ("at SPAM.example/x", True),
        ("strasse", True),
        ("Don’t", True),
    ],
)
def test_an_owners_words_are_whole_words_without_case_and_accents(text: str, held: bool) -> None:  # noqa: FBT001
    assert (judge(["x", text], Signs(), unwanted=WORDS) == "words") is held
    assert judge(words.texts({text: "x"}), Signs(), unwanted=WORDS) is None


def test_a_phrase_does_not_reach_over_fields() -> None:
    assert judge(["buy", "now"], Signs(), unwanted=WORDS) is None


@pytest.mark.parametrize("text", ["<a " * 87_000, "[url " * 52_000, "http" * 65_000, "ﷺ" * 87_000, "a " * 131_000])
def test_a_text_made_to_be_slow_costs_little(text: str) -> None:
    import time

    began = time.process_time()
    judge([text], Signs(), unwanted=tuple(f"word{n} of {n}" for n in range(200)))
    assert time.process_time() - began < 1


async def test_r85_spam_looks_the_same_and_is_kept_and_nobody_is_told(deploy: Deploy, site: Site) -> None:
    fair = await deploy.submit(site, json={"n": 0})
    for data in ({"n": 1, "_hp": "x"}, {"n": 2, "_token": token(site, 0.5)}, {"n": 3, "text": "[url=x]"}):
        answer = await deploy.submit(site, json=data)
        assert (answer.status, answer.json.keys()) == (fair.status, fair.json.keys())
        assert answer.headers.keys() == fair.headers.keys()
    browser = await deploy.submit(site, data={"n": "4", "_hp": "x", "_next": "/x"}, headers=BROWSER)
    assert (browser.status, browser.headers["Location"]) == (303, f"{site['url']}/x")
    spam = [("spam", "honeypot"), ("spam", "too_fast"), ("spam", "links"), ("spam", "honeypot")]
    assert await judged(deploy, site) == [("accepted", None), *spam]
    assert [json.loads(row["data"])["n"] for row in await stored(deploy, site)] == [0, 1, 2, 3, "4"]
    await eventually(lambda: deploy.bus.notices)
    assert [notice.submission_id for notice in deploy.bus.notices] == [fair.json["id"]]
    assert await ledger(deploy, site) == {
        ("", "accepted", ""): 1, ("", "held", "honeypot"): 2, ("", "held", "too_fast"): 1, ("", "held", "links"): 1
    }  # fmt: skip


async def test_r85_who_took_their_time_or_has_no_script_is_no_robot(deploy: Deploy, site: Site) -> None:
    for given in (token(site, 2.1), token(site, 86_000), "", "nonsense", "1.a.b", "x" * 300, "1..", "ü.ü.ü"):
        assert (await deploy.submit(site, json={"a": "b", "_token": given})).status == 200
    assert {status for status, _ in await judged(deploy, site)} == {"accepted"}


async def test_the_third_of_the_same_text_is_held_and_short_ones_never_are(
    deploy: Deploy, key: str, site: Site
) -> None:
    for _ in range(3):
        await deploy.submit(site, json={"text": TEXT})
    for _ in range(4):
        await deploy.submit(site, json={"text": "Thank you!"})
    assert await judged(deploy, site) == [("accepted", None)] * 2 + [("spam", "duplicate")] + [("accepted", None)] * 4
    other = await deploy.publish(key)
    await deploy.submit(other, json={"text": TEXT})
    await deploy.submit(site, json={"text": TEXT + "!"})
    assert await judged(deploy, other) == [("accepted", None)]
    assert (await judged(deploy, site))[-1] == ("accepted", None)


async def test_the_same_request_again_is_no_repetition(deploy: Deploy, site: Site) -> None:
    for _ in range(4):
        await deploy.submit(site, json={"text": TEXT}, headers={"Idempotency-Key": "k-1"})
    await deploy.submit(site, json={"text": TEXT})
    assert await judged(deploy, site) == [("accepted", None)] * 2


async def test_an_owners_words_hold_what_has_them(deploy: Deploy, key: str, site: Site) -> None:
    assert (await change(deploy, key, site["id"], spam_words=["Casino", "buy now"])).status == 200
    for text in ("a CASINO", "hello", "Buy now!"):
        await deploy.submit(site, json={"text": text})
    assert await judged(deploy, site) == [("spam", "words"), ("accepted", None), ("spam", "words")]


async def test_what_a_form_is_called_does_not_fill_the_ledger(deploy: Deploy, site: Site) -> None:
    async with deploying(deploy.database_url, deploy.blobs, deploy.auth, deploy.bus, rate_limits=False) as unlimited:
        for number in range(60):
            await unlimited.submit(site, json={"_form": f"form {number}"})
    counted = await ledger(deploy, site)
    assert len(counted) == 51
    assert counted["", "accepted", ""] == 10
    assert len({row["form"] for row in await stored(deploy, site)}) == 60
