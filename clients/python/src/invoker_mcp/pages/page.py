"""The page while its blocks are put together: names that may occur once, and which heading is whose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from invoker_mcp.pages.fields import Field, Values
from invoker_mcp.pages.markup import Markup, el, inline, join, lines, paragraphs

#: What every section may have. A block's fields begin with those it uses.
EYEBROW = Field(name="eyebrow", about="A few words above the title")
TITLE = Field(name="title", about="The section's heading")
INTRO = Field(name="intro", about="A sentence or two below the title")
ANCHOR = Field(name="id", about="The section's name in links (#id); absent: the block's name")
TONES = ("plain", "tint", "accent")
TONE = Field(name="tone", kind="choice", options=TONES, about="The section's background", default="plain")
HEAD = (EYEBROW, TITLE, INTRO)
TAIL = (TONE, ANCHOR)


@dataclass(slots=True)
class Page:
    """What the blocks of one page share."""

    title: str
    #: What the blocks say themselves, in the page's language.
    words: Mapping[str, str]
    names: dict[str, int] = field(default_factory=lambda: {"main": 1, "top": 1})
    has_form: bool = False
    anchors: list[str] = field(default_factory=list)

    def anchor(self, name: str) -> str:
        """Return a block's id, and keep that of its heading for it."""
        found = self.unique(name)
        self.names.setdefault(f"{found}-title", 1)
        self.anchors.append(found)
        return found

    def unique(self, name: str) -> str:
        """Return a name, or with a number behind it when it was given already."""
        count = self.names[name] = self.names.get(name, 0) + 1
        return self.unique(f"{name}-{count}") if count > 1 else name


@dataclass(slots=True, kw_only=True)
class Place:
    """Where one block stands: its id, and the level of its heading."""

    page: Page
    id: str
    level: int = 2
    below: int = 3

    def section(self, content: Values, *body: Markup | None, class_: str, head: Markup | None = None) -> Markup:
        """Return the block in its section, which its heading names."""
        head = head if head is not None else self.head(content)
        named = f"{self.id}-title" if content.get("title") else None
        inner = el("div", head, *body, class_="wrap")
        tone = content.get("tone") or "plain"
        return el("section", inner, id=self.id, class_=f"block {class_} tone-{tone}", aria_labelledby=named)

    def heading(self, content: Values) -> Markup:
        """Return the block's own heading."""
        if not content.get("title"):
            return Markup("")
        return el(f"h{self.level}", lines(content["title"]), id=f"{self.id}-title")

    def head(self, content: Values) -> Markup:
        """Return eyebrow, title and introduction."""
        if not any(content.get(key) for key in ("eyebrow", "title", "intro")):
            return Markup("")
        parts = (eyebrow(content), self.heading(content), intro(content))
        return el("div", *parts, class_="head")

    def item(self, text: str | None, **attributes: str | None) -> Markup:
        """Return the heading of one thing in the block."""
        return el(f"h{self.below}", inline(text), **attributes) if text else Markup("")


def grid(things: Sequence[Markup], class_: str, *, tag: str = "ul") -> Markup:
    """Return things side by side: two and four of them as pairs, so that none is left alone."""
    return el(tag, *things, class_=f"grid {class_}{' pairs' if len(things) in {2, 4} else ''}")


def ticks(points: Sequence[str]) -> Markup:
    """Return short points, each with a tick."""
    return el("ul", *(el("li", inline(point)) for point in points), class_="ticks") if points else Markup("")


def eyebrow(content: Values) -> Markup:
    return el("p", inline(content["eyebrow"]), class_="eyebrow") if content.get("eyebrow") else Markup("")


def intro(content: Values) -> Markup:
    return paragraphs(content["intro"], class_="lead") if content.get("intro") else Markup("")


def button(link: dict[str, Any] | None, class_: str = "") -> Markup:
    if not link:
        return Markup("")
    return el("a", link["label"], href=link["url"], class_=f"button {class_}".strip())


def buttons(first: dict[str, Any] | None, second: dict[str, Any] | None = None) -> Markup:
    """Return the main thing to do and another."""
    made = join(button(first), button(second, "quiet"))
    return el("div", made, class_="actions") if made else made
