"""The first page, the API's description to read, and the files that pages load."""

from typing import Any, Final

from aiohttp import hdrs, web

from services.auth.access import ACCESS, CONFIG
from services.auth.api import OPENAPI
from services.auth.pages.render import STATIC, TYPES, html, page
from shared.errors import NotFound

routes = web.RouteTableDef()

_FOR_EVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
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
    document = request.app[OPENAPI]
    return page("api.html", visitor=visitor, api_url=request.app[CONFIG].api_url, groups=_groups(document))


def _groups(document: dict[str, Any]) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Return each tag with its operations, in the order of the files."""
    operations = [
        {"method": method.upper(), "path": path, "fields": _fields(document, item[method]), **item[method]}
        for path, item in document["paths"].items()
        for method in _METHODS
        if method in item
    ]
    return [
        (tag, [operation for operation in operations if tag["name"] in operation.get("tags", ())])
        for tag in document["tags"]
    ]


def _fields(document: dict[str, Any], operation: dict[str, Any]) -> list[dict[str, Any]]:
    content = operation.get("requestBody", {}).get("content", {})
    schema = _resolved(document, content.get("application/json", {}).get("schema", {}))
    required = schema.get("required", ())
    return [
        {"name": name, "required": name in required, **_resolved(document, given)}
        for name, given in schema.get("properties", {}).items()
    ]


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if reference := schema.get("$ref"):
        return dict(document["components"]["schemas"][reference.rpartition("/")[2]])
    return schema


@routes.get("/static/{name}")
async def send_file(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if name not in STATIC:
        raise NotFound
    return web.Response(body=STATIC[name], headers={hdrs.CONTENT_TYPE: TYPES[name], **_FOR_EVER})
