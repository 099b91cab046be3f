"""Blocks, a style and a few words about the page become one page that needs nothing else."""

import re
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from invoker_mcp.pages.blocks import BLOCKS
from invoker_mcp.pages.blocks.block import Block
from invoker_mcp.pages.data import load
from invoker_mcp.pages.errors import PageError
from invoker_mcp.pages.fields import Field, Findings, Values, nearest, read
from invoker_mcp.pages.looks import STYLES
from invoker_mcp.pages.markup import SUBMIT_URL, Markup, clean, el, join, safe_image
from invoker_mcp.pages.page import Page, Place
from invoker_mcp.pages.styles import SCHEMES, Palette, Scheme, Style

#: A page of more bytes loads slowly on a phone; we say so.
MAX_BYTES: Final = 60 * 1024

#: What is said about the whole page.
CONTENT: Final = (
    Field(name="title", about="The page's title in the browser's tab and in search results", required=True),
    Field(name="description", about="One sentence for search results and link previews"),
    Field(name="lang", about="The language of the texts: en, de, pt-BR", default="en"),
    Field(name="favicon", about="An emoji, or an image's https URL"),
    Field(name="image", kind="url", about="The picture of link previews, as an https URL"),
    Field(name="scheme", kind="choice", options=SCHEMES, about="Light or dark for everybody; absent: the style's way"),
)
#: Read from right to left.
_RTL: Final = frozenset({"ar", "fa", "he", "ur"})
_LANG: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


@dataclass(frozen=True, slots=True)
class Composed:
    """A page, and what its author should know about it."""

    html: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Part:
    block: Block
    content: Values
    id: str


def compose(blocks: Sequence[object], style: str = "minimal", content: Mapping[str, Any] | None = None) -> Composed:
    """Return the page. Raises `PageError` with all that is missing or wrong."""
    found = Findings()
    about = read(CONTENT, content or {}, "content", found)
    look = STYLES.get(str(style))
    if look is None:
        found.problems.append(f"style: there is no '{style}'{nearest(str(style), STYLES)}")
    page = Page(title=about["title"] or "", words=_words(about["lang"] or "", found))
    if not isinstance(blocks, list | tuple):
        found.problems.append('blocks is a list such as [{"block": "hero", "content": {…}}]')
        blocks = []
    elif not blocks:
        found.problems.append("blocks: a page needs at least one; begin with a hero")
    parts = [part for at, given in enumerate(blocks) if (part := _part(given, f"blocks[{at}]", page, found))]
    _check_lang(about, found)
    if found.problems or look is None:
        raise PageError(found.problems)
    body = _body(parts, page)
    _check_links(body, page, found)
    html = _whole(about, look, body, page)
    if (size := len(html.encode())) > MAX_BYTES:
        found.warnings.append(f"the page is {size / 1024:.0f} KiB; below 60 it loads faster: shorten texts or split it")
    return Composed(html, tuple(dict.fromkeys(found.warnings)))


def _part(given: object, where: str, page: Page, found: Findings) -> _Part | None:
    if isinstance(given, str):
        given = {"block": given}
    if not isinstance(given, Mapping) or not isinstance(given.get("block"), str):
        found.problems.append(f'{where} is an object such as {{"block": "hero", "content": {{…}}}}')
        return None
    name = given["block"]
    block = BLOCKS.get(name)
    if block is None:
        found.problems.append(f"{where}: there is no block '{name}'{nearest(name, BLOCKS)}")
        return None
    found.warnings += [
        f"{where}: '{key}' is not used; what the block says goes into 'content'"
        for key in given
        if key not in {"block", "content"}
    ]
    content = read(block.fields, given.get("content") or {}, f"{where} ({name})", found)
    wanted = re.sub(r"[^a-z0-9-]+", "-", str(content.get("id") or block.anchor or name).lower()).strip("-")
    return _Part(block, content, page.anchor(wanted or name))


def _words(lang: str, found: Findings) -> Mapping[str, str]:
    """Return what the blocks say themselves, in the page's language or in English."""
    known = load("words")
    short = {"no": "nb", "nn": "nb"}.get(lang.lower().partition("-")[0], lang.lower().partition("-")[0])
    if short not in known and _LANG.fullmatch(lang):
        found.warnings.append(
            f"what forms say by themselves, such as (optional), is in English: there is none in {short}"
        )
    return dict(known.get(short, known["en"]))


