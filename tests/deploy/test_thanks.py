"""What a form says to who filled it in: thanks and refusals, in the site's title and language."""

import json
from dataclasses import fields
from typing import Any

import pytest

from services.deploy import contracts, pages, wordings
from services.deploy.contracts import Contract
from services.deploy.fields import MAX_TEXT
from services.deploy.wordings import ENGLISH, Wording
from shared.errors import AppError, NotFound, RateLimited, TooLarge, Unavailable
from tests.support.deploying import BROWSER, Deploy
from tests.support.tables import change as write

Site = dict[str, Any]


@pytest.fixture
async def site(deploy: Deploy, key: str) -> Site:
    """Give a site with a form."""
    return await deploy.publish(key)


async def declare(deploy: Deploy, site: Site, **given: Any) -> None:
    """Have a site's page say something of itself."""
    contract = contracts.to_json(Contract(**given))
    await write(
        deploy, "UPDATE versions SET forms = $1::text::jsonb WHERE deployment_id = $2", json.dumps(contract), site["id"]
    )


async def thanks(deploy: Deploy, site: Site, accepted: str = "") -> str:
    answer = await deploy.call("GET", f"/submit/{site['id']}/thanks", headers={"Accept-Language": accepted})
    assert answer.status == 200
    return answer.text


@pytest.mark.parametrize(
    "declared, accepted, lang",
    [
        ("de", "", "de"),
        ("de-AT", "fr", "de"),
        ("PT_br", "", "pt"),
        ("xx", "fr;q=0.9, en", "fr"),
        (None, "tlh, he-IL;q=0.5", "he"),
        (None, "*", "en"),
        (None, "", "en"),
        ('"><script>', "<script>", "en"),
    ],
)
def test_the_page_says_the_language_and_else_the_browser(declared: str | None, accepted: str, lang: str) -> None:
    assert wordings.choose(declared, accepted).lang == lang


@pytest.mark.parametrize("wording", wordings._ALL.values(), ids=wordings._ALL)
def test_every_language_says_all_of_it_by_itself(wording: Wording) -> None:
    said = [getattr(wording, field.name) for field in fields(wording)]
    assert all(text and text == text.strip() for text in said)
    assert len(set(said)) == len(said)
    if wording is not ENGLISH:
        assert not set(said) & {getattr(ENGLISH, field.name) for field in fields(wording)}


async def test_thanks_are_in_the_sites_title_and_language(deploy: Deploy, site: Site) -> None:
    await declare(deploy, site, title="Zoë & Söhne <b>", lang="de-CH")
    page = await thanks(deploy, site, "en")
    assert '<html lang="de">' in page
    assert "Vielen Dank" in page
    assert "<bdi>Zoë &amp; Söhne &lt;b&gt;</bdi>" in page
    assert f'href="{site["url"]}"' in page


async def test_a_language_that_runs_the_other_way_does(deploy: Deploy, site: Site) -> None:
    await declare(deploy, site, lang="ar")
    assert '<html lang="ar" dir=rtl>' in await thanks(deploy, site)


async def test_without_a_word_of_the_page_the_browser_is_heard(deploy: Deploy, site: Site) -> None:
    assert "ありがとう" in await thanks(deploy, site, "ja, en;q=0.5")
    assert "Thank you" in await thanks(deploy, site)


async def test_a_refusal_is_in_the_sites_language_too(deploy: Deploy, site: Site) -> None:
    await declare(deploy, site, title="Zoë", lang="fr")
    answer = await deploy.submit(site, data={"a": "x" * MAX_TEXT}, headers=BROWSER)
    assert (answer.status, answer.headers["Content-Type"]) == (413, "text/html; charset=utf-8")
    assert '<html lang="fr">' in answer.text
    assert "trop volumineux" in answer.text
    assert "<bdi>Zoë</bdi>" in answer.text


@pytest.mark.parametrize("error", [NotFound(), TooLarge(), RateLimited(), Unavailable()])
@pytest.mark.parametrize("wording", wordings._ALL.values(), ids=wordings._ALL)
def test_a_refusal_says_why_and_what_next_in_every_language(wording: Wording, error: AppError) -> None:
    page = pages.refusal(error, wording, "T")
    assert page.status == error.status
    assert isinstance(page.body, bytes)
    text = page.body.decode()
    assert wording.again in text
    assert error.message not in text
    assert (error.retry_after is None) == ("Retry-After" not in page.headers)


def test_what_a_site_calls_itself_is_text() -> None:
    body = pages.thanks(ENGLISH, "</title><script>alert(1)</script>\"'", "https://x.example/").body
    assert isinstance(body, bytes)
    assert "<script" not in body.decode()
