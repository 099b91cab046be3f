"""What forms are made of: labelled fields, the trap for robots, and the form around them."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from invoker_mcp.pages.markup import SUBMIT_URL, Markup, el, inline, join
from invoker_mcp.pages.page import Page

#: What a browser may fill in by itself, by the field's name.
_AUTOCOMPLETE: Final = {
    "email": "email",
    "name": "name",
    "first_name": "given-name",
    "last_name": "family-name",
    "phone": "tel",
    "company": "organization",
    "website": "url",
    "address": "street-address",
    "city": "address-level2",
    "postcode": "postal-code",
    "country": "country-name",
    "tel": "tel",
}
_INPUTS: Final = {"text", "email", "tel", "url", "number", "date", "time"}
#: The kinds of field that a content may ask for.
KINDS: Final = (
    "text",
    "email",
    "tel",
    "url",
    "number",
    "date",
    "time",
    "long",
    "select",
    "choice",
    "choices",
    "scale",
    "yes",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One field of a form, before it is HTML."""

    label: str
    name: str
    kind: str = "text"
    required: bool = False
    hint: str | None = None
    options: Sequence[str] = ()
    placeholder: str | None = None
    ends: tuple[str | None, str | None] = (None, None)


def slug(text: str) -> str:
    """Return a name for a field: `_` would make it one of the form's controls."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain)[:40].strip("_") or "field"


@dataclass(slots=True)
class Form:
    """One form: its names, and its ids, which occur once in the page."""

    page: Page
    name: str
    id: str
    taken: set[str] = field(default_factory=set)

    def unique(self, name: str) -> str:
        """Return a field's name that no other field of the form has."""
        found, count = name, 1
        while found in self.taken:
            count += 1
            found = f"{name}_{count}"
        self.taken.add(found)
        return found

    def ask(self, question: Question) -> Markup:
        """Return a question as the field it needs."""
        name = self.unique(question.name)
        if question.kind in {"choice", "choices", "scale"}:
            return self._group(question, name)
        ident = f"{self.id}-{name}"
        described = f"{ident}-hint" if question.hint else None
        if question.kind == "yes":
            box = el(
                "input",
                type="checkbox",
                id=ident,
                name=name,
                value="yes",
                required=question.required,
                aria_describedby=described,
            )
            return el(
                "div",
                box,
                el("label", inline(question.label), for_=ident),
                _hint(question, described),
                class_="field check",
            )
        label = el("label", inline(question.label), self._optional(question), for_=ident)
        return el(
            "div", label, _hint(question, described), self._control(question, name, ident, described), class_="field"
        )

    def _optional(self, question: Question) -> Markup | None:
        said = el("span", self.page.words["optional"], class_="optional")
        return None if question.required else join(" ", said)

    def _group(self, question: Question, name: str) -> Markup:
        options = question.options or [str(number) for number in range(1, 6)]
        several = question.kind == "choices"
        made = []
        for number, option in enumerate(options, 1):
            ident = f"{self.id}-{name}-{number}"
            box = el(
                "input",
                type="checkbox" if several else "radio",
                id=ident,
                name=name,
                value=option,
                required=question.required and not several,
            )
            made.append(el("div", box, el("label", option, for_=ident), class_="option"))
        low, high = question.ends
        ends = el("p", el("span", low or ""), el("span", high or ""), class_="ends") if low or high else None
        legend = el("legend", inline(question.label), self._optional(question))
        # words do not fit into the squares of a scale on a phone
        in_a_row = question.kind == "scale" and all(len(option) <= 4 for option in options)
        kind = "options" if not in_a_row else "scale many" if len(options) > 7 else "scale"
        described = f"{self.id}-{name}-hint" if question.hint else None
        inside = (legend, _hint(question, described), el("div", *made, class_=kind), ends)
        return el("fieldset", *inside, class_="field", aria_describedby=described)

    def _control(self, question: Question, name: str, ident: str, described: str | None) -> Markup:
        if question.kind == "long":
            return el("textarea", id=ident, name=name, rows=5, required=question.required, aria_describedby=described)
        if question.kind == "select":
            first = el("option", self.page.words["choose"], value="")
            options = (el("option", option) for option in question.options)
            return el(
                "select", first, *options, id=ident, name=name, required=question.required, aria_describedby=described
            )
        return el(
            "input",
            type=question.kind if question.kind in _INPUTS else "text",
            id=ident,
            name=name,
            required=question.required,
            autocomplete=_AUTOCOMPLETE.get(name) or _AUTOCOMPLETE.get(question.kind),
            min=1 if question.kind == "number" else None,
            placeholder=question.placeholder,
            aria_describedby=described,
        )

    def whole(
        self, fields: Sequence[Markup], *, button: str, note: str | None, class_: str = "", next_: str | None = None
    ) -> Markup:
        """Return the form with what is asked, and what robots fill in."""
        self.page.has_form = True
        trap = el(
            "div",
            el("label", self.page.words["trap"], for_=f"{self.id}-hp"),
            el("input", id=f"{self.id}-hp", name="_hp", type="text", tabindex="-1", autocomplete="off"),
            class_="hp",
            aria_hidden="true",
        )
        said = el("p", inline(note), class_="note") if note else None
        hidden = join(
            el("input", type="hidden", name="_form", value=self.name),
            el("input", type="hidden", name="_next", value=next_) if next_ else None,
        )
        send = el("button", button, type="submit", class_="button")
        inside = (hidden, *fields, trap, send, said)
        return el("form", *inside, action=SUBMIT_URL, method="post", class_=f"form {class_}".strip())


def _optional(question: Question) -> Markup | None:
    return None if question.required else join(" ", el("span", "(optional)", class_="optional"))


def _hint(question: Question, ident: str | None) -> Markup | None:
    return el("p", inline(question.hint), id=ident, class_="hint") if question.hint else None
