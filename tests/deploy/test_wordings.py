"""What common sense sends and the contract does not name: taken where it is clear, else refused in plain words."""

from typing import Any

import pytest

from tests.support.deploying import Deploy
from tests.support.publishing import change, digest, go_live, replace


@pytest.fixture
async def site(deploy: Deploy, key: str) -> dict[str, Any]:
    """Give a site."""
    return await deploy.publish(key, html="<p>one")


async def test_null_is_the_same_as_a_field_left_out(deploy: Deploy, key: str) -> None:
    names = ("slug", "files", "title", "description", "favicon", "is_spa", "preview")
    made = await deploy.call("POST", "/deploy", key=key, json={"html": "<p>", **dict.fromkeys(names)})
    assert (made.status, made.json["live"]) == (200, True)
    edits = [{"path": "index.html", "find": "<p>", "replace": "<b>"}]
    body = {"edits": edits, "preview": None, "if_version": None}
    changed = await deploy.call("PATCH", f"/deploy/{made.json['id']}", key=key, json=body)
    assert (changed.status, changed.json["live"]) == (200, True)


async def test_a_whole_number_may_be_written_with_a_point(deploy: Deploy, key: str, site: dict[str, Any]) -> None:
    assert (await replace(deploy, key, site["id"], html="<p>two", if_version=1.0)).status == 200
    answer = await deploy.call("POST", f"/deploy/{site['id']}/publish", key=key, json={"version": 1.0})
    assert (answer.status, answer.json["version"]) == (200, 1)


@pytest.mark.parametrize("number", [0, -1, 2, 2**31, 2**63])
async def test_any_number_that_is_no_version_is_404(
    deploy: Deploy, key: str, site: dict[str, Any], number: int
) -> None:
    answer = await go_live(deploy, key, site["id"], number)
    assert (answer.status, answer.json["error"]) == (404, "Version not found")
    other = await go_live(deploy, deploy.key(), site["id"], number)
    assert (other.status, other.json["error"]) == (404, "Deployment not found")


async def test_errors_speak_to_who_wrote_the_request(deploy: Deploy, key: str, site: dict[str, Any]) -> None:
    unknown = await change(deploy, key, site["id"], colour="red")
    assert unknown.json["error"] == "colour: There is no such field here"
    absent = await deploy.call("POST", f"/deploy/{site['id']}/publish", key=key, json={})
    assert absent.json["error"] == "version: This field is required"
    halved = await replace(deploy, key, site["id"], files=[{"path": "a", "sha256": digest(b"a")}])
    assert halved.json["error"] == "files.0: 'sha256' and 'size' belong together"


async def test_an_error_says_first_what_is_wrong(deploy: Deploy, key: str, site: dict[str, Any]) -> None:
    answer = await replace(deploy, key, site["id"], html="<p>two", if_version=7)
    assert list(answer.json) == ["error", "code", "request_id", "hint", "live_version"]
