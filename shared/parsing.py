"""Bytes to JSON, JSON to a model: strict, and in errors that name what does not fit without repeating it."""

import unicodedata
from typing import Annotated, Any, Final, TypeVar

import orjson
import pydantic

from shared.errors import BadRequest, Invalid

M = TypeVar("M", bound=pydantic.BaseModel)

#: Text on one line: no control characters, and no spaces around it.
Line = Annotated[str, pydantic.StringConstraints(strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$")]

#: What is no character to look at: formats (Cf) such as those that turn text round, and what is none at all.
_INVISIBLE: Final = frozenset({"Cf", "Cn", "Co", "Cs"})


def visible(text: str) -> str:
    """Return text as a person sees it: on one line, single-spaced, without what is invisible; perhaps nothing."""
    seen = (char for char in text if unicodedata.category(char) not in _INVISIBLE)
    spaced = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in seen)
    return unicodedata.normalize("NFC", " ".join(spaced.split()))


#: A number without a fraction: JSON has one kind of number, so 60.0 is one, and "60" and true are none.
Whole = Annotated[
    int,
    pydantic.Field(strict=True),
    pydantic.BeforeValidator(lambda value: int(value) if isinstance(value, float) and value.is_integer() else value),
]

#: How JSON writes a NUL.
NUL: Final = b"\\u0000"
#: Where pydantic's words name our classes, or speak to programmers.
_WORDS: Final = {
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type"), "Input should be a JSON object"),
    "extra_forbidden": "There is no such field here",
    "missing": "This field is required",
}


def parse_json(raw: bytes) -> Any:
    """Parse JSON strictly. Raise BadRequest for what is none, Invalid for text with a NUL (the database has none)."""
    value = parse_json_with_nul(raw)
    refuse_nul(raw, value)
    return value


def parse_json_with_nul(raw: bytes) -> Any:
    """Parse JSON strictly, and leave to the caller where a NUL may not be. Raise BadRequest for what is none."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise BadRequest("The body is not valid JSON") from None


def refuse_nul(raw: bytes, value: Any) -> None:
    """Raise Invalid when a text in `value`, parsed from `raw`, has a NUL."""
    if NUL in raw and _has_nul(value):
        raise Invalid("Text must not contain the character NUL")


def _has_nul(value: Any) -> bool:
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str() as text if "\0" in text:
                return True
            case dict() as mapping:
                waiting += [*mapping.keys(), *mapping.values()]
            case list() as items:
                waiting += items
            case _:
                pass
    return False


def validate(model: type[M], value: Any) -> M:
    """Fit a parsed body into `model`. Raise Invalid naming the first field that does not fit."""
    try:
        return model.model_validate(value)
    except pydantic.ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        said = _WORDS.get(first["type"], first["msg"].removeprefix("Value error, "))
        raise Invalid(f"{where}: {said}") from None


def read(model: type[M], raw: bytes) -> M:
    """Read JSON as `model`; what it does not ask for may be anything. Raise BadRequest for what is none, Invalid."""
    body = validate(model, parse_json_with_nul(raw))
    if NUL in raw:
        refuse_nul(raw, body.model_dump())
    return body
