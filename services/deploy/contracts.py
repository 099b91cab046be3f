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


def check(
    contract: Contract,  # noqa: ARG001
    form: str | None,  # noqa: ARG001
    data: Mapping[str, Any],  # noqa: ARG001
    files: Sequence[str] = (),  # noqa: ARG001
) -> tuple[list[str], list[dict[str, str]]]:
    """Return names that a form does not have, and what else does not fit it. A stub: nothing is looked at yet."""
    return [], []
