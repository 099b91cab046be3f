"""A login's key ends after 90 days and is replaced from day 60 on: nobody is logged out in mid-sentence."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from invoker_mcp import credentials, locks
from invoker_mcp.api import Api, an_object, segment
from invoker_mcp.credentials import Credential, moment
from invoker_mcp.errors import ClientError

LIFE = timedelta(days=90)
#: How long before its end a key is replaced: from day 60 on.
LEFT = timedelta(days=30)
#: For other processes that hold the old key.
GRACE = timedelta(hours=24)


def due(credential: Credential | None, now: datetime | None = None) -> bool:
    """Whether a key is a login's, and old enough: without an end of its own its age counts."""
    if credential is None or credential.source not in {"file", "keyring"} or credential.key_id is None:
        return False
    ends = credential.expires_at or (credential.created_at + LIFE if credential.created_at else None)
    now = now or datetime.now(UTC)
    return ends is not None and ends - LEFT <= now and (credential.expires_at is None or now < credential.expires_at)


def start(api: Api) -> asyncio.Task[None] | None:
    """Replace the key in the background if it is due; hold the task, and await or cancel it at the end."""
    return asyncio.create_task(_renew(api)) if due(api.credential) else None


async def _renew(api: Api) -> None:
    """Replace the key, or take the one that another process has replaced it by. The next use tries again what fails."""
    try:
        with locks.held(api.settings.home / "renewal.lock", within=0):
            kept = credentials.saved(api.settings)
            if due(kept):
                api.credential = kept
                await rotate(api)
            elif kept is not None:
                api.credential = kept
    except ClientError:
        return


async def rotate(api: Api, *, grace: timedelta = GRACE) -> None:
    """Replace the saved key by one with a whole life before it."""
    old = api.credential
    if old is None or old.key_id is None:
        return
    body = {"grace_seconds": int(grace.total_seconds()), "expires_in": int(LIFE.total_seconds())}
    said = an_object(await api.call("POST", f"/keys/{segment(old.key_id)}/rotate", json=body))
    key, key_id = said.get("key"), said.get("id")
    if not isinstance(key, str) or not isinstance(key_id, str):
        return
    new = replace(
        old,
        key=credentials.usable(key),
        key_id=key_id,
        created_at=moment(said.get("created_at")) or datetime.now(UTC),
        expires_at=moment(said.get("expires_at")),
    )
    api.credential = new
    if not credentials.replace(api.settings, old, new):
        # Logged out meanwhile, or in again: what nobody keeps must not work on.
        await api.call("POST", "/auth/logout")
        api.credential = credentials.saved(api.settings)
