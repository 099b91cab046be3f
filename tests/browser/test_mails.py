"""R87: what a visitor typed runs nowhere in the mails about it; and a reader's clicks behind their links."""

import pytest
from playwright.async_api import Browser, Request

from services.mailer import mails
from services.mailer.config import Sender
from shared.events import Event
from tests.support.browsing import FORM, Person
from tests.support.eventually import eventually
from tests.support.mail_events import a_confirmation_mail, a_message, a_submission_mail, a_submissions_mail, a_told

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: Each tells when it runs, by a dialog or by fetching something.
CORPUS = [
    "<script>alert(1)</script>", "<img src=http://127.0.0.1:1/x onerror=alert(1)>", "<svg/onload=alert(1)>",
    '"><script>alert(1)</script>', "'><img src=x onerror=alert(1)>", "</style><script>alert(1)</script>",
    "</title><script>alert(1)</script>", "<iframe srcdoc='<script>parent.alert(1)</script>'>", "javascript:alert(1)",
    "<a href=javascript:alert(1)>x</a>", "<body onload=alert(1)>", "<details open ontoggle=alert(1)>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>", "<!--><script>alert(1)</script>-->",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>", "{{ 7*7 }}{% raw %}<script>alert(1)</script>",
    "<link rel=stylesheet href=http://127.0.0.1:1/x>", "<meta http-equiv=refresh content='0;url=http://127.0.0.1:1/'>",
    "<input autofocus onfocus=alert(1)>", "<ScRiPt/x>alert(1)</sCrIpT>", "<scr\0ipt>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;", "<base href=http://127.0.0.1:1/>", "<template><script>alert(1)</script>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>", "`${alert(1)}`",
    "data:text/html,<script>alert(1)</script>",
]  # fmt: skip


def hostile(text: str) -> list[Event]:
    """Return mails with the text wherever a visitor, or an owner who writes to others, may put it."""
    told = a_told(form=text, data={text: text}, submission_id=text)
    return [
        a_submission_mail(
            slug=text, title=text, form=text, subject=text, data={text: text, "list": [text, {text: text}]},
            files=((text, 1),), submission_id=text, reply_to=text, inbox_url=text, unsubscribe_url=text,
        ),
        a_submission_mail(title=text, test=True, data={"field": text}),
        a_submissions_mail(slug=text, title=text, told=(told,), inbox_url=text, unsubscribe_url=text),
        a_confirmation_mail(slug=text, owner=text),
    ]  # fmt: skip


async def test_r87_what_a_visitor_typed_runs_in_no_mail(browser: Browser) -> None:
    """R87: the corpus in every field: 0 executions, and 0 requests to anywhere."""
    context = await browser.new_context()
    page = await context.new_page()
    ran: list[str] = []
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))  # noqa: PLW0108 - a method of a list takes no marks
    page.on("dialog", lambda dialog: ran.append(dialog.message))
    await page.expose_function("alert", lambda *given: ran.append(str(given)))
    sender, count = Sender(name="Invoker", address="login@invoker.example"), 0
    for text in CORPUS:
        for event in hostile(text):
            await page.set_content(mails.mail(a_message(event), event, sender=sender).html)
            links = await page.eval_on_selector_all("[href], [src]", "all => all.map(each => each.href || each.src)")
            assert all(link.startswith(("https://", "http://127.0.0.1:1/")) or not link for link in links), links
            assert await page.locator("script, iframe, img, svg, form, input, link, base, object").count() == 0, text
            count += 1
    await page.wait_for_timeout(200)
    assert count == len(CORPUS) * 4
    assert (ran, asked) == ([], [])
    await page.set_content(CORPUS[1])
    await eventually(lambda: ran and asked)
    await context.close()


async def test_a_reader_says_yes_and_ends_it_again(person: Person) -> None:
    """By the buttons of two pages; to open a link alone changes nothing."""
    await person.context.request.post(f"{person.target.api}/deploy", data={"html": FORM}, headers=own(person))
    reader = Person(person.context, person.target)
    site = (await (await person.context.request.get(f"{person.target.api}/deploy")).json())["deployments"][0]
    path = f"{person.target.api}/deploy/{site['id']}/recipients"
    await person.context.request.post(path, data={"email": reader.email}, headers=own(person))
    page = await person.context.new_page()
    await page.goto(await link(reader, "Do you want", "/confirm/"))
    await page.get_by_role("button", name="Yes, send them").click()
    await page.get_by_role("heading", name="It is set up").wait_for()
    await person.context.request.post(f"{person.target.api}/submit/{site['id']}", form={"email": "v@example.org"})
    await page.goto(await link(reader, "New submission", "/unsubscribe/"))
    await page.get_by_role("button", name="Unsubscribe").click()
    await page.get_by_role("heading", name="You are unsubscribed").wait_for()

    async def unsubscribed() -> bool:
        listed = await (await person.context.request.get(path)).json()
        return [row["state"] for row in listed["recipients"]] == ["active", "unsubscribed"]

    await eventually(unsubscribed)


def own(person: Person) -> dict[str, str]:
    return {"Origin": person.target.app, "Sec-Fetch-Site": "same-origin"}


async def link(reader: Person, having: str, what: str) -> str:
    """Return a link in the newest mail with `having` in its subject."""
    url = f"{reader.target.mailbox}/api/v1/message/{(await reader.mail(having))['ID']}"
    text = (await (await reader.context.request.get(url)).json())["Text"]
    return str(next(word for word in text.split() if what in word))
