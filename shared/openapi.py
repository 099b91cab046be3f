"""The API's description: each service writes its own `openapi.yaml`, and they are shown as one."""

from functools import cache
from typing import Any

from shared import db

#: Filled by what the files have under the same name.
_PARTS = ("schemas", "responses", "parameters", "securitySchemes", "headers", "requestBodies", "examples")


def load(service: str) -> dict[str, Any]:
    """Return a service's own description."""
    # imported for the first reader, not for every start; the loader in C is ten times faster where it was built
    import yaml

    text = (db.SERVICES / service / "openapi.yaml").read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    return document


@cache
def merged(api_url: str) -> dict[str, Any]:
    """Return all services' descriptions as one OpenAPI 3.1 document, on this installation's address; made once.

    Raise ValueError when two services describe the same thing differently.
    """
    services = sorted(path.parent.name for path in db.SERVICES.glob("*/openapi.yaml"))
    paths: dict[str, Any] = {}
    components: dict[str, dict[str, Any]] = {}
    tags: list[Any] = []
    for document in map(load, services):
        _add(paths, document.get("paths", {}))
        for part in _PARTS:
            if given := document.get("components", {}).get(part):
                _add(components.setdefault(part, {}), given)
        tags += document.get("tags", [])
    return {
        "openapi": "3.1.0",
        "info": {"title": "Invoker", "version": "1", "description": "From HTML to a live site with forms in one call."},
        "servers": [{"url": api_url}],
        "security": [{"key": []}, {"session": []}],
        "tags": tags,
        "paths": paths,
        "components": components,
    }


def _add(into: dict[str, Any], more: dict[str, Any]) -> None:
    for name, value in more.items():
        if into.setdefault(name, value) != value:
            raise ValueError(f"described twice, differently: {name}")
