"""The operator's commands: `python -m services.mailer suppressed`, `suppress ADDRESS`, `lift ADDRESS`."""

from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from services.mailer.config import Config
from services.mailer.service import LISTED, Suppressions
from shared import db, http
from shared.main import Command


@asynccontextmanager
async def opened(config: Config) -> AsyncIterator[Suppressions]:
    """Open what a command needs; the running mailers send what it says. Raise StaleSchema."""
    async with db.pool(config.database_url.get_secret_value(), "mailer", size=2) as pool:
        await db.check_schema(pool, "mailer")
        yield Suppressions(pool, partial(db.transaction, pool))


def _suppressed(parser: ArgumentParser) -> None:
    """It takes nothing."""


async def suppressed(config: Config, _given: Namespace) -> str:
    async with opened(config) as suppressions:
        found = await suppressions.all()
    lines = [f"{each.email}  {each.reason}  {http.timestamp(each.at)}  {each.detail}".rstrip() for each in found]
    if len(lines) == LISTED:
        lines.append(f"(the latest {LISTED:,})")
    return "\n".join(lines) or "No address is suppressed."


def _address(parser: ArgumentParser) -> None:
    parser.add_argument("address")


def _suppress(parser: ArgumentParser) -> None:
    _address(parser)
    parser.add_argument("--kind", choices=("bounce", "complaint"), default="bounce")
    parser.add_argument("--detail", default="by the operator", help="what owners of sites see as the reason")


async def suppress(config: Config, given: Namespace) -> str:
    async with opened(config) as suppressions:
        new = await suppressions.suppress(given.address, given.kind, given.detail[:200])
    return f"{given.address} gets no mails." if new else f"{given.address} has got no mails before this."


async def lift(config: Config, given: Namespace) -> str:
    async with opened(config) as suppressions:
        await suppressions.lift(given.address)
    return f"{given.address} gets mails again."


COMMANDS: Final = (
    Command("suppressed", "list the addresses that get no mails", _suppressed, suppressed),
    Command("suppress", "let an address get no mails", _suppress, suppress),
    Command("lift", "let an address get mails again", _address, lift),
)
