"""deploy, publish, edit_site: a version is looked at before everybody sees it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoker_mcp.server import arguments, bounds
from invoker_mcp.server.caller import Caller
from invoker_mcp.server.memory import Step
from invoker_mcp.server.resolving import number, picked, site_id, text
from invoker_mcp.server.tool import SETS, WRITES, Answer, Schema, Tool, ToolError

if TYPE_CHECKING:
    from invoker_mcp.api import Api
    from invoker_mcp.deploys import Progress

SOURCES = ("html", "files", "path", "template", "blocks")


async def deploy(caller: Caller, given: dict[str, Any]) -> Answer:
    named = [source for source in SOURCES if source in given]
    if len(named) != 1:
        raise ToolError(f"Give exactly one of {', '.join(SOURCES)}; given: {', '.join(named) or 'none'}")
    if "slug" in given and "site" in given:
        raise ToolError("slug names a new site, site an existing one", "Omit slug: a site keeps its address.")
    if caller.remote and "path" in given:
        raise ToolError("A server over HTTP reads no local files", "Give html or files, or use the server over stdio.")
    site = given.get("site")
    async with caller.api(site=site, anonymous=site is None) as api:
        known = await site_id(api, site) if site else None
        if "path" in given:
            answer = await _from_path(caller, api, known, given)
        else:
            answer = await _from_content(api, known, given)
        anonymous = api.credential is None
    if anonymous and caller.memory and (token := text(answer, "claim_token")):
        for name in ("id", "slug"):
            caller.memory.claims[str(answer.get(name))] = token
    return _previewed(answer, anonymous=anonymous, remote=caller.remote)


async def _from_content(api: Api, site: str | None, given: dict[str, Any]) -> dict[str, Any]:
    from invoker_mcp.api import an_object, segment

    notes: list[dict[str, str]] = []
    if "html" in given or "files" in given:
        body = picked(given, "html", "files")
    else:
        from invoker_mcp.server.tools.building import made

        page = made(given)
        body, notes = {"html": page.html}, [{"code": "page", "message": warning} for warning in page.warnings]
    body |= {"preview": True} | ({"is_spa": given["spa"]} if "spa" in given else {})
    path = f"/deploy/{segment(site)}" if site else "/deploy"
    body |= {"slug": given["slug"]} if "slug" in given else {}
    method = "PUT" if site else "POST"
    answer = an_object(await api.call(method, path, json=body, authenticated=api.credential is not None))
    found = answer.get("warnings")
    return {**answer, "warnings": [*(found if isinstance(found, list) else []), *notes]}


async def _from_path(caller: Caller, api: Api, site: str | None, given: dict[str, Any]) -> dict[str, Any]:
    from invoker_mcp import deploys
    from invoker_mcp.project import Project

    path = await asyncio.to_thread(Path(given["path"]).expanduser)
    if not path.is_absolute():
        raise ToolError(
            f"{given['path']!r} is not an absolute path", "Give it from the root: this server has no folder of yours."
        )
    if not await asyncio.to_thread(path.exists):
        raise ToolError(f"There is nothing at {given['path']!r}", "Correct the path.")
    resolved = await asyncio.to_thread(path.resolve)
    if private := await asyncio.to_thread(keys_in, resolved, api.settings.home):
        raise ToolError(
            f"{given['path']!r} has the key of this machine in it ({private})", "Name the folder of the site alone."
        )
    async with told(caller) as progress:
        made = await deploys.deploy_path(
            api, path, site=site, slug=given.get("slug"), preview=True, spa=given.get("spa"), progress=progress
        )
    if api.credential is None and (token := Project(api.settings, resolved).token(str(made.get("id")))):
        made.setdefault("claim_token", token)
    return made


@asynccontextmanager
async def told(caller: Caller) -> AsyncIterator[Callable[[Progress], None]]:
    """Give what an upload reports to; the client is told twice a second."""
    newest: list[Progress] = []

    async def tell() -> None:
        while True:
            await asyncio.sleep(0.5)
            if newest:
                done = newest.pop()
                newest.clear()
                message = f"{done.files} of {done.of_files} files sent"
                await caller.progress(done.bytes, done.of_bytes, message)

    task = asyncio.create_task(tell())
    try:
        yield newest.append
    finally:
        task.cancel()
        await asyncio.wait({task})


def keys_in(path: Path, home: Path) -> Path | None:
    """Give where this machine's keys are, if that is in what would be put on the web."""
    home = home.expanduser().resolve()
    return home if path == home or path in home.parents or home in path.parents else None


def _previewed(answer: dict[str, Any], *, anonymous: bool, remote: bool) -> Answer:
    data = picked(answer, "id", "slug", "url", "version", "preview_url")
    data["warnings"] = bounds.fitting(answer.get("warnings") or [], 12_000)
    slug, version, count = data.get("slug"), data.get("version"), len(data["warnings"])
    then = f"Show the preview to the user; once they agree, call publish with site {slug!r} and version {version}."
    lines = [f"Version {version} of {slug} is up for review at {data.get('preview_url')}; the live site is as it was."]
    if count:
        lines.append(f"{count} warnings: tell the user of those that matter.")
    if anonymous:
        data |= picked(answer, "claim_url", "expires_at")
        lines.append(
            f"It belongs to nobody and goes at {data.get('expires_at')}, unless claimed at {data.get('claim_url')}."
        )
        if remote:
            then = "Publishing it needs an account: have the user open the claim_url, and send a key with each request."
    data["next_step"] = then
    return Answer(" ".join([*lines, then]), data)


