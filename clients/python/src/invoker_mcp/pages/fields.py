"""What a block's content consists of: described for a model as JSON Schema, and read from what it sent."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from invoker_mcp.pages.markup import clean, safe_image, safe_url

Kind = Literal["text", "link", "image", "url", "choice", "flag", "texts", "links", "items"]
#: A block's content after it was read: every field is there, those that were left out as None, False or ().
Values = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One key of a content."""

    name: str
    kind: Kind = "text"
    about: str
    required: bool = False
    default: str | bool | None = None
    options: tuple[str, ...] = ()
    fields: tuple["Field", ...] = ()

    def schema(self) -> dict[str, Any]:
        """Return its JSON Schema."""
        described: dict[str, Any] = {**_shape(self), "description": self.about}
        if self.default is not None:
            described["default"] = self.default
        return described


@dataclass(slots=True)
class Findings:
    """What reading found: problems, with which there is no page, and warnings."""

    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


LABEL = Field(name="label", about="What the link says", required=True)
URL = Field(name="url", kind="url", about="https, mailto:, tel:, a path, or #id of a block on this page", required=True)
SRC = Field(name="src", about="https URL or a path of the site; absent: a drawn placeholder")
ALT = Field(name="alt", about="What the picture shows, for those who cannot see it; empty when it only decorates")
LINK = (LABEL, URL)
IMAGE = (SRC, ALT)


def object_schema(fields: Sequence[Field]) -> dict[str, Any]:
    """Return the JSON Schema of an object with these fields."""
    schema: dict[str, Any] = {"type": "object", "properties": {each.name: each.schema() for each in fields}}
    if required := [each.name for each in fields if each.required]:
        schema["required"] = required
    return {**schema, "additionalProperties": False}


def _shape(given: Field) -> dict[str, Any]:
    match given.kind:
        case "flag":
            return {"type": "boolean"}
        case "choice":
            return {"type": "string", "enum": list(given.options)}
        case "texts":
            return {"type": "array", "items": {"type": "string"}, **({"minItems": 1} if given.required else {})}
        case "items":
            return {
                "type": "array",
                "items": object_schema(given.fields),
                **({"minItems": 1} if given.required else {}),
            }
        case "links":
            return {"type": "array", "items": object_schema(LINK)}
        case "link":
            return object_schema(LINK)
        case "image":
            return object_schema(IMAGE)
        case _:
            return {"type": "string", **({"minLength": 1} if given.required else {})}


def read(fields: Sequence[Field], content: object, where: str, found: Findings) -> Values:
    """Return the content's values; what is missing or wrong goes to `found`, and so do keys that nobody knows."""
    if not isinstance(content, Mapping):
        found.problems.append(f"{where}: the content is an object with {_named(fields)}, not {_type(content)}")
        content = {}
        return {each.name: _absent(each) for each in fields}
    known = {each.name for each in fields}
    for key in content:
        if key not in known:
            found.warnings.append(f"{where}: '{key}' is not used here{nearest(str(key), known)}")
    return {each.name: _value(each, content.get(each.name), f"{where}.{each.name}", found) for each in fields}


def nearest(name: str, known: Iterable[str]) -> str:
    """Say what was probably meant, or what there is."""
    names = sorted(known)
    if close := difflib.get_close_matches(name, names, n=1):
        return f"; did you mean '{close[0]}'?"
    return f"; there are {', '.join(names)}"


def _named(fields: Sequence[Field]) -> str:
    return ", ".join(each.name + ("" if each.required else "?") for each in fields)


def _type(value: object) -> str:
    names = {str: "text", list: "a list", type(None): "nothing", bool: "true or false", int: "a number"}
    return names.get(type(value), type(value).__name__)


def _absent(given: Field) -> Any:
    if given.kind in {"texts", "items", "links"}:
        return ()
    return given.default if given.default is not None or given.kind != "flag" else False


def _value(given: Field, value: object, where: str, found: Findings) -> Any:
    if _is_empty(value):
        # an empty picture is a placeholder that was asked for
        if given.kind == "image" and value == {}:
            return {"src": None, "alt": None}
        if given.required:
            found.problems.append(f"{where} is required: {given.about}")
        return _absent(given)
    match given.kind:
        case "flag":
            return _flag(value, where, found)
        case "choice":
            return _choice(given, value, where, found)
        case "url":
            return _url(value, where, found)
        case "link":
            return _object(LINK, value, where, found)
        case "image":
            return _image(value, where, found)
        case "texts" | "links" | "items":
            return _list(given, value, where, found)
        case _:
            return _text(value, where, found)


def _is_empty(value: object) -> bool:
    return value is None or value in ([], {}) or (isinstance(value, str) and not clean(value).strip())


def _text(value: object, where: str, found: Findings) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        found.problems.append(f"{where} is a text, not {_type(value)}")
        return ""
    return clean(str(value)).strip()


def _flag(value: object, where: str, found: Findings) -> bool:
    if not isinstance(value, bool):
        found.problems.append(f"{where} is true or false, not {_type(value)}")
    return value is True


def _choice(given: Field, value: object, where: str, found: Findings) -> Any:
    if value not in given.options:
        found.problems.append(f"{where} is one of {', '.join(given.options)}")
        return given.default
    return value


def _url(value: object, where: str, found: Findings) -> str:
    url = safe_url(_text(value, where, found))
    if url is None:
        found.problems.append(
            f"{where} is not an address that a page may have: use https, mailto:, tel:, a path or #id"
        )
    return url or "#"


def _image(value: object, where: str, found: Findings) -> Values:
    read_as = _object(IMAGE, {"src": value} if isinstance(value, str) else value, where, found)
    if read_as["src"]:
        src = safe_image(read_as["src"])
        if src is None:
            found.problems.append(f"{where}.src is not an image's address: use https or a path of the site")
        read_as["src"] = src
    return read_as


def _object(fields: Sequence[Field], value: object, where: str, found: Findings) -> Values:
    return read(fields, value, where, found)


def _list(given: Field, value: object, where: str, found: Findings) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        found.problems.append(f"{where} is a list, not {_type(value)}")
        return ()
    if given.kind == "texts":
        return tuple(filter(None, (_text(each, f"{where}[{at}]", found) for at, each in enumerate(value))))
    fields = LINK if given.kind == "links" else given.fields
    return tuple(read(fields, each, f"{where}[{at}]", found) for at, each in enumerate(value))
