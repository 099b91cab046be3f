"""`keys`: the account's keys."""

import re
from datetime import timedelta
from typing import Annotated, Any

import typer

from invoker_mcp import credentials, renewal
from invoker_mcp.api import an_object, rows, segment
from invoker_mcp.cli import codes
from invoker_mcp.cli.output import moment
from invoker_mcp.cli.session import Session, command

app = typer.Typer(help="List, create, rotate and revoke keys.", no_args_is_help=True)
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "": 1}
Id = Annotated[str, typer.Argument(help="The key's id, key_…")]


@command(app, "list")
async def list_keys(
    session: Session, *, every: Annotated[bool, typer.Option("--all", help="Revoked and expired ones too.")] = False
) -> None:
    """List keys, newest first."""
    async with session.api() as api:
        page = await api.get("/keys", params={"limit": 200, "state": "all" if every else None})
    session.output.table(
        page,
        ("Id", "Name", "Key", "Scopes", "Site", "Last used", "Expires"),
        [
            (
                row.get("id"),
                row.get("name"),
                row.get("hint"),
                ", ".join(map(str, row.get("scopes") or [])),
                row.get("site"),
                moment(row.get("last_used_at")),
                moment(row.get("expires_at")),
            )
            for row in rows(page, "keys")
        ],
        empty="There are no keys.",
    )


@command(app, "create")
async def create(
    session: Session,
    name: Annotated[str | None, typer.Option(help="Where it will be used.")] = None,
    scope: Annotated[list[str] | None, typer.Option(help="deploy, read, submissions, webhooks, keys or full.")] = None,
    site: Annotated[str | None, typer.Option(help="The one site that it may touch.")] = None,
    expires_in: Annotated[str | None, typer.Option(help="Such as 90d, 12h, 30m.")] = None,
) -> None:
    """Create a key, and print it: nothing shows it again."""
    body = {"name": name, "scopes": scope, "site": site, "expires_in": seconds(expires_in) if expires_in else None}
    async with session.api() as api:
        asked = {field: value for field, value in body.items() if value}
        made = an_object(await api.call("POST", "/keys", json=asked))
    _show_new(session, made)


@command(app, "rotate")
async def rotate(
    session: Session,
    key: Id,
    grace: Annotated[str, typer.Option(help="How long the old one goes on working, at most 24h.")] = "0s",
    expires_in: Annotated[str | None, typer.Option(help="A new life, such as 90d.")] = None,
) -> None:
    """Replace a key by a new one, and print it. That of your login is kept instead."""
    async with session.api() as api:
        kept = api.credential
        if kept and kept.key_id == key and kept.source in {"file", "keyring"}:
            await renewal.rotate(api, grace=timedelta(seconds=seconds(grace)))
            assert api.credential is not None  # noqa: S101 - it was there before
            session.output.result({"id": api.credential.key_id}, f"Your login has the key {api.credential.hint} now.")
            return
        body: dict[str, Any] = {"grace_seconds": seconds(grace)}
        body |= {"expires_in": seconds(expires_in)} if expires_in else {}
        made = an_object(await api.call("POST", f"/keys/{segment(key)}/rotate", json=body))
    _show_new(session, made)


@command(app, "revoke")
async def revoke(session: Session, key: Id) -> None:
    """End a key, everywhere and at once."""
    async with session.api() as api:
        own = api.credential is not None and api.credential.key_id == key
        said = await api.call("DELETE", f"/keys/{segment(key)}")
    if own:
        credentials.forget(session.settings)
    session.output.result(said, f"{key} is revoked." + (" You are logged out." if own else ""))


def seconds(text: str) -> int:
    """Return a time such as 90d in seconds."""
    found = re.fullmatch(r"([0-9]{1,9})([smhd]?)", text.strip().lower())
    if found is None:
        raise codes.Usage(f"{text} is no time", hint="Such as 90d, 12h, 30m or 3600.")
    return int(found[1]) * UNITS[found[2]]


def _show_new(session: Session, made: dict[str, Any]) -> None:
    session.output.result(made, str(made.get("key")))
    if not session.output.as_json:
        session.output.note(f"{made.get('id')}: keep it somewhere safe, nothing shows it again.", style="yellow")
