"""list_sites, get_site, delete_site."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

from invoker_mcp.server import arguments, bounds
from invoker_mcp.server.caller import Caller
from invoker_mcp.server.memory import Step
from invoker_mcp.server.resolving import site_id, text
from invoker_mcp.server.tool import DESTROYS, READS, Answer, Schema, Tool, ToolError

if TYPE_CHECKING:
    from invoker_mcp.api import Api

SHORT = (
    "id",
    "slug",
    "url",
    "preview_url",
    "status",
    "title",
    "version",
    "submission_count",
    "updated_at",
    "expires_at",
)
MOST_ARCHIVE, MOST_FILE = 64 * 1024 * 1024, 4 * 1024 * 1024


async def list_sites(caller: Caller, given: dict[str, Any]) -> Answer:
    async with caller.api() as api:
        shown, after = await sites_page(api, given.get("cursor"), detailed=given.get("detail") == "detailed")
    lines = [f"- {row.get('slug')} ({row.get('status')}): {row.get('url')}" for row in shown[:20]]
    more = "There are more: call again with the cursor." if after else ""
    return Answer(
        "\n".join([f"{len(shown)} sites, newest first. {more}", *lines]), {"sites": shown, "next_cursor": after}
    )


async def sites_page(api: Api, cursor: str | None, *, detailed: bool) -> tuple[list[dict[str, Any]], str | None]:
    """Fetch a page of sites that fits an answer, and where to go on."""
    from invoker_mcp.api import rows

    async def fetch(limit: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        answer = await api.get("/deploy", params={"limit": limit, "cursor": cursor})
        found = rows(answer, "deployments")
        return [row if detailed else short(row) for row in found], answer

    found, rest = await bounds.page(fetch)
    return found, text(rest, "next_cursor")


def short(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in SHORT if row.get(name) is not None}


async def get_site(caller: Caller, given: dict[str, Any]) -> Answer:
    site = given["site"]
    async with caller.api(site=site) as api:
        known = await site_id(api, site)
        if "path" in given:
            return await _file(api, known, given)
        row, detailed = await api.get(f"/deploy/{known}"), given.get("detail") == "detailed"
        data = {"site": bounds.fitting(row if detailed else short(row), 16_000)}
        if detailed:
            data |= await _versions(api, known, given.get("cursor"))
    where = f"at {row.get('url')}" if row.get("version") else f"a draft, to be seen at {row.get('preview_url')}"
    counts = f"version {row.get('version')}, {row.get('submission_count')} submissions"
    return Answer(f"{row.get('slug')} is {row.get('status')}, {where}; {counts}.", data)


async def _versions(api: Api, site: str, cursor: str | None) -> dict[str, Any]:
    from invoker_mcp.api import rows

    answer = await api.get(f"/deploy/{site}/versions", params={"limit": 20, "cursor": cursor})
    return {"versions": bounds.fitting(rows(answer, "versions"), 16_000), "next_cursor": text(answer, "next_cursor")}


async def _file(api: Api, site: str, given: dict[str, Any]) -> Answer:
    """Read one file of the live version, out of its archive: the API gives no single files."""
    body = bytearray()
    async with api.stream("GET", f"/deploy/{site}/archive") as response:
        async for part in response.aiter_bytes():
            body += part
            if len(body) > MOST_ARCHIVE:
                raise ToolError("The site's archive is too large to read a file from", "Download it with `invoker`.")
    path = given["path"].strip("/")
    content = _unpacked(bytes(body), path)
    piece, after = bounds.piece(content, given.get("cursor"))
    more = " There is more: call again with the cursor." if after else ""
    return Answer(f"{path}, {len(content)} characters.{more}", {"path": path, "content": piece, "next_cursor": after})


def _unpacked(archive: bytes, path: str) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            names = opened.namelist()
            if path not in names:
                raise ToolError(f"The live version has no file {path!r}", f"It has: {', '.join(names[:50])}")
            if opened.getinfo(path).file_size > MOST_FILE:
                raise ToolError(f"{path!r} is too large to be shown", "Replace it with deploy.")
            return opened.read(path).decode()
    except UnicodeDecodeError as error:
        raise ToolError(f"{path!r} is not text", "Replace it with deploy.") from error
    except zipfile.BadZipFile as error:
        raise ToolError("The API gave an archive that cannot be read", "Try again.") from error


async def delete_site(caller: Caller, given: dict[str, Any]) -> Answer:
    from invoker_mcp.api import an_object

    site = given["site"]
    async with caller.api(site=site) as api:
        known = await site_id(api, site)
        answer = an_object(await api.call("DELETE", f"/deploy/{known}"))
        step = Step(site=known)
    if caller.memory:
        caller.memory.steps.append(step)
    until = text(answer, "restore_until")
    data = {"id": known, "restore_until": until, "undo": step.arguments, "next_step": "undo brings it back."}
    return Answer(f"{site} is down. Until {until} undo brings it back, at the same address.", data)


MORE: Schema = {"type": ["string", "null"], "description": "The cursor for the rest; null at the end."}
TEXT: Schema = {"type": "string"}
LIST: Schema = {"type": "array", "items": {"type": "object"}}

TOOLS = (
    Tool(
        name="list_sites",
        title="List sites",
        what="Lists the account's sites, newest first, with address, state, live version and number of submissions.",
        when="Use it when the user speaks of a site without its name, or asks what they have.",
        hints=READS,
        takes={"cursor": arguments.CURSOR, "detail": arguments.DETAIL},
        gives={"sites": LIST, "next_cursor": MORE},
        always=("sites", "next_cursor"),
        run=list_sites,
    ),
    Tool(
        name="get_site",
        title="Show a site",
        what="Shows one site; `detailed` adds settings and versions, `path` gives the text of a file that is live.",
        when="Use it before edit_site to see the text, or before publish to see which versions there are.",
        hints=READS,
        takes={
            "site": arguments.SITE,
            "path": {**arguments.PATH, "description": "A file of the site to read.", "examples": ["index.html"]},
            "cursor": arguments.CURSOR,
            "detail": arguments.DETAIL,
        },
        required=("site",),
        gives={"site": {"type": "object"}, "versions": LIST, "path": TEXT, "content": TEXT, "next_cursor": MORE},
        run=get_site,
    ),
    Tool(
        name="delete_site",
        title="Delete a site",
        what="Takes a site down; for seven days undo brings it back.",
        when="Use it only when the user asks for exactly this site to go.",
        hints=DESTROYS,
        takes={"site": arguments.SITE},
        required=("site",),
        gives={
            "id": TEXT,
            "restore_until": {"type": ["string", "null"]},
            "undo": {"type": "object"},
            "next_step": TEXT,
        },
        always=("id", "undo"),
        run=delete_site,
    ),
)
