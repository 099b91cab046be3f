"""The description and the routes say the same, both ways."""

from openapi_spec_validator import validate

from services.auth import api
from services.auth.config import Config
from shared import openapi
from shared.config import load
from tests.support.auth import TOKEN, Auth, an_address


def operations(document: dict[str, object]) -> set[tuple[str, str]]:
    paths = document["paths"]
    assert isinstance(paths, dict)
    return {(method.upper(), path) for path, item in paths.items() for method in item if method != "parameters"}


def test_every_route_is_described_and_every_description_is_a_route() -> None:
    routes = {(route.method, route.path) for route in api.routes if hasattr(route, "path") and hasattr(route, "method")}
    assert {(method, path) for method, path in routes if method != "*"} == operations(openapi.load("auth"))


def test_the_merged_description_is_valid() -> None:
    config = load(
        Config, database_url="postgresql://localhost/x", service_token=TOKEN, deploy_internal_url="http://localhost:1"
    )
    document = openapi.merged(config.api_url)
    validate(document)
    assert document["servers"] == [{"url": "http://localhost:8080/api"}]


async def test_the_service_shows_it_to_programs_and_people(auth: Auth) -> None:
    served = (await auth.call("GET", "/openapi.json")).json
    assert operations(served) >= operations(openapi.load("auth"))
    page = (await auth.browser().get("/docs/api")).text
    for _, path in operations(openapi.load("auth")):
        assert f"<code>{path}</code>" in page


async def test_answers_have_the_fields_that_are_described(auth: Auth) -> None:
    """The bodies of the main answers, held against their schemas' properties."""
    schemas = openapi.load("auth")["components"]["schemas"]
    key = await auth.log_in(an_address())
    made = (await auth.call("POST", "/keys", key=key, json={})).json
    assert set(made) == set(schemas["CreatedKey"]["properties"])
    listed = (await auth.call("GET", "/keys", key=key)).json
    assert set(listed) == set(schemas["Keys"]["properties"])
    assert set(listed["keys"][0]) == set(schemas["Key"]["properties"])
    me = (await auth.call("GET", "/auth/me", key=key)).json
    assert set(me) == set(schemas["Me"]["properties"])
    assert set(me["credential"]) == set(schemas["Me"]["properties"]["credential"]["properties"])
    renamed = (await auth.call("PATCH", f"/keys/{made['id']}", key=key, json={"name": "x"})).json
    assert set(renamed) == set(schemas["Key"]["properties"])
    rotated = (await auth.call("POST", f"/keys/{made['id']}/rotate", key=key)).json
    assert set(rotated) == set(schemas["CreatedKey"]["properties"])
    told = (await auth.call("POST", "/keys/revoke", json={"key": rotated["key"]})).json
    assert set(told) == set(schemas["Message"]["properties"])
    trail = (await auth.call("GET", "/audit", key=key)).json
    assert set(trail) == set(schemas["Audit"]["properties"])
    assert set(trail["events"][0]) == set(schemas["AuditEvent"]["properties"])
    ended = await auth.call("POST", "/keys/revoke-all", key=key, json={"keep_current": True})
    assert set(ended.json) == set(schemas["RevokedAll"]["properties"])
    gone = (await auth.call("DELETE", f"/keys/{made['id']}", key=key)).json
    assert set(gone) == set(schemas["Revoked"]["properties"])
    error = (await auth.call("GET", "/keys")).json
    assert set(error) == set(schemas["Error"]["properties"])
