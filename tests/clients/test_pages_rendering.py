"""Composed pages in a browser: every block in every style and every template, on a phone and a desktop."""

from collections.abc import AsyncIterator
from typing import Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, async_playwright

from tests.support import composed

pytestmark = pytest.mark.asyncio(loop_scope="session")

ORIGIN = "https://page.test"
#: Every rule in light; in dark, what a colour can change.
SCHEMES: dict[Literal["light", "dark"], dict[str, list[str]]] = {"light": {}, "dark": {"runOnly": ["color-contrast"]}}
RUN = """async (rules) => (await axe.run(document, {resultTypes: ["violations"], ...rules})).violations
  .filter(({impact}) => impact === "serious" || impact === "critical")
  .map(({id, nodes}) => `${id}: ${nodes.map((node) => node.target.join(" ")).slice(0, 4).join(", ")}`)"""
#: What is wider than the window, or reaches out of it: clipped things hide from scrollWidth.
OUTSIDE = """() => [...document.querySelectorAll("main *, header *, footer *")]
  .filter((it) => it.getBoundingClientRect().right > innerWidth + 1 && !it.closest("svg, .hp"))
  .map((it) => it.outerHTML.slice(0, 80))
  .concat(document.documentElement.scrollWidth > innerWidth ? ["the page itself"] : [])"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser(chromium_path: str) -> AsyncIterator[Browser]:
    """Give a Chromium of this module's own: nothing but composed pages is shown in it."""
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        await opened.close()


async def shown(browser: Browser, html: str, complaints: list[str]) -> Page:
    """Open a page as a site would be; what it asks for, and what the browser says, are complaints."""
    page = await browser.new_page(viewport={"width": 360, "height": 800}, reduced_motion="reduce")
    page.on("console", lambda message: complaints.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))

    async def answer(route: Route) -> None:
        request = route.request
        if request.url == f"{ORIGIN}/":
            await route.fulfill(body=html, content_type="text/html; charset=utf-8")
        elif request.url.startswith(f"{ORIGIN}/api/submit/"):
            await route.fulfill(body="", content_type="text/javascript")
        else:
            complaints.append(f"request: {request.url}")
            await route.abort()

    await page.route("**/*", answer)
    await page.goto(f"{ORIGIN}/")
    return page


@pytest.mark.parametrize("name", sorted(composed.every_page()))
async def test_a_page_is_fit_for_everybody(name: str, browser: Browser, axe_source: str) -> None:
    complaints: list[str] = []
    html = composed.every_page()[name].replace("{{SUBMIT_URL}}", f"{ORIGIN}/api/submit/dep_1")
    page = await shown(browser, html, complaints)
    for width in (1280, 360, 320):
        await page.set_viewport_size({"width": width, "height": 800})
        complaints += [f"{width}: {each}" for each in await page.evaluate(OUTSIDE)]
    await page.set_viewport_size({"width": 360, "height": 800})
    await page.evaluate("document.querySelectorAll('details').forEach((it) => it.open = true)")
    await page.evaluate(axe_source)
    for scheme, rules in SCHEMES.items():
        await page.emulate_media(color_scheme=scheme)
        complaints += [f"{scheme}: {each}" for each in await page.evaluate(RUN, rules)]
    await page.close()
    assert complaints == []


@pytest.mark.parametrize("style", composed.STYLES)
async def test_long_words_and_odd_numbers_fit(style: str, browser: Browser) -> None:
    page = await shown(browser, composed.with_long_words(style), [])
    for width in (320, 900, 1280):
        await page.set_viewport_size({"width": width, "height": 800})
        assert await page.evaluate(OUTSIDE) == [], width
    await page.close()


async def test_the_keyboard_comes_first_to_the_content(browser: Browser) -> None:
    page = await shown(browser, composed.with_all_blocks("minimal").replace("{{SUBMIT_URL}}", "/api/submit/dep_1"), [])
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "skip"
    assert await page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "main"
    await page.close()


async def test_a_filled_form_sends_its_answers(browser: Browser) -> None:
    page = await shown(browser, composed.with_all_blocks("playful").replace("{{SUBMIT_URL}}", "/api/submit/dep_1"), [])
    await page.locator("#survey").get_by_label("4", exact=True).check()
    await page.locator("#survey").get_by_label("Kitchen").check()
    await page.locator("#survey").get_by_label("Office").check()
    await page.locator("#survey").get_by_label("Yes").check()
    async with page.expect_request("**/api/submit/dep_1") as sent:
        await page.get_by_role("button", name="Send my answers").click()
    request = await sent.value
    assert request.post_data == (
        "_form=survey&how_are_they_doing=4&where_do_they_stand=Kitchen&where_do_they_stand=Office"
        "&did_the_card_help=Yes&what_should_we_do_better=&email=&_hp="
    )
    await page.close()
