"""Whole pages to begin with: blocks with copy that holds until the real one is there."""

import copy
import json
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Final

from invoker_mcp.pages.compose import CONTENT, Composed, compose
from invoker_mcp.pages.errors import PageError
from invoker_mcp.pages.fields import nearest

NAMES: Final = (
    *(
        "waitlist",
        "landing",
        "contact",
        "event",
        "portfolio",
        "survey",
        "restaurant",
        "links",
        "newsletter",
        "services",
    ),
)
_VALUE: Final = re.compile(r"\{\{([a-z_]+)\}\}")
#: What of a template's content is about the whole page.
_PAGE: Final = frozenset(field.name for field in CONTENT)


def list_templates() -> list[dict[str, Any]]:
    """Return each template with what it can be given."""
    return [
        {
            "template": name,
            "description": given["description"],
            "style": given["style"],
            "values": given["values"],
            "blocks": [{"key": key, "block": block["block"]} for key, block in _keyed(given).items()],
            "replace": given["replace"],
        }
        for name in NAMES
        for given in [_template(name)]
    ]


def use_template(name: str, content: Mapping[str, Any] | None = None, style: str | None = None) -> Composed:
    """Return a template's page.

    `content` has the template's values (`name`, `email`, …), what is said about the page (`title`, `lang`, …), and by a
    block's key what replaces parts of its content; null leaves the block out.
    """
    if name not in NAMES:
        raise PageError([f"template: there is no '{name}'{nearest(str(name), NAMES)}"])
    if not isinstance(content, Mapping | None):
        raise PageError(
            ["content is an object: values, what is said about the page, and parts of blocks by their keys"]
        )
    given, content = _template(name), content or {}
    keyed = _keyed(given)
    known = {*keyed, *given["values"], *_PAGE}
    warnings = [f"content: '{key}' is not used{nearest(str(key), known)}" for key in content if key not in known]
    problems = [f"content.{key} is a text" for key in given["values"] if not _is_text(content.get(key, ""))]
    problems += [
        f"content.{key} is an object that replaces parts of the block, or null to leave it out"
        for key in keyed
        if not isinstance(content.get(key), Mapping | None) and content.get(key) is not False
    ]
    if problems:
        raise PageError(problems)
    values = {key: str(content.get(key) or default) for key, default in given["values"].items()}
    blocks = []
    for key, block in keyed.items():
        own = content.get(key, {})
        if own is None or own is False:
            continue
        blocks.append({"block": block["block"], "content": {**_filled(block["content"], values), **own}})
    for key, why in given["replace"].items():
        if key in {*keyed, *given["values"]} and key not in content:
            warnings.append(f"{key}: {why}")
    page = {**_filled(given["content"], values), **{key: content[key] for key in content if key in _PAGE}}
    made = compose(blocks, style or given["style"], page)
    return Composed(made.html, (*warnings, *made.warnings))


def _is_text(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


@cache
def _read(name: str) -> str:
    return resources.files("invoker_mcp.pages.templates").joinpath(f"{name}.json").read_text(encoding="utf-8")


def _template(name: str) -> dict[str, Any]:
    return dict(json.loads(_read(name)))


def _keyed(given: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the blocks by the keys they are replaced with: their names, counted from the second."""
    keyed: dict[str, dict[str, Any]] = {}
    for block in given["blocks"]:
        name, count = block["block"], 1
        while (key := name if count == 1 else f"{name}-{count}") in keyed:
            count += 1
        keyed[key] = block
    return keyed


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    """Return the value with the template's names put into its texts; the values themselves are not read again."""
    if isinstance(value, str):
        return _VALUE.sub(lambda found: values.get(found[1], found[0]), value)
    if isinstance(value, list):
        return [_filled(each, values) for each in value]
    if isinstance(value, dict):
        return {key: _filled(each, values) for key, each in value.items()}
    return copy.copy(value)
