"""Forms by their tags: which fields are whose, and which forms are sent to us. Pure functions."""

import re
from collections.abc import Sequence
from typing import Final

from services.deploy import markup
from services.deploy.markup import Element

FIELDS: Final = frozenset({"input", "select", "textarea"})
#: Tags that `with_fields` looks at.
TAGS: Final = FIELDS | {"form", "button"}
#: Fields that a form does not send, or sends without a name.
NAMELESS: Final = frozenset({"submit", "button", "reset", "image"})
#: Where a form of ours goes, before and after the address is put in.
_SUBMIT: Final = re.compile(r"\{\{SUBMIT_URL\}\}|/submit/(?P<id>dep_[0-9A-Za-z]*+)")
_SUBMIT_BYTES: Final = re.compile(_SUBMIT.pattern.encode())


def is_ours(form: Element, deployment_id: str | None = None) -> bool:
    """Tell whether a form is sent to us, to a certain site if one is given."""
    found = _SUBMIT.search(form.attributes.get("action", ""))
    return found is not None and (deployment_id is None or found["id"] in {None, deployment_id})


def mentions_us(page: bytes) -> bool:
    """Tell whether a page may have a form that is sent to us."""
    return markup.utf_16(page) is not None or _SUBMIT_BYTES.search(page) is not None


def with_fields(elements: Sequence[Element]) -> list[tuple[Element, list[Element]]]:
    """Return each form with its fields and buttons: those inside it, and those that name it."""
    found: list[tuple[Element, list[Element]]] = []
    by_id: dict[str, list[Element]] = {}
    current: list[Element] | None = None
    named: list[tuple[str, Element]] = []
    for element in elements:
        if element.name == "form":
            # a form inside a form is none to browsers
            if element.closing:
                current = None
            elif current is None:
                current = []
                found.append((element, current))
                by_id.setdefault(element.attributes.get("id", ""), current)
        elif element.name in TAGS and not element.closing:
            if owner := element.attributes.get("form"):
                named.append((owner, element))
            elif current is not None:
                current.append(element)
    for owner, element in named:
        by_id.get(owner, []).append(element)
    return found
