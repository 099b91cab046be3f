"""`deploy`, `publish`, `rollback`: what is live."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from invoker_mcp import ignore
from invoker_mcp.api import Api, an_object, rows
from invoker_mcp.cli.output import size, warnings
from invoker_mcp.cli.session import Session, command
from invoker_mcp.cli.sites import Site
from invoker_mcp.deploys import OnProgress, Progress, deploy_path
from invoker_mcp.errors import ClientError

#: How often a watched folder is looked at, and how long it has to be still before it is deployed.
LOOK = 0.4

#: When each file was changed, and its size.
State = dict[str, tuple[int, int]]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    command(app, "deploy")(deploy)
    command(app, "publish")(publish)
    command(app, "rollback")(rollback)


async def deploy(
    session: Session,
    path: Annotated[Path, typer.Argument(exists=True, help="A folder, or one file.")] = Path(),
    *,
    site: Annotated[str | None, typer.Option(help="The site to replace: slug or id.")] = None,
    slug: Annotated[str | None, typer.Option(help="The name in the address: a site of yours, or a new one.")] = None,
    title: Annotated[str | None, typer.Option(help="For pages that have none.")] = None,
    spa: Annotated[bool | None, typer.Option("--spa/--no-spa", help="Unknown paths answer index.html.")] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Leave the live site as it is.")] = False,
    anonymous: Annotated[bool, typer.Option("--anonymous", help="Nobody's, for 24 hours.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Deploy again whenever a file changes.")] = False,
) -> None:
    """Put a folder or a file live; files that the API has are not sent again.

    Without --site and --slug it is the site made last from this folder (.invoker.json), else a new one.
    What .invokerignore names is left out.
    """
    wishes: dict[str, Any] = {"site": site, "slug": slug, "title": title, "preview": preview, "spa": spa}
    # Taken before: what changes while it is deployed is a change.
    state = await asyncio.to_thread(_state, path) if watch else {}
    async with session.api(anonymous=anonymous) as api:
        await _once(session, api, path, wishes)
        if watch:
            wishes |= {"slug": None}  # its site is known by now
            session.output.note(f"Watching {path} …", style="dim")
            async for _ in changes(path, state):
                try:
                    await _once(session, api, path, wishes)
                except ClientError as error:
                    session.output.failure(error)


async def _once(session: Session, api: Api, path: Path, wishes: dict[str, Any]) -> None:
    with _bars(session) as progress:
        made = await deploy_path(api, path, progress=progress, **wishes)
    sent = f"{made['sent']} files, {size(made['sent_bytes'])} sent" if made["sent"] else "nothing had to be sent"
    live = made.get("live") is True
    lines = [str(made.get("url") if live else made.get("preview_url"))]
    session.output.result(made, *lines)
    if session.output.as_json:
        return
    for warning in warnings(rows(made, "warnings")):
        session.output.note(warning, style="yellow")
    session.output.note(f"Version {made.get('version')} is {'live' if live else 'a preview'} ({sent}).", style="green")
    if not live:
        session.output.note(f"Put it live: invoker publish {made.get('slug')} --version {made.get('version')}")
    if made.get("claim_url"):
        session.output.note(f"It is nobody's until {made.get('expires_at')}. Make it yours: {made['claim_url']}")


@contextmanager
def _bars(session: Session) -> Iterator[OnProgress | None]:
    """Give what draws bytes and files while they are sent; nothing where nobody looks."""
    if session.output.as_json or not session.output.err.is_terminal:
        yield None
        return
    from rich import progress as bars

    columns = (
        bars.TextColumn("Sending"),
        bars.BarColumn(),
        bars.DownloadColumn(binary_units=True),
        bars.TransferSpeedColumn(),
        bars.TextColumn("{task.fields[files]}"),
    )
    with bars.Progress(*columns, console=session.output.err, transient=True) as drawn:
        task = drawn.add_task("", total=None, files="", visible=False)

        def tell(now: Progress) -> None:
            files = f"{now.files}/{now.of_files} files"
            drawn.update(task, completed=now.bytes, total=now.of_bytes, files=files, visible=True)

        yield tell


async def changes(path: Path, deployed: State) -> AsyncIterator[None]:
    """Give a turn each time that something changed and then was still."""
    seen = deployed
    while True:
        await asyncio.sleep(LOOK)
        now = await asyncio.to_thread(_state, path)
        if now == seen != deployed:
            deployed = now
            yield
        seen = now


def _state(path: Path) -> State:
    """Return what can be seen of changes without reading files."""
    try:
        files = ignore.files_of(path) if path.is_dir() else {path.name: path}
    except ClientError:
        return {}
    found = {}
    for name, file in files.items():
        try:
            status = file.stat()
        except OSError:
            continue
        found[name] = (status.st_mtime_ns, status.st_size)
    return found


async def publish(
    session: Session,
    site: Site = None,
    version: Annotated[int | None, typer.Option(min=1, help="Without it, the newest.")] = None,
) -> None:
    """Put a preview live, or any version."""
    async with session.api() as api:
        found = await session.site(api, site)
        if version is None:
            newest = rows(await api.get(f"/deploy/{found}/versions", params={"limit": 1}), "versions")
            version = _number(newest[0]) if newest else 1
        await _publish(session, api, found, version)


async def rollback(
    session: Session,
    site: Site = None,
    version: Annotated[int | None, typer.Option(min=1, help="Without it, what was live before.")] = None,
) -> None:
    """Put the version live that was live before."""
    async with session.api() as api:
        found = await session.site(api, site)
        if version is None:
            listed = rows(await api.get(f"/deploy/{found}/versions", params={"limit": 200}), "versions")
            earlier = [row for row in listed if row.get("published_at") and not row.get("live")]
            if not earlier:
                raise ClientError("Nothing was live before", hint="invoker publish SITE --version N names a version.")
            version = _number(max(earlier, key=lambda row: str(row["published_at"])))
        await _publish(session, api, found, version)


async def _publish(session: Session, api: Api, site: str, version: int) -> None:
    made = an_object(await api.call("POST", f"/deploy/{site}/publish", json={"version": version}))
    session.output.result(made, str(made.get("url")))
    if not session.output.as_json:
        for warning in warnings(rows(made, "warnings")):
            session.output.note(warning, style="yellow")
        session.output.note(f"Version {made.get('version')} is live.", style="green")


def _number(version: dict[str, Any]) -> int:
    number = version.get("version")
    return number if isinstance(number, int) else 1
