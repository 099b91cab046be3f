"""What stands around the fields of a page's forms: labels, options, and what is disabled. Pure functions."""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from services.deploy import form_tags
from services.deploy.markup import Element
from services.deploy.parsed import Page

#: Characters of a label, and of the text that it is made of.
MAX_LABEL: Final = 100
_MAX_TEXT: Final = 1000

_TAG: Final = re.compile(r"<!--(?s:.*?)(?:-->|\Z)|<[A-Za-z/!?][^>]*+>?")


@dataclass(slots=True)
class _Text:
    """The text of a label, a legend or an option while it is read."""

    pieces: list[str] = field(default_factory=list)
    length: int = 0

    def add(self, source: str) -> None:
        """Take in some source."""
        if self.length <= _MAX_TEXT:
            text = _TAG.sub(" ", source)[:_MAX_TEXT]
            self.pieces.append(text)
            self.length += len(text)

    def read(self) -> str:
        """Return it as a browser shows it."""
        text = html.unescape("".join(self.pieces))
        return " ".join(text.replace("\0", "").split())


@dataclass(slots=True)
class Around:
    """What stands around a page's fields, by where these begin."""

    options: dict[int, list[str]] = field(default_factory=dict)
    disabled: set[int] = field(default_factory=set)
    legends: dict[int, _Text] = field(default_factory=dict)
    labels: dict[int, _Text] = field(default_factory=dict)
    #: By the id of a field.
    labels_for: dict[str, _Text] = field(default_factory=dict)

    def label(self, controls: Sequence[Element]) -> str | None:
        """Return what the page calls a field."""
        for each in controls:
            given = each.attributes
            found = self.labels_for.get(given["id"]) if given.get("id") else None
            text = found or self.labels.get(each.start)
            if shown := (text and _shown(text.read())) or _own(given):
                return shown
        return None

    def group_label(self, control: Element) -> str | None:
        """Return what the page calls a group of buttons or boxes, each of which has a label of its own."""
        legend = self.legends.get(control.start)
        return _shown(legend.read()) if legend else None


def _own(given: Mapping[str, str]) -> str | None:
    named = (_shown(given.get(name, "")) for name in ("aria-label", "placeholder", "title"))
    return next((text for text in named if text), None)


def _shown(text: str) -> str | None:
    """Return a label without the marks that say more than its name."""
    plain = "".join(char for char in " ".join(text.split()) if char.isprintable())
    return plain[:MAX_LABEL].strip().rstrip("*: ") or None


def read(page: Page) -> Around:
    """Go through a page once."""
    reader = _Reader()
    for each, following in zip(page.elements, [*page.elements[1:], None], strict=True):
        reader.take(each)
        reader.text(page.text[each.end : following.start if following else len(page.text)])
    reader.end_option()
    return reader.found


@dataclass(slots=True)
class _Fieldset:
    disabled: bool
    legend: _Text = field(default_factory=_Text)


class _Reader:
    """Takes in tags and the text between them, in their order; each costs the same."""

    def __init__(self) -> None:
        self.found = Around()
        self._label: _Text | None = None
        #: Whether the label belongs to the first field inside.
        self._waits = False
        self._legend: _Text | None = None
        self._fieldsets: list[_Fieldset] = []
        #: Those around that are disabled.
        self._disabled = 0
        self._select: list[str] | None = None
        self._option: tuple[str | None, _Text] | None = None

    def text(self, source: str) -> None:
        """Take in what stands between two tags."""
        if self._option:
            self._option[1].add(source)
        elif self._select is None:
            for each in (self._label, self._legend):
                if each:
                    each.add(source)

    def take(self, tag: Element) -> None:
        """Take in a tag."""
        if tag.name in form_tags.FIELDS:
            self.end_option()
            self._select = None
            if not tag.closing:
                self._field(tag)
        elif tag.name == "option":
            self.end_option()
            if self._select is not None and not tag.closing:
                self._option = (tag.attributes.get("value"), _Text())
        elif tag.name == "label":
            self._label, self._waits = None, False
            if not tag.closing:
                self._begin_label(tag.attributes.get("for"))
        elif tag.name == "legend":
            self._legend = self._fieldsets[-1].legend if self._fieldsets and not tag.closing else None
        elif tag.name == "fieldset":
            self._fieldset(tag)

    def end_option(self) -> None:
        """Take in the option that ends here, if one does."""
        if self._option and self._select is not None:
            value, text = self._option
            self._select.append(text.read() if value is None else value)
        self._option = None

    def _begin_label(self, owner: str | None) -> None:
        self._label = _Text()
        if owner:
            self.found.labels_for.setdefault(owner, self._label)
        else:
            self._waits = True

    def _fieldset(self, tag: Element) -> None:
        if not tag.closing:
            self._fieldsets.append(_Fieldset("disabled" in tag.attributes))
            self._disabled += self._fieldsets[-1].disabled
        elif self._fieldsets:
            self._disabled -= self._fieldsets.pop().disabled
        self._legend = None

    def _field(self, tag: Element) -> None:
        if self._label and self._waits and tag.attributes.get("type", "").lower() != "hidden":
            self.found.labels[tag.start] = self._label
            self._waits = False
        if self._fieldsets:
            self.found.legends[tag.start] = self._fieldsets[-1].legend
        if self._disabled or "disabled" in tag.attributes:
            self.found.disabled.add(tag.start)
        if tag.name == "select":
            self._select = self.found.options.setdefault(tag.start, [])
