"""A version's pages by their tags: each page is read once, whoever looks at it, and within bounds. Pure functions."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from services.deploy import form_tags, links, markup, versions
from services.deploy.markup import Element

#: Characters of a page with a form of ours, of another page, and of all pages that are looked at.
_MAX_FORM_PAGE: Final = 4 * versions.MIB
MAX_PAGE: Final = versions.MIB
MAX_PAGES: Final = 4 * versions.MIB
#: Tags of one page.
MAX_TAGS: Final = 10_000

_TAGS: Final = links.TAGS | form_tags.FIELDS | {"form", "script"}
#: What stands around the fields of a form, and says what they are called and what may be chosen.
_AROUND: Final = frozenset({"button", "label", "legend", "fieldset", "option"})
_ENDS: Final = _AROUND | {"form", "select"}

#: Path -> bytes and type.
Files = Mapping[str, tuple[bytes, str]]


class Page(NamedTuple):
    """One page."""

    text: str
    #: Start tags, and the ends of forms; where a form of ours may be, also what stands around its fields.
    elements: Sequence[Element]
    #: Whether that is all of it.
    is_whole: bool


class Pages:
    """The pages of one version."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._read: dict[str, Page] = {}

    def with_forms(self) -> list[str]:
        """Return the paths of pages in which a form of ours may be: the first page first, then those at the top."""
        found = [path for path, (data, kind) in self._files.items() if _may_have_forms(data, kind)]
        return sorted(found, key=lambda path: (path != versions.INDEX, path.count("/"), path))

    def page(self, path: str) -> Page | None:
        """Return a page, None for what is none."""
        data, kind = self._files.get(path, (b"", ""))
        if versions.is_html(kind) and path not in self._read:
            self._read[path] = _read(data, has_forms=_may_have_forms(data, kind))
        return self._read.get(path)


def _may_have_forms(data: bytes, kind: str) -> bool:
    return versions.is_html(kind) and form_tags.mentions_us(data)


def _read(data: bytes, *, has_forms: bool) -> Page:
    text = markup.decode(data)
    part = text[: _MAX_FORM_PAGE if has_forms else MAX_PAGE]
    if has_forms:
        found = markup.elements(part, _TAGS | _AROUND, most=MAX_TAGS, ends=_ENDS)
    else:
        found = markup.elements(part, _TAGS, most=MAX_TAGS)
    return Page(part, found, len(part) == len(text) and len(found) < MAX_TAGS)
