"""What the forms of a site ask for, as its pages say it: the form contract. Pure functions and values.

Read when a version is made, and kept with it. What visitors send is held against it softly: nothing is refused.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from services.deploy import form_values

#: Names and problems of one submission that are told.
MAX_TOLD: Final = 100
#: Types of which a page names the values that there are.
_CHOICES: Final = frozenset({"select", "radio", "checkbox"})


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
    """One form: `name` is what submissions name in `_form`, else what the page calls it, empty where it does not."""

    name: str = ""
    #: Whether what it sends names it, in `_form`.
    named: bool = False
    path: str = "index.html"
    fields: Sequence[Field] = ()
    #: Names that are sent with it and that nobody fills in: of its buttons.
    buttons: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Check:
    """How one field is checked."""

    name: str
    type: str
    required: bool
    multiple: bool
    options: frozenset[str]
    test: Callable[[str], bool] | None
    problem: str


@dataclass(frozen=True, slots=True)
class _Plan:
    """How what a form sends is checked."""

    known: frozenset[str]
    checks: Sequence[_Check]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """All forms of a version, and what its first page says of itself."""

    title: str | None = None
    #: The page's language, such as `de`.
    lang: str | None = None
    forms: Sequence[Form] = field(default=())
    #: There is more than was read: what is not in it may be right all the same.
    partial: bool = False
    #: What checking has worked out, by form; empty stands for those without a name.
    memo: dict[str, _Plan] = field(init=False, default_factory=dict, compare=False, repr=False)


NONE: Final = Contract()


def to_json(contract: Contract) -> dict[str, Any]:
    """Return the contract as it is stored."""
    if contract == NONE:
        return {}
    forms = [asdict(form) for form in contract.forms]
    return {"title": contract.title, "lang": contract.lang, "forms": forms, "partial": contract.partial}


def from_json(raw: Mapping[str, Any]) -> Contract:
    """Read a stored contract."""
    forms = tuple(_form(each) for each in raw.get("forms", ()))
    return Contract(title=raw.get("title"), lang=raw.get("lang"), forms=forms, partial=raw.get("partial", False))


def _form(raw: Mapping[str, Any]) -> Form:
    fields = (Field(**each | {"options": tuple(each.get("options", ()))}) for each in raw.get("fields", ()))
    return Form(**{**raw, "fields": tuple(fields), "buttons": tuple(raw.get("buttons", ()))})


def joined(forms: Sequence[Form]) -> list[Field]:
    """Return the fields of several forms as if they were one; required is what is required in each of them."""
    found: dict[str, Field] = {}
    times: dict[str, int] = {}
    for form in forms:
        for each in form.fields:
            known = found.get(each.name)
            found[each.name] = _join(known, each) if known else each
            times[each.name] = times.get(each.name, 0) + 1
    return [replace(each, required=each.required and times[each.name] == len(forms)) for each in found.values()]


def _join(one: Field, other: Field) -> Field:
    options = dict.fromkeys([*one.options, *other.options]) if one.options and other.options else ()
    return Field(
        name=one.name,
        type=one.type if one.type == other.type else "text",
        required=one.required and other.required,
        multiple=one.multiple or other.multiple,
        options=tuple(options),
        label=one.label or other.label,
    )


def answering(contract: Contract, form: str) -> list[Form]:
    """Return the forms whose submissions have this name in `_form`; empty: those of which nothing says the name."""
    return [each for each in contract.forms if (each.name == form if form else not each.named)]


# Checking


def check(
    contract: Contract, form: str | None, data: Mapping[str, Any], files: Sequence[str] = ()
) -> tuple[list[str], list[dict[str, str]]]:
    """Return which names the form does not have, and what else does not fit it: `[{field, problem}]`.

    `files` are the names of fields that came with files. A form that says no name, or one that no page has, is the
    site's only one; where there are several, it may have the fields of each, and nothing is missing.
    """
    if not contract.forms:
        return [], []
    plan = _plan(contract, form)
    unknown = [name for name in data if name not in plan.known]
    if files:
        unknown += [name for name in dict.fromkeys(files) if name not in plan.known and name not in data]
    problems = [
        {"field": each.name, "problem": found}
        for each in plan.checks
        if (found := _problem(each, data.get(each.name), files))
    ]
    return [] if contract.partial else unknown[:MAX_TOLD], problems[:MAX_TOLD]


def _problem(each: _Check, value: Any, files: Sequence[str]) -> str | None:
    if value is None or value == "" or value is False:
        return "missing" if each.required and each.name not in files else None
    if isinstance(value, list):
        values = [one for one in value if one is not None and one != ""]
        if not values:
            return "missing" if each.required and each.name not in files else None
        if len(values) > 1 and not each.multiple:
            return "several_values"
    else:
        values = [value]
    if each.options:
        # scripts send a box that is ticked as true
        fit = all(one is True if isinstance(one, bool) else _text(one) in each.options for one in values)
        return None if fit else "not_an_option"
    if each.test:
        if each.multiple and each.type == "email":
            values = [part for one in values for part in _text(one).split(",")]
        return None if all(each.test(_text(one).strip()) for one in values) else each.problem
    return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)


def _plan(contract: Contract, form: str | None) -> _Plan:
    memo = contract.memo
    if not memo:
        memo |= {each.name: _planned(each.fields, each.buttons) for each in contract.forms}
        if len(contract.forms) > 1:
            fields = [replace(each, required=False) for each in joined(contract.forms)]
            memo[""] = _planned(fields, [name for each in contract.forms for name in each.buttons])
        else:
            memo[""] = memo[contract.forms[0].name]
    return memo.get(form or "") or memo[""]


def _planned(fields: Sequence[Field], buttons: Iterable[str]) -> _Plan:
    checks = []
    for each in fields:
        test, problem = form_values.TYPES.get(each.type, (None, ""))
        options = frozenset(each.options if each.type in _CHOICES else ())
        if each.required or not each.multiple or options or test:
            checks.append(_Check(each.name, each.type, each.required, each.multiple, options, test, problem))
    return _Plan(frozenset([*(each.name for each in fields), *buttons]), checks)


# Lists


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a list of submissions."""

    name: str
    type: str = "text"
    label: str | None = None
    options: Sequence[str] = ()
    #: Whether the live site asks for it; what it does not may have been answered before.
    current: bool = False


def columns(contract: Contract, answered: Sequence[tuple[str, str]], form: str | None = None) -> list[Column]:
    """Return the columns of a list: what the live site asks for, as its pages do, then what else was ever answered.

    `answered` are forms and names, the first answered first; with `form` only that form's, empty: the one without a
    name.
    """
    forms = contract.forms if form is None else answering(contract, form)
    current = [
        Column(name=each.name, type=each.type, label=each.label, options=each.options, current=True)
        for each in joined(forms)
    ]
    known = {each.name for each in current}
    others = dict.fromkeys(name for of, name in answered if name not in known and form in {None, of})
    return current + [Column(name=name) for name in others]
