"""`submissions`: what forms received, as a list, as CSV, or while it arrives."""

import sys
from typing import Annotated, Any

import typer

from invoker_mcp.api import Api, rows
from invoker_mcp.cli import codes
from invoker_mcp.cli.output import clean, moment
from invoker_mcp.cli.session import Session, command
from invoker_mcp.cli.sites import Site
from invoker_mcp.follow import follow

KINDS = ("accepted", "spam", "test")


def register(app: typer.Typer) -> None:
    """Add this command."""
    command(app, "submissions")(submissions)


async def submissions(
    session: Session,
    site: Site = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Show them while they arrive.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="All of them, as CSV.")] = False,
    status: Annotated[str, typer.Option(help="accepted, spam or test.")] = "accepted",
    form: Annotated[str | None, typer.Option(help="One form's, by its name.")] = None,
    since: Annotated[str | None, typer.Option(help="From this time on, as 2026-01-31T12:00:00Z.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this time.")] = None,
    search: Annotated[str | None, typer.Option("--search", "-q", help="Words that are in it.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="The next_cursor of the page before.")] = None,
) -> None:
    """List what a site's forms received, newest first."""
    if status not in KINDS:
        raise codes.Usage(f"{status} is no status", hint=f"One of {', '.join(KINDS)}.")
    if csv and follow:
        raise codes.Usage("--csv and --follow do not go together")
    chosen = {"status": status, "form": form, "since": since, "until": until, "q": search}
    async with session.api() as api:
        found = await session.site(api, site)
        if csv:
            await _export(api, found, chosen)
        elif follow:
            await _follow(session, api, found, status, form)
        else:
            page = await api.get(f"/submissions/{found}", params={**chosen, "limit": limit, "cursor": cursor})
            _list(session, page)


def _list(session: Session, page: dict[str, Any]) -> None:
    session.output.table(
        page,
        ("When", "Id", "Form", "Answers"),
        [
            (moment(row.get("created_at")), row.get("id"), row.get("form"), _answers(row))
            for row in rows(page, "submissions")
        ],
        empty="Nothing was sent yet.",
    )
    if page.get("next_cursor") and not session.output.as_json:
        session.output.note(f"More: --cursor {page['next_cursor']}", style="dim")


async def _export(api: Api, site: str, chosen: dict[str, Any]) -> None:
    """Pass the file through; a terminal gets it without what would steer it."""
    params = {name: value for name, value in {**chosen, "format": "csv"}.items() if value is not None}
    terminal = sys.stdout.isatty()
    async with api.stream("GET", f"/submissions/{site}/export", params=params) as response:
        async for part in response.aiter_raw():
            if terminal:
                for line in part.decode("utf-8", "replace").splitlines(keepends=True):
                    sys.stdout.write(clean(line.rstrip("\r\n")) + ("\n" if line.endswith("\n") else ""))
            else:
                sys.stdout.buffer.write(part)
    sys.stdout.flush()


async def _follow(session: Session, api: Api, site: str, status: str, form: str | None) -> None:
    session.output.note("Waiting for submissions …", style="dim")
    async for row in follow(api, site, status=status):
        if form is not None and (row.get("form") or "") != form:
            continue
        if session.output.as_json:
            session.output.json(row, indent=None)
        else:
            session.output.result(row, f"{moment(row.get('created_at'))}  {row.get('form') or ''}  {_answers(row)}")
        sys.stdout.flush()


def _answers(row: dict[str, Any]) -> str:
    data = row.get("data")
    return ", ".join(f"{name}: {clean(value)}" for name, value in data.items()) if isinstance(data, dict) else ""
