"""`login`, `logout`, `whoami`, `logs`: who the person is, and what happened to the account."""

from typing import Annotated, Any

import typer

from invoker_mcp import login
from invoker_mcp.api import Api, rows
from invoker_mcp.cli.output import moment
from invoker_mcp.cli.session import Session, command
from invoker_mcp.credentials import Credential, stamp
from invoker_mcp.login import Started
from invoker_mcp.settings import Settings


def register(app: typer.Typer) -> None:
    """Add these commands."""
    command(app, "login")(log_in)
    command(app, "logout")(log_out)
    command(app, "whoami")(who)
    command(app, "logs")(logs)


async def log_in(
    session: Session,
    *,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address instead.")] = False,
) -> None:
    """Log in by email, in a browser here or anywhere; the key is kept on this machine."""
    output = session.output
    async with Api(session.settings, client="invoker-cli") as api:
        started = await login.start(api, client="Invoker CLI")
        opened = not no_browser and login.open_browser(started.login_url, session.settings)
        output.note(f"{'Your browser shows' if opened else 'Open'} {started.login_url}")
        output.note(f"Code: {started.user_code}", style="bold")
        credential = await _waited(session, api, started)
    output.result(
        _shown(session.settings, credential),
        f"Logged in as {credential.email}.",
        f"The key {credential.hint} is kept in {_place(session.settings, credential)}.",
    )
    if session.settings.api_key:
        output.note("INVOKER_API_KEY is set, and goes before this key.", style="yellow")


async def _waited(session: Session, api: Api, started: Started) -> Credential:
    if session.output.as_json or not session.output.err.is_terminal:
        session.output.note("Waiting for your approval …")
        return await login.wait(api, started)
    with session.output.err.status("Waiting for your approval …"):
        return await login.wait(api, started)


async def log_out(session: Session) -> None:
    """Revoke the key of the login, and forget it."""
    async with Api(session.settings, client="invoker-cli") as api:
        was = await login.log_out(api)
    session.output.result({"logged_out": was}, "Logged out." if was else "You were not logged in.")
    if session.settings.api_key:
        session.output.note("INVOKER_API_KEY is still set.", style="yellow")


async def who(session: Session) -> None:
    """Show whose key is used, and where it came from."""
    async with session.api() as api:
        me = await api.get("/auth/me")
        credential = api.credential
    assert credential is not None  # noqa: S101 - or there would be no answer
    usage = me["usage"] if isinstance(me.get("usage"), dict) else {}
    session.output.result(
        {**me, **_shown(session.settings, credential, me)},
        f"{me.get('email')} ({me.get('plan')} plan)",
        f"Key {credential.hint} from {_place(session.settings, credential)}",
        f"{usage.get('deployments')} of {usage.get('limit')} sites at {session.settings.api_url}",
    )


async def logs(
    session: Session,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="The next_cursor of the page before.")] = None,
) -> None:
    """List what happened to the account: logins, keys, publishes, deletes."""
    async with session.api() as api:
        page = await api.get("/audit", params={"limit": limit, "cursor": cursor})
    session.output.table(
        page,
        ("When", "What", "By", "From", "Detail"),
        [
            (moment(row.get("at")), row.get("action"), row.get("actor"), row.get("ip"), row.get("detail"))
            for row in rows(page, "events")
        ],
        empty="Nothing happened yet.",
    )


def _place(settings: Settings, credential: Credential) -> str:
    return {
        "flag": "--api-key",
        "environment": "INVOKER_API_KEY",
        "keyring": "the keyring",
        "file": str(settings.credentials_file),
        "claim": "a claim",
    }[credential.source]


def _shown(settings: Settings, credential: Credential, me: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what programs are told of a credential: everything but the key. What the API says goes before."""
    kept = {"id": credential.key_id, "expires_at": stamp(credential.expires_at)}
    said = (me or {}).get("credential")
    said = said if isinstance(said, dict) else {}
    return {
        "api_url": settings.api_url,
        "email": (me or {}).get("email") or credential.email,
        "key": {"hint": credential.hint, "source": credential.source, **kept, **said},
    }
