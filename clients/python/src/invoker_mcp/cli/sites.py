"""`sites`, `open`, `rm`: the sites that there are."""

import sys
from typing import Annotated, Any

import typer

from invoker_mcp import login, sites
from invoker_mcp.api import rows
from invoker_mcp.cli import codes
from invoker_mcp.cli.output import moment
from invoker_mcp.cli.session import Session, command
from invoker_mcp.errors import ClientError
from invoker_mcp.settings import is_web_page

Site = Annotated[str | None, typer.Argument(help="Slug or id; without it, the site made last from this folder.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    command(app, "sites")(list_sites)
    command(app, "open")(open_site)
    command(app, "rm")(remove)


async def list_sites(
    session: Session, *, deleted: Annotated[bool, typer.Option("--deleted", help="Those that can be restored.")] = False
) -> None:
    """List your sites, newest first."""
    found: list[dict[str, Any]] = []
    async with session.api() as api:
        cursor: Any = None
        for _ in range(sites.MOST_PAGES):
            params = {"limit": 200, "cursor": cursor, "status": "deleted" if deleted else None}
            page = await api.get("/deploy", params=params)
            found += rows(page, "deployments")
            if not isinstance(cursor := page.get("next_cursor"), str):
                break
    session.output.table(
        {"deployments": found},
        ("Slug", "Status", "Live", "Received", "Updated", "Address"),
        [
            (
                row.get("slug"),
                row.get("status"),
                row.get("version"),
                row.get("submission_count"),
                moment(row.get("updated_at"))[:10],
                row.get("url"),
            )
            for row in found
        ],
        empty="You have no sites yet: invoker deploy PATH makes one.",
    )


async def open_site(
    session: Session,
    site: Site = None,
    *,
    preview: Annotated[bool, typer.Option("--preview", help="The live version's own address.")] = False,
) -> None:
    """Open a site in the browser."""
    async with session.api() as api:
        found = await sites.find(api, await session.site(api, site))
    url = found.get("preview_url" if preview else "url")
    if not is_web_page(url):
        raise ClientError("The site has no address that a browser can open")
    opened = login.open_browser(url, session.settings)
    session.output.result({"url": url, "opened": opened}, url)


async def remove(
    session: Session,
    site: Annotated[str, typer.Argument(help="Slug or id.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Take a site down. For seven days it can be restored."""
    async with session.api() as api:
        found = await sites.find(api, site)
        if not yes:
            if not sys.stdin.isatty():
                raise codes.Usage(f"Delete {found.get('slug')}?", hint="Say --yes where nobody can be asked.")
            typer.confirm(f"Delete {found.get('slug')}?", abort=True, err=True)
        gone = await api.call("DELETE", f"/deploy/{found['id']}")
    until = moment(gone.get("restore_until") if isinstance(gone, dict) else None)
    session.output.result(gone, f"{found.get('slug')} is down. It can be restored until {until}.")