async def publish(caller: Caller, given: dict[str, Any]) -> Answer:
    site = given["site"]
    async with caller.api(site=site) as api:
        known = await site_id(api, site)
        before = number(await api.get(f"/deploy/{known}"), "version")
        version = given.get("version") or await newest(api, known)
        answer = await make_live(api, known, version)
    data = _published(caller, answer, known, before if before != version else None)
    return Answer(f"Version {version} is live at {data.get('url')}.", data)


async def newest(api: Api, site: str) -> int:
    from invoker_mcp.api import rows

    found = rows(await api.get(f"/deploy/{site}/versions", params={"limit": 1}), "versions")
    version = number(found[0], "version") if found else None
    if version is None:
        raise ToolError("The site has no version to publish", "Call deploy with this site first.")
    return version


async def make_live(api: Api, site: str, version: int) -> dict[str, Any]:
    from invoker_mcp.api import an_object

    return an_object(await api.call("POST", f"/deploy/{site}/publish", json={"version": version}, repeatable=True))


async def edit_site(caller: Caller, given: dict[str, Any]) -> Answer:
    from invoker_mcp.api import an_object

    site, preview = given["site"], given.get("preview", False)
    async with caller.api(site=site) as api:
        known = await site_id(api, site)
        before = number(await api.get(f"/deploy/{known}"), "version")
        if before is None:
            hint = "Edits change the live version: publish a version first, or send the page again with deploy."
            raise ToolError("Nothing of this site is live yet", hint)
        body = {"edits": given["edits"], "preview": preview, "if_version": before}
        answer = an_object(await api.call("PATCH", f"/deploy/{known}", json=body))
    if preview:
        return _previewed(answer, anonymous=False, remote=caller.remote)
    data = _published(caller, answer, known, before)
    return Answer(f"{len(given['edits'])} edits are live at {data.get('url')}, as version {data.get('version')}.", data)


def _published(caller: Caller, answer: dict[str, Any], site: str, before: int | None) -> dict[str, Any]:
    data = picked(answer, "id", "slug", "url", "version")
    data["warnings"] = bounds.fitting(answer.get("warnings") or [], 12_000)
    if before is not None:
        step = Step(site=site, version=before)
        if caller.memory:
            caller.memory.steps.append(step)
        data["undo"] = step.arguments
        data["next_step"] = f"undo puts version {before} back."
    return data


TEXT: Schema = {"type": "string"}
UNDO: Schema = {"type": "object", "description": "The arguments with which `undo` takes this back."}
WARNINGS: Schema = {"type": "array", "description": "What the checks found: {code, message, path, line}."}
VERSION_GIVES: dict[str, Schema] = {
    "id": TEXT,
    "slug": TEXT,
    "url": {"type": "string", "description": "Where the live site is."},
    "version": {"type": ["integer", "null"]},
    "preview_url": {"type": ["string", "null"], "description": "Where this version can be looked at."},
    "warnings": WARNINGS,
    "claim_url": {
        "type": "string",
        "description": "Where the user makes a site their own that was made without a key.",
    },
    "expires_at": {"type": ["string", "null"]},
    "undo": UNDO,
    "next_step": TEXT,
}

TOOLS = (
    Tool(
        name="deploy",
        title="Put a page or site up for review",
        what=(
            "Uploads a page or a whole site as a new version, and gives a preview address and warnings; the live site "
            "stays as it is. Takes exactly one of html, files, path, template or blocks; without an account the site "
            "lasts 24 hours and can be claimed."
        ),
        when="Use it for anything that is to be on the web, new or changed, then show the preview and call publish.",
        hints=WRITES,
        takes={
            "html": arguments.HTML,
            "files": arguments.FILES,
            "path": arguments.PATH,
            "template": arguments.TEMPLATE,
            "blocks": arguments.BLOCKS,
            "style": arguments.STYLE,
            "content": arguments.CONTENT,
            "site": {**arguments.SITE, "description": "The site to make a new version of; omit it for a new site."},
            "slug": arguments.SLUG,
            "spa": {"type": "boolean", "default": False, "description": "Unknown paths answer index.html."},
        },
        gives=VERSION_GIVES,
        always=("id", "slug", "version", "warnings", "next_step"),
        run=deploy,
    ),
    Tool(
        name="publish",
        title="Make a version live",
        what="Makes a version of a site the one that visitors see; an older version is a rollback.",
        when="Use it after the user has agreed to a preview, or to go back to an earlier version.",
        hints=SETS,
        takes={
            "site": arguments.SITE,
            "version": {**arguments.VERSION, "description": "Number of the version; omit it for the newest."},
        },
        required=("site",),
        gives=VERSION_GIVES,
        always=("id", "url", "version"),
        run=publish,
    ),
    Tool(
        name="edit_site",
        title="Change the text of a site a little",
        what="Replaces pieces of the live version's text, all or none; it is live at once unless `preview` is true.",
        when="Use it for small corrections instead of sending the page again; get_site with `path` shows the text.",
        hints=WRITES,
        takes={
            "site": arguments.SITE,
            "edits": arguments.EDITS,
            "preview": {
                "type": "boolean",
                "default": False,
                "description": "Only make a preview. Each such preview begins at the live version.",
            },
        },
        required=("site", "edits"),
        gives=VERSION_GIVES,
        always=("id", "version"),
        run=edit_site,
    ),
)
