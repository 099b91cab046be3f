"""The first page, and the API's description to read."""

from typing import Any, Final

from aiohttp import web

from services.auth.access import ACCESS, CONFIG
from services.auth.pages.render import html, page
from shared import openapi

routes = web.RouteTableDef()

_METHODS: Final = ("get", "post", "put", "patch", "delete")


@routes.get("/")
@html
async def show_home(request: web.Request) -> web.Response:
    visitor = await request.app[ACCESS].visitor(request)
    return page("home.html", visitor=visitor, api_url=request.app[CONFIG].api_url)


@routes.get("/docs/api")
@html
async def show_api(request: web.Request) -> web.Response:
    visitor = await request.app[ACCESS].visitor(request)
    document = openapi.merged(request.app[CONFIG].api_url)
    return page("api.html", visitor=visitor, api_url=request.app[CONFIG].api_url, groups=_groups(document))


def _groups(document: dict[str, Any]) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Return each tag with its operations as the page shows them, in the order of the files."""
    operations = [
        {
            "tags": item[method].get("tags", ()),
            "method": method.upper(),
            "path": path,
            "text": ". ".join(filter(None, (item[method].get(part) for part in ("summary", "description")))),
            "fields": _fields(document, item[method]),
            "answers": [
                (status, _resolved(document, answer).get("description", ""))
                for status, answer in item[method].get("responses", {}).items()
                if status < "4"
            ],
            "errors": [status for status in item[method].get("responses", {}) if status >= "4"],
        }
        for path, item in document["paths"].items()
        for method in _METHODS
        if method in item
    ]
    return [
        (tag, [operation for operation in operations if tag["name"] in operation["tags"]]) for tag in document["tags"]
    ]


def _fields(document: dict[str, Any], operation: dict[str, Any]) -> list[dict[str, Any]]:
    content = _resolved(document, operation.get("requestBody", {})).get("content", {})
    schema = _resolved(document, content.get("application/json", {}).get("schema", {}))
    required = schema.get("required", ())
    return [
        {"name": name, "required": name in required, "text": _text(_resolved(document, field))}
        for name, field in schema.get("properties", {}).items()
    ]


def _text(schema: dict[str, Any]) -> str:
    kind = schema.get("type", "")
    return schema.get("description") or (" or ".join(kind) if isinstance(kind, list) else kind)


def _resolved(document: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference into the components."""
    if "$ref" not in value:
        return value
    part, name = value["$ref"].split("/")[-2:]
    return dict(document["components"][part][name])