def _check_lang(about: Values, found: Findings) -> None:
    if not _LANG.fullmatch(about["lang"] or ""):
        found.problems.append("content.lang is a language's code: en, de, pt-BR")


def _check_links(body: Markup, page: Page, found: Findings) -> None:
    ids = set(re.findall(r'\sid="([^"]+)"', body))
    for target in dict.fromkeys(re.findall(r'\shref="#([^"]*)"', body)):
        if target not in {"top", *ids}:
            there = ", ".join(f"#{name}" for name in page.anchors if name in ids)
            found.warnings.append(f"a link leads to #{target}, which is not on the page; there are {there}")


def _body(parts: Sequence[_Part], page: Page) -> Markup:
    main = [part for part in parts if part.block.region == "main"]
    titled = [part for part in main if part.content.get("title")]
    first = next((part for part in titled if part.block.name in {"hero", "profile"}), titled[0] if titled else None)
    made = [_render(part, page, first) for part in main]
    if first is None:
        made.insert(0, el("h1", page.title, class_="hidden"))
    # what comes first in the page is what people come to first, wherever it was in the list
    above = [_render(part, page, None) for name in ("banner", "header") for part in parts if part.block.name == name]
    below = [_render(part, page, None) for part in parts if part.block.region == "footer"]
    skip = el("a", page.words["skip"], href="#main", class_="skip")
    return join(skip, *above, el("main", *made, id="main", tabindex="-1"), *below)


def _render(part: _Part, page: Page, first: _Part | None) -> Markup:
    titled = bool(part.content.get("title"))
    place = Place(
        page=page, id=part.id, level=1 if part is first else 2, below=3 if titled and part is not first else 2
    )
    return part.block.render(part.content, place)


def _whole(about: Values, look: Style, body: Markup, page: Page) -> str:
    scheme: Scheme = about["scheme"] or look.scheme
    script = el("script", src=f"{SUBMIT_URL}/form.js", defer=True) if page.has_form else None
    head = join(
        Markup('<meta charset="utf-8">'),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("title", about["title"]),
        el("meta", name="description", content=about["description"]) if about["description"] else None,
        *_themes(look, scheme),
        el("meta", property="og:title", content=about["title"]),
        el("meta", property="og:description", content=about["description"]) if about["description"] else None,
        el("meta", property="og:type", content="website"),
        el("meta", property="og:image", content=about["image"]) if about["image"] else None,
        _icon(about["favicon"]),
        el("style", Markup(look.css(scheme) + _sheet("base") + _sheet(look.name))),
        script,
    )
    direction = "rtl" if about["lang"].lower().partition("-")[0] in _RTL else None
    page_body = el("body", body, id="top", class_=f"style-{look.name}")
    return f"<!doctype html>\n{el('html', el('head', head), page_body, lang=about['lang'], dir=direction)}\n"


def _themes(look: Style, scheme: Scheme) -> list[Markup]:
    def theme(palette: Palette, media: str | None = None) -> Markup:
        return el("meta", name="theme-color", content=palette.bg, media=media)

    if scheme == "auto":
        kinds = ((look.light, "light"), (look.dark, "dark"))
        return [theme(palette, f"(prefers-color-scheme: {name})") for palette, name in kinds]
    return [theme(look.light if scheme == "light" else look.dark)]


def _icon(favicon: str | None) -> Markup | None:
    if not favicon:
        return el("link", rel="icon", href="data:image/svg+xml,")
    if (url := safe_image(favicon)) and (url.startswith("https://") or "." in url):
        return el("link", rel="icon", href=url)
    sign = el("text", clean(favicon)[:8], y=".9em", font_size="90")
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">{sign}</svg>'
    return el("link", rel="icon", href=f"data:image/svg+xml,{urllib.parse.quote(svg)}")


@cache
def _sheet(name: str) -> str:
    """Return a style sheet of the package without what only its authors need."""
    sheet = resources.files("invoker_mcp.pages").joinpath("css", f"{name}.css")
    text = sheet.read_text(encoding="utf-8") if sheet.is_file() else ""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return re.sub(r"\s*([{};,>])\s*", r"\1", re.sub(r"\s+", " ", text)).replace(": ", ":").replace(";}", "}").strip()
