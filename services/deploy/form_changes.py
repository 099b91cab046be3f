"""What a new version's forms no longer ask for although it was answered: its owner is told before it is missed. Pure
functions.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from services.deploy import contracts
from services.deploy.checks import Finding, shown
from services.deploy.contracts import Contract, Form

#: Of one deploy; and names that one of them lists.
MAX_LOST: Final = 20
_LISTED: Final = 5

_ADVICE: Final = "export first, or put it back; what was answered stays"


def lost(live: Contract, new: Contract, answered: Sequence[tuple[str, str]]) -> list[Finding]:
    """Return what is to be said about answered fields that the live version has and the new one has not.

    `answered` are forms and names. Of a version that was not read whole nothing is said.
    """
    return [] if new.partial else list(islice(_lost(live, new, answered), MAX_LOST))


def _lost(live: Contract, new: Contract, answered: Sequence[tuple[str, str]]) -> Iterator[Finding]:
    for name in dict.fromkeys(form for form, _ in answered):
        before, after = contracts.answering(live, name), contracts.answering(new, name)
        # of a form that is gone, what another form asks for now is no loss
        had, has = _names(before), _names(after or new.forms)
        gone = [field for form, field in answered if form == name and field in had and field not in has]
        if not gone:
            continue
        if not after:
            yield _form_gone(before[0], name, gone)
            continue
        came = [each for each in has if each not in had]
        only = len([each for each in had if each not in has]) == len(came) == 1
        for field in gone:
            yield _field_gone(after[0], name, field, came[0] if only else None)


def _names(forms: Sequence[Form]) -> dict[str, None]:
    return dict.fromkeys(name for form in forms for name in (*(each.name for each in form.fields), *form.buttons))


def _field_gone(form: Form, name: str, field: str, renamed: str | None) -> Finding:
    text = f"{form.path}: {_called(name)} no longer has the field '{shown(field)}', which was answered"
    if renamed is not None:
        text += (
            f"; it looks renamed to '{shown(renamed)}': keep name=\"{shown(field)}\", or the answers stand in two"
            " columns"
        )
    return Finding(code="answered_field_removed", message=f"{text}; {_ADVICE}", path=form.path)


def _form_gone(form: Form, name: str, fields: Sequence[str]) -> Finding:
    listed = ", ".join(f"'{shown(field)}'" for field in fields[:_LISTED]) + (", …" if len(fields) > _LISTED else "")
    text = f"{form.path}: {_called(name)} is on no page any more, and was answered ({listed})"
    return Finding(code="answered_field_removed", message=f"{text}; {_ADVICE}", path=form.path)


def _called(name: str) -> str:
    return f"the form '{shown(name)}'" if name else "the form"
