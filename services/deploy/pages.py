"""The few pages that are ours on visitors' screens: thanks, not found, not now. One look, no script, a strict CSP."""

import base64
import hashlib
from collections.abc import Mapping
from html import escape
from typing import Final

from aiohttp import hdrs, web

from services.deploy.wordings import ENGLISH, Wording
from shared.errors import AppError

_STYLE: Final = """
:root{--bg:#f7f7f5;--card:#ffffff;--ink:#1a1d1c;--muted:#5c6662;--line:#e2e5e1;--accent:#0f6b5c;--on-accent:#ffffff}
@media (prefers-color-scheme:dark){:root{--bg:#121514;--card:#1b201e;--ink:#e9edeb;--muted:#9aa5a0;--line:#2c3330;
--accent:#4fc3a9;--on-accent:#0b1412}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;background:var(--bg);color:var(--ink);
font:1.0625rem/1.6 system-ui,sans-serif}
main{width:100%;max-width:30rem;padding:2.5rem 2rem;background:var(--card);border:1px solid var(--line);
border-radius:10px;text-align:center}
h1{margin:0 0 .75rem;font-size:1.5rem;line-height:1.25}
p{margin:0;color:var(--muted);overflow-wrap:anywhere}
a{display:inline-block;margin-top:1.75rem;padding:.65rem 1.4rem;border-radius:10px;background:var(--accent);
color:var(--on-accent);text-decoration:none;font-weight:600}
a:focus-visible,button:focus-visible,input:focus-visible,select:focus-visible,
textarea:focus-visible{outline:3px solid var(--accent);outline-offset:3px}
form{margin-top:1.5rem;text-align:left}
label{display:block;margin-bottom:.35rem;font-weight:600}
input,select,textarea,button{width:100%;font:inherit;padding:.65rem .9rem;border-radius:10px;
border:1px solid var(--muted)}
input,select,textarea{margin-bottom:1rem;background:var(--bg);color:var(--ink)}
button{border-color:var(--accent);background:var(--accent);color:var(--on-accent);font-weight:600;
cursor:pointer}
p[role="alert"]{color:var(--ink);font-weight:600}
.site{margin:0 0 .5rem;font-weight:600}
.trap{position:absolute;left:-100vw}
a.small{margin-top:1.75rem;padding:0;background:none;color:var(--muted);font-size:.875rem;font-weight:400;
text-decoration:underline}
"""
_DIGEST: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_CSP: Final = f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; frame-ancestors 'none'"

_TEXTS: Final = {
    400: ("This address cannot be read", "Check the address, or follow a link to the page instead."),
    404: ("There is no page here", "The address may be mistyped, or the page has moved or was taken down."),
    405: ("This page can only be looked at", "Forms are sent to the address that the form itself names."),
    410: ("This page has expired", "It was put up for a limited time, and that is over."),
    413: ("This is more than can be read here", "Go back and try again."),
    429: ("Too many tries", "Please wait a minute, then try again."),
    451: ("This page was taken down", "It broke the rules of this service, or had to go for legal reasons."),
    503: ("This page is not available right now", "Please try again in a moment."),
}


def page(title: str, text: str, *, status: int = 200, link: tuple[str, str] | None = None) -> web.Response:
    """Answer with a page of a heading, a sentence and perhaps a link (address and text)."""
    anchor = f'<a href="{escape(link[0])}">{escape(link[1])}</a>' if link else ""
    return _page(title, f"<p>{escape(text)}</p>{anchor}", status)


def thanks(wording: Wording, site: str | None, back: str) -> web.Response:
    """Say thank you in the name of a site, with a way back to it."""
    content = f'<p>{escape(wording.arrived)}</p><a href="{escape(back)}">{escape(wording.back)}</a>'
    return _page(wording.thanks, content, 200, wording=wording, site=site)


def question(title: str, text: str, button: str) -> web.Response:
    """Ask something that a button answers, with a form to where the visitor is."""
    content = f'<p>{escape(text)}</p><form method="post"><button>{escape(button)}</button></form>'
    return _page(title, content, 200, form_action="'self'")


