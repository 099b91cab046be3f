"""Over HTTP: who may call, with what, and that nothing is kept."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.clients.test_mcp_stdout import ENVELOPE
from tests.support.assistant import environment, serving_http

ASKED = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": ENVELOPE}}
HEADERS = {
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": "2026-07-28",
    "Mcp-Method": "tools/list",
}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give a server whose API does not answer."""
    folder = Path(tmp_path_factory.mktemp("http"))
    env = environment("http://127.0.0.1:1", folder / "home", INVOKER_API_KEY="inv_" + "a1B2" * 9)
    with serving_http(env, folder / "log") as url:
        yield url


async def post(url: str, asked: dict[str, Any] | None = None, **headers: str) -> httpx2.Response:
    async with httpx2.AsyncClient() as http:
        return await http.post(url, json=asked or ASKED, headers={**HEADERS, **headers})


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example", "http://127.0.0.1.evil.example:80"]
)
async def test_pages_of_other_origins_are_refused(url: str, origin: str) -> None:
    assert (await post(url, Origin=origin)).status_code == 403


async def test_pages_of_this_machine_and_programs_are_served(url: str) -> None:
    for origin in ("http://localhost:3000", "http://127.0.0.1"):
        assert (await post(url, Origin=origin)).status_code == 200
    assert (await post(url)).status_code == 200


async def test_a_name_that_only_leads_here_is_refused(url: str) -> None:
    assert (await post(url, Host="evil.example:8765")).status_code == 421


async def test_no_session_is_begun(url: str) -> None:
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "tests", "version": "1"}}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
    async with httpx2.AsyncClient() as http:
        answer = await http.post(url, json=asked, headers={"Accept": HEADERS["Accept"]})
    assert answer.status_code == 200
    assert "mcp-session-id" not in answer.headers


@pytest.mark.parametrize("authorization", [None, "Basic YTpi", "Bearer", "Bearer sk-other", "Bearer inv_" + "x" * 300])
async def test_without_a_key_of_the_request_the_servers_own_is_not_used(url: str, authorization: str | None) -> None:
    params = {"name": "list_sites", "arguments": {}, "_meta": ENVELOPE}
    asked = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params}
    headers = {"Authorization": authorization} if authorization else {}
    answer = await post(url, asked, **{"Mcp-Method": "tools/call", "Mcp-Name": "list_sites"}, **headers)
    assert answer.status_code == 200, answer.text
    assert "Authorization: Bearer inv_" in answer.text
    said = answer.text.partition("data: ")[2] or answer.text
    assert json.loads(said)["result"]["isError"]
