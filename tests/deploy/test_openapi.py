"""The OpenAPI file and the routes say the same, both ways."""

import json
import re
from pathlib import Path
from typing import Any

import yaml
from openapi_spec_validator import validate

from services import deploy as package
from services.deploy import api, forms, subscriptions

DOCUMENT: dict[str, Any] = yaml.safe_load((Path(package.__file__).parent / "openapi.yaml").read_text(encoding="utf-8"))


def nameless(path: str) -> str:
    """Leave out what the parameters of a path are called."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def test_the_file_is_valid() -> None:
    assert DOCUMENT["openapi"].startswith("3.1")
    # a comma in a text that is not quoted makes a key of what follows
    assert json.loads(json.dumps(DOCUMENT)) == DOCUMENT
    validate(DOCUMENT)


def test_routes_and_file_name_the_same_operations() -> None:
    described = {
        (method.upper(), nameless(path))
        for path, item in DOCUMENT["paths"].items()
        for method in item
        if method != "parameters"
    }
    routed = {(route.method, nameless(route.path)) for route in [*api.routes, *forms.routes, *subscriptions.routes]}
    assert described == routed


def test_every_error_is_the_error_object() -> None:
    for item in DOCUMENT["paths"].values():
        for operation in (value for name, value in item.items() if name != "parameters"):
            for status, response in operation["responses"].items():
                if status >= "400" and "$ref" in response:
                    assert response["$ref"].rpartition("/")[2] in {"Error", "Limited", "Unavailable"}
