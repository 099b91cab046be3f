"""The arguments of all tools: one name means one thing everywhere."""

from typing import Any

from invoker_mcp.server.tool import Schema, ToolError


def _text(description: str, *examples: str, longest: int | None = None) -> Schema:
    shape: Schema = {"type": "string", "minLength": 1, "description": description, "examples": list(examples)}
    return {**shape, "maxLength": longest} if longest else shape


SITE = _text("The site: its slug or its id.", "my-page", "dep_4fJ2kLm9Qx7RtYwB", longest=100)
SLUG = _text("Name in the address, for a new site only: a-z, 0-9 and hyphens. Omit it for a random one.", "my-waitlist")
VERSION: Schema = {"type": "integer", "minimum": 1, "description": "Number of a version of the site.", "examples": [2]}
HTML = _text(
    "A whole page as HTML. `{{SUBMIT_URL}}` becomes the address that forms post to.",
    '<!doctype html><html lang="en"><head><title>Hi</title></head><body><h1>Hi</h1></body></html>',
)
FILES: Schema = {
    "type": "array",
    "minItems": 1,
    "maxItems": 1000,
    "description": "The files of a site, instead of `html`; `index.html` is its front page.",
    "items": {
        "type": "object",
        "required": ["path", "content"],
        "additionalProperties": False,
        "properties": {
            "path": _text("Where it is on the site.", "index.html", "css/site.css"),
            "content": {"type": "string", "description": "Its text, or its bytes in base64."},
            "encoding": {"enum": ["base64"], "description": "Say so when `content` is base64."},
        },
    },
    "examples": [[{"path": "index.html", "content": "<!doctype html><title>Hi</title><h1>Hi</h1>"}]],
}
PATH = _text(
    "A file or folder on this machine, absolute: its bytes go straight to the API, not through the conversation.",
    "/srv/tea-club",
    "/srv/page.html",
)
EDITS: Schema = {
    "type": "array",
    "minItems": 1,
    "maxItems": 100,
    "description": "Small changes: `find` must stand exactly once in the file; all are made or none.",
    "items": {
        "type": "object",
        "required": ["path", "find", "replace"],
        "additionalProperties": False,
        "properties": {
            "path": _text("The file.", "index.html"),
            "find": _text("The text as it is now.", "<h1>Helo</h1>"),
            "replace": {"type": "string", "description": "What stands there instead.", "examples": ["<h1>Hello</h1>"]},
        },
    },
    "examples": [[{"path": "index.html", "find": "<h1>Helo</h1>", "replace": "<h1>Hello</h1>"}]],
}
TEMPLATE = _text("Name of a template, as list_templates has it.", "waitlist", longest=100)
BLOCKS: Schema = {
    "type": "array",
    "minItems": 1,
    "maxItems": 40,
    "description": "The page's blocks in their order, each with its content as list_blocks `detailed` describes it.",
    "items": {
        "type": "object",
        "required": ["block"],
        "additionalProperties": False,
        "properties": {
            "block": _text("Name of a block, as list_blocks has it.", "hero"),
            "content": {"type": "object", "description": "What stands in the block."},
        },
    },
    "examples": [
        [
            {"block": "hero", "content": {"title": "Tea, every month"}},
            {"block": "waitlist_form", "content": {"title": "Join the club"}},
        ]
    ],
}
BLOCK_NAMES: Schema = {
    "type": "array",
    "minItems": 1,
    "maxItems": 40,
    "description": "Names of the blocks to show; omit it for all.",
    "items": _text("Name of a block.", "hero"),
    "examples": [["hero", "faq", "waitlist_form"]],
}
STYLE = _text("Name of a style, as list_styles has it.", "minimal", longest=100)
CONTENT: Schema = {
    "type": "object",
    "description": (
        "What is said about the page: title, description, lang, favicon; with a template also its values, and by a "
        "block's key what replaces parts of it."
    ),
    "examples": [{"title": "Tea club", "description": "A new tea each month", "lang": "en"}],
}
URL = _text("Where each submission is sent: an http or https address.", "https://hooks.example.com/in", longest=2000)
WEBHOOK = _text("Id of a webhook, as list_webhooks has it.", "wh_4fJ2kLm9Qx7RtYwB", longest=100)
CURSOR = _text("Where to go on: the `next_cursor` of the answer before. Omit it for the beginning.", longest=2000)
DETAIL: Schema = {
    "enum": ["concise", "detailed"],
    "default": "concise",
    "description": "`concise` has what is mostly needed, `detailed` everything.",
}

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "array": (list,),
    "object": (dict,),
    "boolean": (bool,),
}


def check(value: Any, shape: Schema, name: str = "") -> None:
    """Refuse what does not fit, in words that say what would; the shapes above need no more than this."""
    where = name or "the arguments"
    if choices := shape.get("enum"):
        if value not in choices:
            raise ToolError(f"{where} has to be one of {', '.join(map(repr, choices))}")
        return
    kind = str(shape.get("type", "object"))
    if not _is(value, kind):
        raise ToolError(f"{where} has to be of the type {kind}", f"For example: {_example(shape)}")
    if kind == "object":
        _check_object(value, shape, name)
    elif kind == "array":
        _check_size(len(value), shape.get("minItems"), shape.get("maxItems"), f"{where}: items")
        for index, each in enumerate(value):
            check(each, shape["items"], f"{where}[{index}]")
    elif kind == "string":
        _check_size(len(value), shape.get("minLength"), shape.get("maxLength"), f"{where}: characters")
    elif kind == "integer":
        _check_size(value, shape.get("minimum"), shape.get("maximum"), where)


def holds(data: dict[str, Any], shape: Schema) -> bool:
    """Whether an answer is as its tool's `outputSchema` promises: an API may say what nobody expected."""
    known = shape["properties"]
    if any(name not in data for name in shape.get("required", ())):
        return False
    return all(_allowed(value, known[name]) for name, value in data.items() if name in known)


def _allowed(value: object, shape: Schema) -> bool:
    if "enum" in shape:
        return value in shape["enum"]
    if "const" in shape:
        return bool(value == shape["const"])
    kinds = shape.get("type", "object")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if value is None:
        return "null" in kinds
    if isinstance(value, list) and "items" in shape:
        return "array" in kinds and all(_allowed(item, shape["items"]) for item in value)
    return any(_is(value, kind) for kind in kinds if kind != "null")


def _is(value: object, kind: str) -> bool:
    # to Python a truth value is an integer
    return isinstance(value, _TYPES[kind]) and (kind != "integer" or not isinstance(value, bool))


def _check_object(value: dict[str, Any], shape: Schema, name: str) -> None:
    known = shape.get("properties", {})
    before = f"{name}." if name else ""
    for needed in shape.get("required", ()):
        if needed not in value:
            raise ToolError(f"{before}{needed} is missing", f"For example: {_example(known[needed])}")
    for field, held in value.items():
        if field in known:
            check(held, known[field], before + field)
        elif shape.get("additionalProperties") is False:
            raise ToolError(f"There is no argument {before}{field}", f"Known are: {', '.join(known) or 'none'}.")


def _check_size(size: int, least: int | None, most: int | None, what: str) -> None:
    if least is not None and size < least:
        raise ToolError(f"{what}: at least {least}")
    if most is not None and size > most:
        raise ToolError(f"{what}: at most {most}")


def _example(shape: Schema) -> str:
    import json

    return json.dumps(next(iter(shape.get("examples", ())), shape.get("description", "…")), ensure_ascii=False)
