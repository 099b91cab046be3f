"""Forms as tests fill them in: bodies of several kinds, what was stored of them, and tokens as old as one likes."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from services.deploy.tokens import BITS, FormTokens, works
from tests.support.deploying import Deploy, deploying
from tests.support.fake_auth import TOKEN
from tests.support.publishing import fetch

BOUNDARY = "----WebKitFormBoundaryAbCdEfGh"
MULTIPART = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def part(name: str, content: bytes, filename: str | None = None, kind: str = "text/plain") -> bytes:
    """Build a part as a browser does: a field, or a file."""
    declared = "" if filename is None else f'; filename="{filename}"'
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{declared}\r\n'
    if filename is not None:
        head += f"Content-Type: {kind}\r\n"
    return head.encode() + b"\r\n" + content + b"\r\n"


def body(*parts: bytes) -> bytes:
    """Put parts together."""
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


async def stored(deploy: Deploy, site: dict[str, Any]) -> Sequence[asyncpg.Record]:
    """Return all that was stored, oldest first, whatever its status."""
    return await fetch(
        deploy,
        "SELECT id, form, status, spam_reason, data::text, files::text, subject, idempotency_key FROM submissions"
        " WHERE deployment_id = $1 ORDER BY created_at, id",
        site["id"],
    )


async def judged(deploy: Deploy, site: dict[str, Any]) -> list[tuple[str, str | None]]:
    """Return status and reason of all that was stored, oldest first."""
    return [(row["status"], row["spam_reason"]) for row in await stored(deploy, site)]


async def ledger(deploy: Deploy, site: dict[str, Any]) -> dict[tuple[str, str, str], int]:
    """Return what was counted of today's posts, by form, outcome and reason."""
    rows = await fetch(
        deploy,
        "SELECT form, outcome, reason, sum(count)::int AS count FROM form_ledger"
        " WHERE deployment_id = $1 GROUP BY 1, 2, 3",
        site["id"],
    )
    return {(row["form"], row["outcome"], row["reason"]): row["count"] for row in rows}


def token(site: dict[str, Any], age: float = 60.0) -> str:
    """Return a token as the service gave it so many seconds ago."""
    return FormTokens(TOKEN, clock=lambda: time.time() - age).issue(site["id"])


def prove(given: str) -> str:
    """Do a token's work as a browser does."""
    challenge = given.rpartition(".")[2]
    return next(str(number) for number in range(2 ** (BITS + 6)) if works(challenge, str(number)))


@asynccontextmanager
async def many_visitors(deploy: Deploy) -> AsyncIterator[Deploy]:
    """Run the service once more, behind a proxy that says who comes."""
    async with deploying(deploy.database_url, deploy.blobs, deploy.auth, deploy.bus, trusted_proxies=1) as running:
        yield running


def visitor(number: int) -> dict[str, str]:
    """Return what the proxy says of the visitor of this number."""
    return {"X-Forwarded-For": f"192.0.{number // 250}.{number % 250 + 1}"}
