"""The development mailbox over HTTP: a page to read mails, and the part of Mailpit's API that tests use.

The application is mounted below `/mailbox`; its routes are without the prefix, the links of its pages with it.
"""

import re
from pathlib import Path
from typing import Any, Final

import jinja2
from aiohttp import hdrs, web

from services.standalone.mail_files import MailFiles, StoredMail
from shared import bodies, http
from shared.errors import AppError, BadRequest, NotFound

MOUNT: Final = "/mailbox"
PAGE_SIZE: Final = 50
MAILS: Final = web.AppKey("mails", MailFiles)

_HERE: Final = Path(__file__).parent
_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_HEAD: Final = re.compile(r"<head[^>]*>", re.IGNORECASE)

_PAGE_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; frame-src 'self'; img-src data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
#: A mail runs nothing and fetches nothing; its links open in a window of their own.
_MAIL_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)

_templates: Final = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

routes = web.RouteTableDef()


def application(mails: MailFiles) -> web.Application:
    """Return the application over these mails."""
    app = http.application()
    app[MAILS] = mails
    app.add_routes(routes)
    return app


# The page


def _show_error(_request: web.Request, error: AppError) -> web.Response:
    return _page("mailbox_error.html", status=error.status, message=error.message)


_for_people: Final = http.rules(render=_show_error)


@routes.get("/")
@_for_people
async def page(request: web.Request) -> web.Response:
    """List mails, newest first."""
    mails, start = request.app[MAILS], _number(request, "start", 0)
    return _page(
        "mailbox.html", mails=mails.newest(start, PAGE_SIZE), total=len(mails), start=start, page_size=PAGE_SIZE
    )


@routes.get("/message/{ID}")
@_for_people
async def message_page(request: web.Request) -> web.Response:
    """Show one mail."""
    return _page("mailbox_message.html", mail=_mail(request))


@routes.get("/message/{ID}/html")
@_for_people
async def message_html(request: web.Request) -> web.Response:
    """Give a mail's HTML, for the frame on its page and nothing else."""
    html, base = _mail(request).html, '<base target="_blank">'
    text = _HEAD.sub(lambda head: head[0] + base, html, count=1) if _HEAD.search(html) else base + html
    return _answer(text, "text/html", _MAIL_POLICY)


@routes.get("/message/{ID}/source")
@_for_people
async def message_source(request: web.Request) -> web.Response:
    """Give a mail as it arrived."""
    raw = request.app[MAILS].raw(_mail(request).id) or b""
    return _answer(raw.decode("utf-8", "replace"), "text/plain", _MAIL_POLICY)


@routes.get("/mailbox.css")
async def style(_request: web.Request) -> web.Response:
    """Give the page's style sheet."""
    return _answer((_HERE / "static" / "mailbox.css").read_text(encoding="utf-8"), "text/css", _PAGE_POLICY)


@routes.get("/mailbox.js")
async def script(_request: web.Request) -> web.Response:
    """Give the page's script."""
    return _answer((_HERE / "static" / "mailbox.js").read_text(encoding="utf-8"), "text/javascript", _PAGE_POLICY)


# Mailpit's API


@routes.get("/api/v1/messages")
async def list_messages(request: web.Request) -> web.Response:
    """List mails, newest first, without their bodies."""
    mails = request.app[MAILS]
    start, limit = _number(request, "start", 0), _number(request, "limit", PAGE_SIZE)
    rows = [_summary(mail) for mail in mails.newest(start, limit)]
    counts = {"total": len(mails), "messages_count": len(mails), "count": len(rows), "start": start}
    return http.json(counts | {"messages": rows})


@routes.get("/api/v1/message/{ID}")
async def get_message(request: web.Request) -> web.Response:
    """Give one mail, or the `latest`."""
    mail = _mail(request)
    return http.json(_summary(mail) | {"Text": mail.text, "HTML": mail.html, "Headers": mail.headers})


@routes.delete("/api/v1/messages")
async def delete_messages(request: web.Request) -> web.Response:
    """Delete the mails that the body names in `IDs`; without a body, all."""
    body = await bodies.read_json(request) if request.body_exists else {}
    chosen = body.get("IDs") if isinstance(body, dict) else body
    if chosen is not None and not (isinstance(chosen, list) and all(isinstance(one, str) for one in chosen)):
        raise BadRequest("IDs must be a list of message ids")
    request.app[MAILS].delete(chosen or None)
    return web.Response(text="ok")


def _mail(request: web.Request) -> StoredMail:
    mail = request.app[MAILS].find(request.match_info["ID"])
    if mail is None:
        raise NotFound("This mail is not here (any more)")
    return mail


def _number(request: web.Request, name: str, default: int) -> int:
    given = request.query.get(name)
    if given is None:
        return default
    if not _NUMBER.fullmatch(given):
        raise BadRequest(f"{name} must be a number from 0 to 999999999")
    return int(given)


def _summary(mail: StoredMail) -> dict[str, Any]:
    def people(them: list[tuple[str, str]]) -> list[dict[str, str]]:
        return [{"Name": name, "Address": address} for name, address in them]

    return {
        "ID": mail.id,
        "MessageID": mail.message_id,
        "From": next(iter(people(mail.sender)), None),
        "To": people(mail.to),
        "ReplyTo": people(mail.reply_to),
        "Subject": mail.subject,
        "Created": http.timestamp(mail.created),
        "Size": mail.size,
        "Snippet": mail.snippet,
    }


def _page(template: str, *, status: int = 200, **facts: Any) -> web.Response:
    text = _templates.get_template(template).render(facts, mount=MOUNT)
    return _answer(text, "text/html", _PAGE_POLICY, status=status)


def _answer(text: str, kind: str, policy: str, *, status: int = 200) -> web.Response:
    headers = {
        "Content-Security-Policy": policy,
        hdrs.CACHE_CONTROL: "no-store",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    return web.Response(text=text, content_type=kind, charset="utf-8", status=status, headers=headers)
