"""Pictures that need no request: icons, and drawings for where a photograph is still to come."""

import zlib
from typing import Any

from invoker_mcp.pages.data import load
from invoker_mcp.pages.markup import Markup, el, escape


def icon(name: str | None) -> Markup:
    """Return an icon by its name, or a sign such as an emoji as it is."""
    if not name:
        return Markup("")
    if path := load("drawings")["icons"].get(name.strip().lower()):
        svg = Markup(f'<svg viewBox="0 0 24 24" focusable="false"><path d="{path}"/></svg>')
        return el("span", svg, class_="icon", aria_hidden="true")
    return el("span", name[:8], class_="icon sign", aria_hidden="true")


def picture(image: dict[str, Any] | None, seed: str, class_: str, number: int = 0, *, eager: bool = False) -> Markup:
    """Return the given image in a frame, or a drawing: the same for the same seed, another for the next number."""
    given = image or {}
    alt = given.get("alt") or ""
    if src := given.get("src"):
        inside = el("img", src=src, alt=alt, loading=None if eager else "lazy", decoding="async")
    else:
        drawings = load("drawings")["drawings"]
        drawing = drawings[(zlib.crc32(seed.encode()) + number) % len(drawings)]
        named = f'role="img" aria-label="{escape(alt)}"' if alt else 'aria-hidden="true"'
        inside = Markup(
            f'<svg class="art" viewBox="0 0 800 600" preserveAspectRatio="xMidYMid slice" {named}>{drawing}</svg>'
        )
    return el("div", inside, class_=f"frame {class_}")


def portrait(image: dict[str, Any] | None, name: str) -> Markup:
    """Return somebody's picture, or a disc with their initials."""
    if image and image.get("src"):
        return el("span", el("img", src=image["src"], alt=image.get("alt") or "", loading="lazy"), class_="portrait")
    words = name.split()
    initials = "".join(word[0] for word in (words[:1] + words[1:][-1:]) if word)
    return el("span", initials.upper(), class_="portrait initials", aria_hidden="true")
