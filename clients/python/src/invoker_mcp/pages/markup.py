"""HTML as values: what is put in is escaped, and an address is one that a page may have."""

import html
import re
from typing import Final

#: Where the forms go; the API puts the real address in.
SUBMIT_URL: Final = "{{SUBMIT_URL}}"

_VOID: Final = frozenset({"input", "img", "meta", "link", "br", "hr"})
_ADDRESSES: Final = frozenset({"href", "src"})
_SCHEME: Final = re.compile(r"([^/?#:]*):")
_WEB: Final = re.compile(r"https?://(?![^/?#]*@)[^/?#]+", re.IGNORECASE)
_MAIL: Final = re.compile(r"[^@\s:/?#]+@[^@\s:/?#]+\.[a-z]{2,}", re.IGNORECASE)
#: Not part of any text: controls, halves of surrogate pairs, and code points that are no characters.
_NO_TEXT: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_INLINE: Final = re.compile(
    r"\*\*(?P<strong>[^*]+)\*\*|\*(?P<em>[^*\s][^*]*)\*|\[(?P<text>[^\[\]]{1,300})\]\((?P<url>[^()\s]{1,2000})\)"
)


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Child = str | None


def clean(text: str) -> str:
    """Leave out what is no text, so that the page can be written and read."""
    return _NO_TEXT.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def escape(text: str) -> Markup:
    return text if isinstance(text, Markup) else Markup(html.escape(clean(text)))


def join(*children: Child) -> Markup:
    return Markup("".join(escape(child) for child in children if child))


def el(tag: str, *children: Child, **attributes: str | int | bool | None) -> Markup:
    """Return an element. A name's end `_` is dropped, others are hyphens: `class_`, `aria_label`; None is left out."""
    parts = [tag]
    for key, value in attributes.items():
        name = key.rstrip("_").replace("_", "-")
        if value is None or value is False:
            continue
        if value is True:
            parts.append(name)
            continue
        text = str(value)
        if name in _ADDRESSES and not text.startswith((SUBMIT_URL, "data:image/svg+xml,")) and safe_url(text) is None:
            message = f"not an address that a page may have: {text!r}"
            raise ValueError(message)
        parts.append(f'{name}="{escape(text)}"')
    opened = f"<{' '.join(parts)}>"
    return Markup(opened if tag in _VOID else f"{opened}{join(*children)}</{tag}>")


def safe_url(address: str) -> str | None:
    """Return an address as it goes into the page, or None when it may not: http, https, mailto, tel, relative or #."""
    url = address.strip()
    url = url.replace(" ", "") if url[:4].lower() == "tel:" else url.replace(" ", "%20")
    if not url or clean(url) != url or re.search(r"[\s\\<>]", url) or url.startswith("//"):
        return None
    if _MAIL.fullmatch(url):
        return f"mailto:{url}"
    if url.lower().startswith("www."):
        return f"https://{url}"
    if scheme := _SCHEME.match(url):
        kind = scheme[1].lower()
        if kind in {"http", "https"}:
            return url if _WEB.match(url) else None
        return url if kind in {"mailto", "tel"} and len(url) > len(scheme[0]) else None
    return url


def safe_image(address: str) -> str | None:
    """Return an image's address: https or relative, as http is refused on an https page."""
    url = safe_url(address)
    if url is None or url.startswith("#") or re.match(r"(?:http|mailto|tel):", url, re.IGNORECASE):
        return None
    return url


def inline(text: str) -> Markup:
    """Return a text with its **strong**, *emphasised* and [linked](https://…) parts."""
    parts: list[Markup] = []
    end = 0
    for found in _INLINE.finditer(text):
        parts.append(escape(text[end : found.start()]))
        end = found.end()
        if found["strong"]:
            parts.append(el("strong", found["strong"]))
        elif found["em"]:
            parts.append(el("em", found["em"]))
        elif url := safe_url(found["url"]):
            parts.append(el("a", found["text"], href=url))
        else:
            parts.append(escape(found["text"]))
    return join(*parts, escape(text[end:]))


def lines(text: str) -> Markup:
    """Return a short text whose line breaks count."""
    return Markup("<br>".join(inline(line.strip()) for line in text.strip().split("\n")))


def paragraphs(text: str, **attributes: str | None) -> Markup:
    """Return a text's paragraphs, which are apart by an empty line."""
    return join(*(el("p", lines(part), **attributes) for part in re.split(r"\n\s*\n", text.strip()) if part.strip()))


def prose(text: str, level: int) -> Markup:
    """Return a longer text: paragraphs, `## ` headings, `- ` and `1. ` lists, `> ` quotes."""
    made: list[Markup] = []
    for part in re.split(r"\n\s*\n", text.strip()):
        rows = [row.strip() for row in part.strip().split("\n") if row.strip()]
        if not rows:
            continue
        if heading := re.fullmatch(r"(#{2,3})\s+(.+)", rows[0]):
            made.append(el(f"h{min(6, level + len(heading[1]) - 2)}", inline(heading[2])))
            rows = rows[1:]
        if not rows:
            continue
        if all(row.startswith(("- ", "* ")) for row in rows):
            made.append(el("ul", *(el("li", inline(row[2:])) for row in rows)))
        elif all(re.match(r"\d+[.)]\s", row) for row in rows):
            made.append(el("ol", *(el("li", inline(re.sub(r"^\d+[.)]\s+", "", row))) for row in rows)))
        elif all(row.startswith(">") for row in rows):
            made.append(el("blockquote", el("p", inline(" ".join(row.lstrip("> ") for row in rows)))))
        else:
            made.append(el("p", lines("\n".join(rows))))
    return join(*made)
