"""An anonymous site's claim link: the token stays in the tab, through a login, until the site has an owner."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, expect

from tests.support.browsing import FORM, Complaints, Person, settled

pytestmark = pytest.mark.asyncio(loop_scope="session")

FREE = 5


async def anonymous(person: Person) -> dict[str, Any]:
    """Put a page live for nobody."""
    call = {"method": "POST", "data": {"html": FORM}, "headers": {"Cookie": "", "Sec-Fetch-Site": "none"}}
    answer = await person.context.request.fetch(f"{person.target.api}/deploy", **call)  # type: ignore[arg-type]
    made: dict[str, Any] = await answer.json()
    assert made["claim_token"]
    return made


async def follow(person: Person, site: dict[str, Any]) -> Page:
    """Open the link in a new tab."""
    page = await person.context.new_page()
    await page.goto(site["claim_url"])
    return page


async def test_the_token_survives_a_login_and_is_sent_to_nobody_but_the_claim(stranger: Person) -> None:
    site = await anonymous(stranger)
    page, sent = await stranger.context.new_page(), list[str]()
    page.on("request", lambda one: sent.append(f"{one.method} {one.url} {one.headers} {one.post_data}"))
    await page.goto(site["claim_url"])
    await expect(page.get_by_role("heading", name="Make this site yours")).to_be_visible()
    assert "#" not in page.url, "it is in no history"
    await page.get_by_role("link", name="Log in to claim it").click()
    await page.get_by_label("Email address").fill(stranger.email)
    await page.get_by_role("button", name="Send me a code").click()
    await page.get_by_label("Code from the mail").fill(await stranger.code())
    await page.get_by_role("button", name="Log in").click()
    await page.wait_for_url(f"**/claim/{site['slug']}")
    await page.reload()
    await expect(page.get_by_text(stranger.email)).to_be_visible()
    await page.get_by_role("button", name="Make it mine").click()
    await page.wait_for_url(f"**/dashboard/sites/{site['id']}")
    [only] = [line for line in sent if site["claim_token"] in line]
    assert only.startswith(f"POST {stranger.target.app}/api/claim ")
    assert await page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])") == "[{},{}]"
    [own] = (await stranger.api("GET", "/deploy"))["deployments"]
    assert (own["id"], own["expires_at"]) == (site["id"], None)


async def test_a_link_that_is_followed_again_leads_to_the_site(person: Person, complaints: Complaints) -> None:
    site = await anonymous(person)
    for text in ("is yours", "is yours already"):
        page = await follow(person, site)
        await page.get_by_role("button", name="Make it mine").click()
        await page.wait_for_url(f"**/dashboard/sites/{site['id']}")
        await expect(page.get_by_text(f"“{site['slug']}” {text}")).to_be_visible()
    complaints.lines.clear()


async def test_a_session_that_ended_meanwhile_leads_back_to_the_claim(person: Person, complaints: Complaints) -> None:
    page = await follow(person, site := await anonymous(person))
    await person.go(page, "/dashboard")
    assert urlsplit(page.url).path == "/dashboard", "nobody is led where they did not want to go"
    await page.go_back()
    await person.context.clear_cookies()
    await page.get_by_role("button", name="Make it mine").click()
    await page.wait_for_url("**/login?ended=1")
    await person.log_in()
    await page.goto(f"{person.target.app}/dashboard")
    await page.wait_for_url(f"**/claim/{site['slug']}")
    await expect(page.get_by_role("button", name="Make it mine")).to_be_visible()
    complaints.lines.clear()


async def test_what_is_wrong_with_a_link_is_said_in_words(person: Person, complaints: Complaints) -> None:
    site = await anonymous(person)
    page = await person.context.new_page()
    await page.goto(f"{person.target.app}{urlsplit(site['claim_url']).path}")
    await expect(page.get_by_role("heading", name="This claim link is not complete")).to_be_visible()
    await page.goto(f"{site['claim_url'][:-3]}000")
    await page.get_by_role("button", name="Make it mine").click()
    alert = page.locator("#app").get_by_role("alert")
    await expect(alert).to_contain_text("The site is gone, or the link is not the right one.")
    await expect(alert).to_contain_text("24 hours")
    await expect(page.get_by_role("button", name="Make it mine")).to_have_count(0)
    complaints.lines.clear()


async def test_a_full_plan_says_what_to_do_and_the_link_is_kept_meanwhile(
    person: Person, complaints: Complaints
) -> None:
    own = [await person.site() for _ in range(FREE)]
    site = await anonymous(person)
    page = await follow(person, site)
    await page.get_by_role("button", name="Make it mine").click()
    await expect(page.locator("#app").get_by_role("alert")).to_contain_text("Your plan has no room for another site.")
    await page.get_by_role("link", name="See your sites").click()
    await settled(page)
    await person.api("DELETE", f"/deploy/{own[0]['id']}")
    await page.go_back()
    await page.get_by_role("button", name="Make it mine").click()
    await page.wait_for_url(f"**/dashboard/sites/{site['id']}")
    complaints.lines.clear()


async def test_a_stranger_with_half_a_link_is_told_before_logging_in(stranger: Person) -> None:
    page = await stranger.context.new_page()
    await page.goto(f"{stranger.target.app}/claim/some-site#tok_short")
    await expect(page.get_by_role("heading", name="This claim link is not complete")).to_be_visible()
    await expect(page.get_by_role("link", name="Log in to claim it")).to_be_hidden()
