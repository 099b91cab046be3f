"""What the forms of a site ask for, as its pages say it: the form contract. Pure functions and values.

Read when a version is made, and kept with it. What visitors send is held against it softly: nothing is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a form."""

    name: str
    #: As in HTML: text, email, number, checkbox, select, textarea, file, …
    type: str = "text"
    required: bool = False
    #: Whether it may have several values.
    multiple: bool = False
    #: What may be chosen, for selects, radio buttons and checkboxes; empty: anything.
    options: Sequence[str] = ()
    #: What the page calls it.
    label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One form: `name` is what submissions name in `_form`, empty where the page does not say."""

    name: str = ""
    path: str = "index.html"
    fields: Sequence[Field] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """All forms of a version, and what its first page says of itself."""

    title: str | None = None
    #: The page's language, such as `de`.
    lang: str | None = None
    forms: Sequence[Form] = field(default=())


NONE: Final = Contract()


def to_json(contract: Contract) -> dict[str, Any]:
    """Return the contract as it is stored."""
    return asdict(contract) if contract != NONE else {}


def from_json(raw: Mapping[str, Any]) -> Contract:
    """Read a stored contract."""
    forms = [
        Form(**form | {"fields": tuple(Field(**each) for each in form.get("fields", ()))})
        for form in raw.get("forms", ())
    ]
    return Contract(title=raw.get("title"), lang=raw.get("lang"), forms=tuple(forms))


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a site's lists: a field of its forms, or one that they had."""

    name: str
    type: str
    label: str | None
    options: Sequence[str]
    #: Whether the live version asks for it.
    current: bool


def columns(contract: Contract, answered: Sequence[tuple[str, str]], form: str | None = None) -> list[Column]:
    """Return the columns of a site's list, or of one form's: what the pages ask for, then what was ever answered.

    `answered` are form and name in the order of their first answers.
    """
    found: dict[str, Column] = {}
    for each in contract.forms:
        if form is None or each.name == form:
            for asked in each.fields:
                found.setdefault(
                    asked.name,
                    Column(name=asked.name, type=asked.type, label=asked.label, options=asked.options, current=True),
                )
    for of, name in answered:
        if form is None or of == form:
            found.setdefault(name, Column(name=name, type="text", label=None, options=(), current=False))
    return list(found.values())
