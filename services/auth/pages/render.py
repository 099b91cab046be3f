"""How a page looks and what it may load; forms in, HTML out."""

import hashlib
import mimetypes
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

import jinja2
from aiohttp import hdrs, web

from shared import bodies, http, logs
from shared.errors import AppError, BadRequest, Invalid, TooLarge, UnsupportedMediaType

_HERE: Final = Path(__file__).parent.parent

#: File name to content, read once.
STATIC: Final = {path.name: path.read_bytes() for path in sorted((_HERE / "static").iterdir())}
TYPES: Final = {name: mimetypes.guess_type(name)[0] or "application/octet-stream" for name in STATIC}
#: File name to what its address ends in, so that it may be cached for ever.
_VERSIONS: Final = {name: hashlib.sha256(content).hexdigest()[:12] for name, content in STATIC.items()}

#: Fields a form of ours may have; a body with more is not from one.
MAX_FIELDS: Final = 100

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    ),
    # links carry tokens; with no-referrer a browser would send no Origin with our own forms either
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def _asset(name: str) -> str:
    return f"/static/{name}?v={_VERSIONS[name]}"


def _moment(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def _date(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y}"


_templates: Final = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_templates.globals["asset"] = _asset
_templates.filters.update(moment=_moment, date=_date)


def page(template: str, *, status: int = 200, **context: Any) -> web.Response:
    """Render a template, never to be cached or framed."""
    text = _templates.get_template(template).render(context)
    return web.Response(text=text, status=status, headers=_HEADERS, content_type="text/html")


def see(path: str) -> web.Response:
    """Send the browser to a page of our own (R63: never to an address from the request)."""
    return web.Response(status=303, headers={hdrs.LOCATION: path, hdrs.CACHE_CONTROL: "no-store"})


def show_error(_request: web.Request, error: AppError) -> web.Response:
    """Show an error to a person."""
    response = page("error.html", status=error.status, error=error, request_id=logs.request_id.get())
    if error.retry_after is not None:
        response.headers[hdrs.RETRY_AFTER] = str(max(1, round(error.retry_after)))
    return response


#: Marks a handler as a page: its errors are pages too.
html = http.rules(render=show_error)


@web.middleware
async def friendly(request: web.Request, handler: http.Handler) -> web.StreamResponse:
    """Show a browser a page where there is nothing, or nothing to look at; programs get the API's error."""
    try:
        return await handler(request)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as error:
        if "text/html" not in request.headers.get(hdrs.ACCEPT, ""):
            raise
        response = show_error(request, http.meant(error))
        if isinstance(error, web.HTTPMethodNotAllowed):
            response.headers[hdrs.ALLOW] = ", ".join(sorted(error.allowed_methods))
        return response


async def form(request: web.Request) -> dict[str, str]:
    """Read the fields of a form. Raise UnsupportedMediaType, TooLarge, BadRequest or Invalid."""
    # a form of one button sends nothing; clients that are no browsers then give no type, or the one of any bytes
    if not request.body_exists:
        return {}
    if request.content_type != "application/x-www-form-urlencoded":
        raise UnsupportedMediaType(hint="This takes what the form on the page sends.")
    raw = await bodies.read(request, http.rules_of(request).body)
    if raw.count(b"&") >= MAX_FIELDS:
        raise TooLarge(hint=f"At most {MAX_FIELDS} fields are taken here.")
    try:
        fields = dict(parse_qsl(raw.decode(), keep_blank_values=True, errors="strict"))
    except ValueError:
        raise BadRequest("The form is not valid UTF-8") from None
    if any("\0" in value for value in fields.values()):
        raise Invalid("Text must not contain the character NUL")
    return fields
