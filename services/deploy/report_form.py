"""The public form in which visitors report a page, on the app's own origin; it needs neither login nor script."""

from typing import Final
from urllib.parse import parse_qsl

from aiohttp import hdrs, web

from services.deploy import access, pages
from services.deploy.reports import REASONS
from services.deploy.service.moderation import Moderation, SiteUnknown
from shared import bodies, http, limits
from shared.errors import AppError, BadRequest, UnsupportedMediaType

MODERATION: Final = web.AppKey("moderation", Moderation)

MAX_BODY: Final = 32 * http.KIB
#: Characters of what is written, and of an address.
MAX_DETAILS: Final = 2000
MAX_URL: Final = 2000
#: For each visitor.
REPORTS: Final = "5/hour"

routes = web.RouteTableDef()


def _render(_request: web.Request, error: AppError) -> web.Response:
    if error.status == 429:
        return _too_many(error)
    return pages.failure(error)


def _too_many(error: AppError) -> web.Response:
    title, text = (
        "You have sent five reports",
        "Please send the next one in an hour. Those that you sent are being read.",
    )
    response = pages.page(title, text, status=429)
    response.headers[hdrs.RETRY_AFTER] = str(max(1, round(error.retry_after or 1.0)))
    return response


@routes.get("/report")
@http.rules(render=_render)
async def show(request: web.Request) -> web.Response:
    """Show the form, with the address that the link names."""
    return pages.report({"url": request.query.get("url", "")[:MAX_URL]}, REASONS)


@routes.post("/report")
@http.rules(body=MAX_BODY, render=_render)
async def send(request: web.Request) -> web.Response:
    """Take a report, and say what happens next."""
    sent = await _read(request)
    if sent.get("website"):
        # a program fills in everything: it is told what a person is told
        return _thanks()
    if problem := _problem(sent):
        return pages.report(sent, REASONS, problem)
    await request.app[access.LIMITER].hit(REPORTS, "report", limits.network(access.ip(request)))
    try:
        await request.app[MODERATION].report(
            sent["url"], reason=sent["reason"], details=sent.get("details", ""), reporter=sent.get("email", "") or None
        )
    except SiteUnknown:
        return pages.report(sent, REASONS, "This is not the address of a page that is published here. Please check it.")
    return _thanks()


async def _read(request: web.Request) -> dict[str, str]:
    """Read the form. Raise UnsupportedMediaType, TooLarge, Timeout, BadRequest."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise UnsupportedMediaType
    raw = await bodies.read(request, MAX_BODY)
    try:
        fields = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError:
        raise BadRequest from None
    return {name: value.replace("\0", "").replace("\r\n", "\n").strip() for name, value in fields}


def _problem(sent: dict[str, str]) -> str:
    """Return what is to be put right, or nothing."""
    if not sent.get("url") or len(sent["url"]) > MAX_URL or not sent["url"].isprintable():
        return "Please give the address of the page, as your browser shows it."
    if sent.get("reason") not in REASONS:
        return "Please choose what is wrong with the page."
    if len(sent.get("details", "")) > MAX_DETAILS:
        return f"Please use {MAX_DETAILS:,} characters at most."
    email = sent.get("email", "")
    if email and (len(email) > 320 or "@" not in email or not email.isprintable() or " " in email):
        return "This email address cannot be written to. Please check it, or leave it empty."
    return ""


def _thanks() -> web.Response:
    return pages.page(
        "Thank you",
        "Your report has arrived, and a person will look at the page. If it breaks the rules, it is taken down. You get"
        " an answer only if there are questions.",
    )
