"""`webhooks`: addresses that are told of each submission."""

from typing import Annotated, Any

import typer

from invoker_mcp.api import an_object, rows, segment
from invoker_mcp.cli.output import moment
from invoker_mcp.cli.session import Session, command

app = typer.Typer(help="List, add, remove and test webhooks, and see their deliveries.", no_args_is_help=True)
Site = Annotated[str, typer.Argument(help="The site's slug or id.")]
Id = Annotated[str, typer.Argument(help="The webhook's id, wh_…")]


@command(app, "list")
async def list_webhooks(session: Session, site: Site) -> None:
    """List a site's webhooks, newest first."""
    async with session.api() as api:
        page = await api.get(f"/webhooks/{segment(await session.site(api, site))}")
    session.output.table(
        page,
        ("Id", "Type", "State", "Waiting", "Address"),
        [
            (
                row.get("id"),
                row.get("type"),
                "on" if row.get("active") else f"off: {row.get('disabled_why') or 'switched off'}",
                row.get("pending"),
                row.get("url"),
            )
            for row in rows(page, "webhooks")
        ],
        empty="The site has no webhooks.",
    )


@command(app, "add")
async def add(
    session: Session,
    site: Site,
    url: Annotated[str, typer.Argument(help="Where submissions are sent.")],
    kind: Annotated[str | None, typer.Option("--type", help="generic, slack or discord.")] = None,
) -> None:
    """Add a webhook, and print the secret of its signatures: nothing shows it again."""
    body = {"url": url, **({"type": kind} if kind else {})}
    async with session.api() as api:
        path = f"/webhooks/{segment(await session.site(api, site))}"
        made = an_object(await api.call("POST", path, json=body))
    secret = [f"Secret: {made['secret']}"] if made.get("secret") else []
    session.output.result(made, f"{made.get('id')} ({made.get('type')}) is told of submissions.", *secret)


@command(app, "rm")
async def remove(session: Session, site: Site, webhook: Id) -> None:
    """Remove a webhook and what waits for it."""
    async with session.api() as api:
        said = await api.call("DELETE", f"/webhooks/{segment(await session.site(api, site))}/{segment(webhook)}")
    session.output.result(said, f"{webhook} is removed.")


@command(app, "test")
async def test(session: Session, site: Site, webhook: Id) -> None:
    """Send one marked submission to this webhook, and say what it answered."""
    async with session.api() as api:
        path = f"/webhooks/{segment(await session.site(api, site))}/{segment(webhook)}/test"
        said = an_object(await api.call("POST", path))
    session.output.result(said, _outcome(said.get("delivery")))


@command(app, "deliveries")
async def deliveries(
    session: Session,
    site: Site,
    webhook: Id,
    status: Annotated[str | None, typer.Option(help="pending, delivered or failed.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 50,
) -> None:
    """List every attempt of a webhook, newest first."""
    async with session.api() as api:
        path = f"/webhooks/{segment(await session.site(api, site))}/{segment(webhook)}/deliveries"
        page = await api.get(path, params={"status": status, "limit": limit})
    session.output.table(
        page,
        ("When", "Delivery", "Attempt", "Outcome", "State", "Next"),
        [
            (
                moment(row.get("at")),
                row.get("delivery_id"),
                row.get("attempt"),
                _outcome(row),
                row.get("state"),
                moment(row.get("next_at")) if row.get("next_at") else "",
            )
            for row in rows(page, "deliveries")
        ],
        empty="Nothing was delivered in the last 30 days.",
    )


def _outcome(delivery: Any) -> str:
    if not isinstance(delivery, dict):
        return "There was no answer yet."
    if delivery.get("status") is None:
        return str(delivery.get("error") or "not sent yet")
    taken = delivery.get("latency_ms")
    return f"{delivery['status']}" + (f" in {taken:.0f} ms" if isinstance(taken, int | float) else "")