def access(report: str, *, wrong: bool) -> web.Response:
    """Ask for a site's password; the form goes to where the visitor is. `report` is where a site is reported."""
    text = "This password is not the right one. Please try again." if wrong else "Its owner gave it a password."
    alert = ' role="alert"' if wrong else ""
    form = (
        f'<p{alert}>{text}</p><form method="post"><label for="password">Password</label>'
        '<input id="password" name="password" type="password" autocomplete="current-password" required autofocus>'
        f'<button>Open</button></form><a class="small" rel="nofollow" href="{escape(report)}">Report this page</a>'
    )
    response = _page("This site is protected", form, 401, form_action="'self'")
    # RFC 9110 wants a challenge; no browser knows one that is answered by a form
    response.headers[hdrs.WWW_AUTHENTICATE] = "Form"
    return response


def report(values: Mapping[str, str], reasons: Mapping[str, str], problem: str = "") -> web.Response:
    """Ask what is wrong with a page; `values` are what was typed before, `problem` what was wrong with that."""
    chosen = values.get("reason", "")
    options = "".join(
        f'<option value="{escape(word)}"{" selected" if word == chosen else ""}>{escape(text)}</option>'
        for word, text in reasons.items()
    )
    intro = f'<p role="alert">{escape(problem)}</p>' if problem else "<p>A person reads what you send here.</p>"
    typed = {name: escape(values.get(name, "")) for name in ("url", "details", "email")}
    content = (
        f'{intro}<form method="post"><label for="url">Address of the page</label>'
        f'<input id="url" name="url" type="text" inputmode="url" maxlength="2000" required value="{typed["url"]}">'
        '<label for="reason">What is wrong with it</label>'
        f'<select id="reason" name="reason" required>{options}</select>'
        '<label for="details">What we should know (optional)</label>'
        f'<textarea id="details" name="details" rows="4" maxlength="2000">{typed["details"]}</textarea>'
        '<label for="email">Your email, for questions (optional)</label>'
        f'<input id="email" name="email" type="email" maxlength="320" autocomplete="email" value="{typed["email"]}">'
        '<div class="trap" aria-hidden="true"><label for="website">Leave this empty</label>'
        '<input id="website" name="website" tabindex="-1" autocomplete="off"></div>'
        "<button>Send the report</button></form>"
    )
    return _page("Report a page", content, 400 if problem else 200, form_action="'self'")


def _page(
    title: str,
    content: str,
    status: int,
    *,
    form_action: str = "'none'",
    wording: Wording = ENGLISH,
    site: str | None = None,
) -> web.Response:
    # a title may run the other way than the page
    above = f'<p class="site"><bdi>{escape(site)}</bdi></p>' if site else ""
    body = (
        f'<!doctype html><html lang="{wording.lang}"{" dir=rtl" if wording.right_to_left else ""}>'
        '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(f'{title} – {site}' if site else title)}</title><style>{_STYLE}</style></head>"
        f"<body><main>{above}<h1>{escape(title)}</h1>{content}</main></body></html>"
    )
    headers = {
        hdrs.CONTENT_TYPE: "text/html; charset=utf-8",
        hdrs.CACHE_CONTROL: "no-store",
        "Content-Security-Policy": f"{_CSP}; form-action {form_action}",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return web.Response(body=body.encode(), status=status, headers=headers)


def failure(error: AppError) -> web.Response:
    """Show an error to a visitor, who cannot do anything with its code."""
    title, text = _TEXTS.get(error.status, ("Something went wrong", "Please try again in a moment."))
    return _waiting(page(title, text, status=error.status), error)


def refusal(error: AppError, wording: Wording = ENGLISH, site: str | None = None) -> web.Response:
    """Tell a visitor why what the form sent was not taken."""
    why = wording.refused(error.status, error.code) or f"{error.message}. {error.hint or ''}".strip()
    content = f"<p>{escape(why)} {escape(wording.again)}</p>"
    return _waiting(_page(wording.not_sent, content, error.status, wording=wording, site=site), error)


def _waiting(response: web.Response, error: AppError) -> web.Response:
    if error.retry_after is not None:
        response.headers[hdrs.RETRY_AFTER] = str(max(1, round(error.retry_after)))
    return response
