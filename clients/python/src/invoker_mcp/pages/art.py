"""Pictures that need no request: icons, and drawings for where a photograph is still to come."""

import zlib
from typing import Any, Final

from invoker_mcp.pages.markup import Markup, el, escape

ICONS: Final = {
    "arrow": "M5 12h14M13 6l6 6-6 6",
    "bell": "M18 9a6 6 0 0 0-12 0c0 6-2 7-2 7h16s-2-1-2-7M10 20a2 2 0 0 0 4 0",
    "bolt": "M13 3 5 14h6l-1 7 8-11h-6z",
    "book": "M12 6C9 4 5 4 3 5v14c2-1 6-1 9 1 3-2 7-2 9-1V5c-2-1-6-1-9 1zm0 0v14",
    "calendar": "M4 6h16v14H4zM4 10h16M8 3v4M16 3v4",
    "camera": "M4 8h4l2-3h4l2 3h4v11H4zM12 17a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z",
    "chart": "M4 20V4M4 20h16M9 16v-5M13 16V8M17 16v-7",
    "chat": "M4 5h16v11H10l-5 4v-4H4z",
    "check": "M5 13l4 4L19 7",
    "clock": "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3 2",
    "cloud": "M7 18a4 4 0 0 1 0-8 5.5 5.5 0 0 1 10.5-1A4.5 4.5 0 0 1 17 18z",
    "code": "M8 8l-4 4 4 4M16 8l4 4-4 4M13 5l-2 14",
    "compass": "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM15.5 8.5l-2 5-5 2 2-5z",
    "globe": "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM3 12h18M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18",
    "heart": "M12 20S4 15 4 9a4 4 0 0 1 8-1 4 4 0 0 1 8 1c0 6-8 11-8 11z",
    "home": "M4 11l8-7 8 7v9h-5v-6H9v6H4z",
    "key": "M8 17a4 4 0 1 1 3.5-6H21v3h-2v2h-3v-2h-4.5A4 4 0 0 1 8 17zM8 13h.01",
    "leaf": "M5 19C5 9 11 5 20 5c0 9-4 14-11 14-2 0-3-1-3-1M5 21c1-5 4-8 9-10",
    "lock": "M6 11h12v9H6zM9 11V8a3 3 0 0 1 6 0v3",
    "mail": "M4 6h16v12H4zM4 7l8 6 8-6",
    "map": "M12 21s7-6 7-11a7 7 0 0 0-14 0c0 5 7 11 7 11zM12 12.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
    "music": "M9 18V6l10-2v12M9 18a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0zM19 16a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0z",
    "people": "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM3 20c0-4 2.5-6 6-6s6 2 6 6M16 4.5a3.5 3.5 0 0 1 0 6.5M18 14.5c2 .8 3 2.7 3 5.5",
    "phone": "M7 3h10v18H7zM11 18h2",
    "shield": "M12 3l8 3v6c0 5-4 8-8 9-4-1-8-4-8-9V6z",
    "spark": "M12 3v5M12 16v5M3 12h5M16 12h5M6 6l3 3M15 15l3 3M18 6l-3 3M9 15l-3 3",
    "star": "M12 4l2.5 5.2 5.5.7-4 3.9 1 5.7-5-2.800-5 2.800 1-5.7-4-3.9 5.5-.7z",
    "sun": "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M19 5l-2 2M7 17l-2 2",
    "tool": "M14 7a4 4 0 0 1 5-4l-2.5 3.5 1.5 1.5L21 5.5A4 4 0 0 1 16 10L8 20l-3.5-3.5z",
    "truck": "M3 6h11v10H3zM14 10h4l3 3v3h-7zM7 19a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM17 19a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
}

#: Drawings of 800 × 600; the classes are the style's colours.
_DRAWINGS: Final = (
    '<rect class="a1" width="800" height="600"/><circle class="a2" cx="560" cy="210" r="120"/>'
    '<path class="a3" d="M0 430C140 330 260 330 400 410s270 90 400-30v220H0z"/>'
    '<path class="a4" d="M0 520c180-90 300-60 420-20s240 30 380-70v170H0z"/>',
    '<rect class="a1" width="800" height="600"/><path class="a3" d="M400 560C250 420 250 220 400 60c150 160 150 360 0 500z"/>'
    '<path class="a4" d="M400 560C400 400 290 270 110 230c0 190 110 310 290 330z"/>'
    '<path class="a2" d="M400 560c0-160 110-290 290-330 0 190-110 310-290 330z"/>',
    '<rect class="a1" width="800" height="600"/><circle class="a3" cx="310" cy="300" r="190"/>'
    '<circle class="a2" cx="510" cy="260" r="130"/><path class="a4" d="M0 450h800v150H0z"/>',
    '<rect class="a1" width="800" height="600"/><path class="a3" d="M150 600V330a150 150 0 0 1 300 0v270z"/>'
    '<path class="a4" d="M210 600V340a90 90 0 0 1 180 0v260z"/><path class="a2" d="M500 600V420a100 100 0 0 1 200 0v180z"/>',
    '<rect class="a1" width="800" height="600"/><path class="a4" d="M230 290h260c0 150-40 230-130 230s-130-80-130-230z"/>'
    '<path class="a3" d="M490 330h40a60 60 0 0 1 0 120h-60l10-40h50a20 20 0 0 0 0-40h-45z"/>'
    '<path class="a2" d="M290 240c-30-50 30-70 0-130h24c34 60-24 80 0 130zm90 0c-30-50 30-70 0-130h24c34 60-24 80 0 130z"/>',
    '<rect class="a1" width="800" height="600"/><path class="a3" d="M0 600 300 150l230 340 90-110 180 220z"/>'
    '<path class="a4" d="M0 600 190 380l180 220z"/><circle class="a2" cx="620" cy="170" r="80"/>',
)


def icon(name: str | None) -> Markup:
    """Return an icon by its name, or a sign such as an emoji as it is."""
    if not name:
        return Markup("")
    if path := ICONS.get(name.strip().lower()):
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
        drawing = _DRAWINGS[(zlib.crc32(seed.encode()) + number) % len(_DRAWINGS)]
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
