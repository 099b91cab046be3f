"""The operator's commands: `python -m services.deploy takedown …`, `reinstate`, `reports`, `trust`."""

from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from services.deploy.changed import Changes
from services.deploy.config import Config
from services.deploy.live import LiveSites
from services.deploy.replicas import Replicas
from services.deploy.reports import REASONS, Report
from services.deploy.service.moderation import Moderation
from services.deploy.service.telling import Telling
from shared import db, http
from shared.main import Command

_SITE: Final = "slug, id (dep_…), domain, or the address of a page"


@asynccontextmanager
async def moderating(config: Config) -> AsyncIterator[Moderation]:
    """Open what a command needs; the running replicas are told what it changes. Raise StaleSchema."""
    async with db.pool(config.database_url.get_secret_value(), "deploy", size=2) as pool:
        await db.check_schema(pool, "deploy")
        # not one of the replicas itself: it only tells them
        changes = Changes(LiveSites(pool), Replicas(pool, ""), config)
        try:
            yield Moderation(pool, partial(db.transaction, pool), Telling(changes), config)
        finally:
            await changes.close()


def _takedown(parser: ArgumentParser) -> None:
    parser.add_argument("site", help=_SITE)
    parser.add_argument("--reason", required=True, help="what its owner is told")


async def takedown(config: Config, given: Namespace) -> str:
    async with moderating(config) as moderation:
        site = await moderation.take_down(given.site, given.reason)
    told = f"{site.email} is told why" if site.email else "it has no owner who could be told"
    return f"{site.slug} ({site.id}) is down: visitors get 451, its forms are closed, and {told}."


def _reinstate(parser: ArgumentParser) -> None:
    parser.add_argument("site", help=_SITE)


async def reinstate(config: Config, given: Namespace) -> str:
    async with moderating(config) as moderation:
        site = await moderation.reinstate(given.site)
    return f"{site.slug} ({site.id}) is up again."


def _reports(parser: ArgumentParser) -> None:
    parser.add_argument("--handled", metavar="ID", action="append", default=[], help="note that this one is dealt with")


async def reports(config: Config, given: Namespace) -> str:
    async with moderating(config) as moderation:
        for report_id in given.handled:
            await moderation.handle(report_id)
        return listed(await moderation.open_reports())


def listed(found: Iterable[Report]) -> str:
    """Show reports to a person at a terminal: what visitors wrote keeps to its line, and moves no cursor."""
    lines = [
        f"{report.id}  {http.timestamp(report.created_at)}  {report.slug or '(no site)'}  {_plain(report.url)}\n"
        f"    {REASONS.get(report.reason, report.reason)}"
        + (f"\n    {_plain(report.details)}" if report.details else "")
        + (f"\n    from {_plain(report.reporter)}" if report.reporter else "")
        for report in found
    ]
    return "\n".join(lines) or "No open reports."


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def _trust(parser: ArgumentParser) -> None:
    parser.add_argument("account", help="its id (acc_…)")


async def trust(config: Config, given: Namespace) -> str:
    async with moderating(config) as moderation:
        await moderation.trust(given.account)
    return f"Pages of {given.account} that ask for passwords or cards go live at once from now on."


COMMANDS: Final = (
    Command("takedown", "take a site down everywhere", _takedown, takedown),
    Command("reinstate", "put a site back that was taken down", _reinstate, reinstate),
    Command("reports", "list what visitors reported, oldest first", _reports, reports),
    Command("trust", "let an account's pages ask for passwords", _trust, trust),
)
