"""What a visitor might write into a form: data of the right kinds, for trying it out. Pure functions."""

from datetime import UTC, datetime
from typing import Any, Final

from services.deploy.contracts import Contract, Field, Form

#: By type, as in HTML; any other is a line of text.
_VALUES: Final = {
    "email": "test@example.com",
    "url": "https://example.com/",
    "tel": "+1 555 0100",
    "number": "7",
    "range": "7",
    "date": "2026-01-31",
    "time": "12:30",
    "datetime-local": "2026-01-31T12:30",
    "month": "2026-01",
    "week": "2026-W05",
    "color": "#336699",
    "checkbox": "on",
    "textarea": "This is a test.\nIt came from test-form.",
}
#: What a form without a contract is sent.
_NONE: Final = {"email": "test@example.com", "message": "This is a test."}
#: Not sent: chosen from a disk, or no answer at all.
_LEFT_OUT: Final = frozenset({"file", "submit", "image", "button", "reset"})


def form_of(contract: Contract, name: str | None) -> Form | None:
    """Return the form of this name, the first one when none is asked for; None when there is no such form."""
    if name is None:
        return next(iter(contract.forms), None)
    return next((form for form in contract.forms if form.name == name), None)


def data(form: Form | None) -> dict[str, Any]:
    """Return what a visitor might send through a form."""
    if form is None or not form.fields:
        return dict(_NONE)
    return {field.name: _value(field) for field in form.fields if _is_sent(field)}


def _is_sent(field: Field) -> bool:
    return field.type not in _LEFT_OUT and not field.name.startswith("_")


def _value(field: Field) -> Any:
    chosen = next(filter(None, field.options), None)
    if chosen is not None:
        return [chosen] if field.multiple else chosen
    if field.type == "hidden":
        return ""
    # many a page asks for an address as for any text
    kind = field.name.lower() if field.type == "text" else field.type
    return _VALUES.get(kind, f"Test of {field.label or field.name}, {datetime.now(UTC).date()}")
