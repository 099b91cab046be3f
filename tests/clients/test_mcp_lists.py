"""What clients of the MCP server see before they call anything, and what wrong calls are told."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import TextContent

from invoker_mcp.server.app import App
from invoker_mcp.server.memory import Memory
from invoker_mcp.settings import Settings
from tests.support.assistant import REVISIONS, Assistant

NAMES = (
    *(
        "login",
        "logout",
        "whoami",
        "gather_requirements",
        "list_blocks",
        "list_styles",
        "compose_page",
        "list_templates",
    ),
    *("use_template", "deploy", "publish", "edit_site", "list_sites", "get_site", "delete_site", "get_submissions"),
    *("test_form", "add_webhook", "list_webhooks", "remove_webhook", "undo"),
)
READ_ONLY = {
    *("whoami", "gather_requirements", "list_blocks", "list_styles", "compose_page", "list_templates", "use_template"),
    *("list_sites", "get_site", "get_submissions", "list_webhooks"),
}
DESTRUCTIVE = {"delete_site", "remove_webhook"}
#: Two bytes to a token is less than any text that tools give needs.
MOST_BYTES = 40_000


@pytest.fixture(params=REVISIONS)
async def assistant(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Assistant]:
    """Give a client of the server in this process, whose API does not answer."""
    settings = Settings(api_url="http://127.0.0.1:1", home=tmp_path, keyring=False, no_browser=True)
    ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    # In one task: a client is left in the task that entered it, and a fixture's two halves are two.
    async def hold() -> None:
        async with Client(App(settings, Memory()).server(), mode=REVISIONS[request.param]) as client:
            ready.set_result(client)
            await over.wait()

    task = asyncio.create_task(hold())
    yield Assistant(await ready)
    over.set()
    await task


async def test_the_tools_are_all_there_in_their_order(assistant: Assistant) -> None:
    for _ in range(2):
        assert tuple(tool.name for tool in (await assistant.client.list_tools()).tools) == NAMES


async def test_every_tool_is_described_with_hints_schemas_and_examples(assistant: Assistant) -> None:
    for tool in (await assistant.client.list_tools()).tools:
        assert tool.description is not None
        assert tool.description.count(". ") >= 1, tool.name
        assert " Use it " in tool.description
        hints = tool.annotations
        assert hints is not None
        assert (hints.read_only_hint, hints.destructive_hint) == (tool.name in READ_ONLY, tool.name in DESTRUCTIVE)
        assert hints.idempotent_hint is not None
        assert hints.open_world_hint is not None
        assert tool.output_schema is not None
        for schema in (tool.input_schema, tool.output_schema):
            assert jsonschema_rs.meta.is_valid(schema)
            assert schema["type"] == "object"
        for name, argument in tool.input_schema["properties"].items():
            assert argument["description"], (tool.name, name)
            for example in argument.get("examples", ()):
                assert jsonschema_rs.is_valid(argument, example), (tool.name, name)


async def test_one_name_of_an_argument_has_one_type_everywhere(assistant: Assistant) -> None:
    types: dict[str, set[str]] = {}
    for tool in (await assistant.client.list_tools()).tools:
        for name, argument in tool.input_schema["properties"].items():
            types.setdefault(name, set()).add(str(argument.get("type") or argument["enum"]))
    assert {name: kinds for name, kinds in types.items() if len(kinds) > 1} == {}


async def test_the_list_of_tools_is_small(assistant: Assistant) -> None:
    assert len((await assistant.client.list_tools()).model_dump_json()) < MOST_BYTES


@pytest.mark.parametrize(
    "name,given,said",
    [
        ("publish", {}, 'site is missing. For example: "my-page"'),
        ("publish", {"site": "a", "version": "2"}, "version has to be of the type integer. For example: 2"),
        ("publish", {"site": "a", "version": True}, "version has to be of the type integer"),
        ("publish", {"site": "a", "version": 0}, "version: at least 1"),
        ("publish", {"site": "a", "verison": 2}, "There is no argument verison. Known are: site, version."),
        ("list_sites", {"detail": "all"}, "detail has to be one of 'concise', 'detailed'"),
        ("edit_site", {"site": "a", "edits": [{"path": "a"}]}, "edits[0].find is missing"),
        ("deploy", {}, "Give exactly one of html, files, path, template, blocks; given: none"),
        ("deploy", {"html": "a", "path": "/a"}, "given: html, path"),
        ("deploy", {"path": "a"}, "is not an absolute path"),
        ("deploy", {"path": "/nowhere/at/all"}, "There is nothing at"),
        ("deploy", {"html": "a"}, "cannot be reached"),
        ("undo", {}, "Nothing is remembered"),
        ("list_blocks", {"cursor": "x"}, "not one of this tool"),
        ("list_blocks", {"blocks": ["hreo"]}, "There is no block 'hreo'"),
        ("use_template", {"template": "waitlst"}, "did you mean 'waitlist'?"),
        ("compose_page", {"blocks": [{"block": "hero"}]}, "content.title is required"),
    ],
)
async def test_a_mistake_says_what_to_do_next(
    assistant: Assistant, name: str, given: dict[str, Any], said: str
) -> None:
    assert said in await assistant.mistake(name, **given)


async def test_the_folder_of_the_keys_is_not_put_on_the_web(assistant: Assistant, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path.parent, tmp_path / "credentials.json"):
        if path.suffix:
            path.write_text("{}")
        assert "has the key of this machine in it" in await assistant.mistake("deploy", path=str(path))


async def test_what_is_not_there_is_an_error_of_the_protocol(assistant: Assistant) -> None:
    with pytest.raises(MCPError, match="no tool 'deplyo'"):
        await assistant.client.call_tool("deplyo", {})
    with pytest.raises(MCPError, match="waitlist, contact-form"):
        await assistant.client.get_prompt("nothing")
    with pytest.raises(MCPError, match="no such resource"):
        await assistant.client.read_resource("invoker://nothing")
    with pytest.raises(MCPError, match="Call login first"):
        await assistant.client.read_resource("invoker://sites")


async def test_prompts_and_resources_are_listed(assistant: Assistant) -> None:
    prompts = (await assistant.client.list_prompts()).prompts
    assert [prompt.name for prompt in prompts] == [
        "waitlist",
        "contact-form",
        "event-sign-up",
        "portfolio",
        "feedback-survey",
    ]
    for prompt in prompts:
        filled = await assistant.client.get_prompt(prompt.name, {"about": "a club for tea"})
        content = filled.messages[0].content
        assert isinstance(content, TextContent)
        assert "It is about: a club for tea" in content.text
        assert "other" not in (await assistant.ask("gather_requirements", kind=content.text.split("'")[1]))["kind"]
    assert [each.uri for each in (await assistant.client.list_resources()).resources] == ["invoker://sites"]
    templates = (await assistant.client.list_resource_templates()).resource_templates
    assert [each.uri_template for each in templates] == ["invoker://site/{slug}", "invoker://site/{slug}/submissions"]


async def test_a_page_is_built_from_what_the_lists_name(assistant: Assistant) -> None:
    assert (await assistant.ask("gather_requirements", kind="waitlist"))["template"] == "waitlist"
    styles = await assistant.ask("list_styles")
    block = (await assistant.ask("list_blocks", detail="detailed", blocks=["waitlist_form"]))["blocks"][0]
    given = {
        "blocks": [{"block": block["block"], "content": block["example"]}],
        "style": styles["styles"][-1]["style"],
        "content": {"title": "Tea"},
    }
    short = await assistant.ask("compose_page", **given)
    assert "html" not in short
    long = await assistant.ask("compose_page", **given, detail="detailed")
    assert "{{SUBMIT_URL}}" in long["html"]
    assert len(long["html"].encode()) == short["bytes"]
    assert (await assistant.ask("use_template", template="waitlist"))["bytes"] > 1000


@pytest.mark.parametrize("what", ["blocks", "styles", "templates"])
async def test_long_lists_come_in_pages_that_fit(assistant: Assistant, what: str) -> None:
    rows: list[Any] = []
    given: dict[str, str] = {}
    while True:
        page = await assistant.ask(f"list_{what}", detail="detailed", **given)
        assert len(json.dumps(page, ensure_ascii=False).encode()) < MOST_BYTES
        rows += page[what]
        if page["next_cursor"] is None:
            break
        given = {"cursor": page["next_cursor"]}
    concise = await assistant.ask(f"list_{what}")
    assert concise["next_cursor"] is None
    assert [row[what[:-1]] for row in rows] == [row[what[:-1]] for row in concise[what]]
