"""The forms of a version's pages read into its form contract. Pure functions.

What a script makes of a page is not seen: a page whose forms are built by one has none, and nothing is held against it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from services.deploy import contracts, documents, form_around, form_tags, parsed, versions
from services.deploy.contracts import Contract, Field, Form
from services.deploy.form_around import Around
from services.deploy.markup import Element
from services.deploy.parsed import Pages

MAX_FORMS: Final = 20
#: Of a form, and options of a field: there are some 250 countries in the world.
MAX_FIELDS: Final = 100
MAX_OPTIONS: Final = 300
#: Characters of a name, of an option and of all options; a field that has more of them takes anything.
MAX_NAME: Final = 100
MAX_OPTION: Final = 200
MAX_ALL_OPTIONS: Final = 50_000
MAX_TITLE: Final = 200

#: The types of inputs; any other is `text`, as it is to browsers.
_TYPES: Final = frozenset(
    {
        "hidden", "text", "search", "tel", "url", "email", "password", "date", "month", "week", "time",
        "datetime-local", "number", "range", "color", "checkbox", "radio", "file",
    }
)  # fmt: skip
#: Types that cannot be required: a person has nothing to fill in.
_NEVER_EMPTY: Final = frozenset({"hidden", "range", "color"})
_BOXES: Final = frozenset({"checkbox", "radio"})


def read(pages: Pages, deployment_id: str | None = None) -> Contract:
    """Return what the forms ask for that are sent to this site."""
    found: dict[str, list[Form]] = {}
    is_whole, left = True, parsed.MAX_PAGES
    for path in pages.with_forms():
        page = pages.page(path) if left > 0 else None
        if page is None:
            is_whole = False
            break
        left -= len(page.text)
        is_whole &= page.is_whole
        around: Around | None = None
        for form, controls in form_tags.with_fields(page.elements):
            if form_tags.is_ours(form, deployment_id):
                around = around or form_around.read(page)
                one, fits = _form(path, form, controls, around)
                found.setdefault(one.name, []).append(one)
                is_whole &= fits
    forms = [_merged(same) for same in list(found.values())[:MAX_FORMS]]
    return _about(pages, replace(Contract(forms=_bounded(forms)), partial=not is_whole or len(found) > MAX_FORMS))


def _about(pages: Pages, contract: Contract) -> Contract:
    """Return the contract with what the first page says of itself."""
    if (first := pages.page(versions.INDEX)) is None:
        return contract
    about = documents.about(first.text)
    title = (about.title or "").replace("\0", "")[:MAX_TITLE]
    return replace(contract, title=title or None, lang=about.language)


def _merged(same: Sequence[Form]) -> Form:
    """Return one form for those of a name: a form that is on several pages, or several that have none."""
    first, *others = same
    if not others:
        return first
    return replace(
        first,
        named=any(each.named for each in same),
        fields=tuple(contracts.joined(same)[:MAX_FIELDS]),
        buttons=tuple(dict.fromkeys(name for each in same for name in each.buttons))[:MAX_FIELDS],
    )


def _bounded(forms: Iterable[Form]) -> tuple[Form, ...]:
    """Return the forms without the options of those fields from which on they are too many."""
    left, result = MAX_ALL_OPTIONS, []
    for form in forms:
        fields = []
        for each in form.fields:
            left -= sum(len(option) + 10 for option in each.options)
            fields.append(each if left >= 0 and len(each.options) <= MAX_OPTIONS else replace(each, options=()))
        result.append(replace(form, fields=tuple(fields)))
    return tuple(result)


@dataclass(slots=True)
class _Draft:
    """A field while the elements of its name are looked at."""

    elements: list[Element] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    required: bool = False
    multiple: bool = False
    #: None once anything goes.
    options: dict[str, None] | None = field(default_factory=dict)


def _form(path: str, form: Element, controls: Sequence[Element], around: Around) -> tuple[Form, bool]:
    """Return one form, and whether that is all of it."""
    drafts: dict[str, _Draft] = {}
    buttons = dict[str, None]()
    said: str | None = None
    for each in controls:
        name, kind = each.attributes.get("name", ""), _type(each)
        if kind == "button" or not name.strip():
            continue
        if name.startswith("_"):
            said = said or (each.attributes.get("value") if name == "_form" and kind in {"hidden", "text"} else None)
        elif kind == "submit":
            buttons[name] = None
        elif kind == "image":
            buttons |= {f"{name}.x": None, f"{name}.y": None}
        else:
            _add(drafts.setdefault(name, _Draft()), each, kind, around)
    fitting = {name: draft for name, draft in drafts.items() if len(name) <= MAX_NAME}
    fields = tuple(_field(name, draft, around) for name, draft in list(fitting.items())[:MAX_FIELDS])
    name = said or form.attributes.get("name", "").strip() or form.attributes.get("id", "").strip()
    sent = tuple(each for each in buttons if len(each) <= MAX_NAME)[:MAX_FIELDS]
    found = Form(name=name[:MAX_NAME], named=bool(said), path=path, fields=fields, buttons=sent)
    return found, len(fields) == len(drafts) and len(sent) == len(buttons)


def _type(control: Element) -> str:
    """Return the type of a field; `submit` and `image` for what may be sent of a button, `button` for what is not."""
    given = control.attributes.get("type", "").strip().lower()
    if control.name == "button":
        return "button" if given in {"button", "reset"} else "submit"
    if control.name != "input":
        return control.name
    if given in form_tags.NAMELESS:
        return "button" if given == "reset" else given
    return given if given in _TYPES else "text"


def _add(draft: _Draft, control: Element, kind: str, around: Around) -> None:
    """Take in one more element of a field."""
    given = control.attributes
    draft.elements.append(control)
    draft.types.append(kind)
    # what is disabled is not sent, unless a script changes its mind
    draft.required |= "required" in given and kind not in _NEVER_EMPTY and control.start not in around.disabled
    draft.multiple |= "multiple" in given and (kind in {"select", "file", "email"})
    options: Sequence[str] | None = None
    if kind == "select":
        options = around.options.get(control.start, ())
    elif kind in _BOXES and "value" in given:
        options = [given["value"]]
    if draft.options is None or options is None or any(len(option) > MAX_OPTION for option in options):
        draft.options = None
    else:
        draft.options |= dict.fromkeys(option for option in options if option)
        if len(draft.options) > MAX_OPTIONS:
            draft.options = None


def _field(name: str, draft: _Draft, around: Around) -> Field:
    types = dict.fromkeys(draft.types)
    # a hidden field beside a box is what is sent when it is not ticked
    visible = [kind for kind in types if kind != "hidden"] or ["hidden"]
    kind = visible[0] if len(visible) == 1 else "text"
    is_group = len(draft.elements) > 1 and kind in _BOXES
    return Field(
        name=name,
        type=kind,
        required=draft.required,
        multiple=draft.multiple or (len(draft.elements) > 1 and kind != "radio"),
        options=tuple(draft.options or ()) if kind in _BOXES or kind == "select" else (),
        label=around.group_label(draft.elements[0]) if is_group else around.label(draft.elements),
    )
