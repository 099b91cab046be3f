"""Login by email: a session that a browser approves, a key that comes once, and a file that keeps it."""

import asyncio
import hashlib
import inspect
import os
import re
import secrets
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from invoker_mcp import __version__, credentials, renewal
from invoker_mcp.api import Api, an_object
from invoker_mcp.credentials import Credential, moment
from invoker_mcp.errors import ApiError, ClientError, NotLoggedIn, Unreachable
from invoker_mcp.settings import Settings, is_web_page

#: How long a browser may take to say that it does not start.
BROWSER_PATIENCE = 2.0
LONGEST = timedelta(minutes=15)

OnProgress = Callable[[float, float], Awaitable[None] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A login that waits for its person; the verifier is what makes the session worth something."""

    session_id: str
    user_code: str
    login_url: str
    expires_at: datetime
    poll_interval: float
    verifier: str = field(repr=False)


async def start(api: Api, *, client: str) -> Started:
    """Start a login for the program of this name."""
    verifier = secrets.token_urlsafe(32)
    body = {
        "verifier_hash": hashlib.sha256(verifier.encode()).hexdigest(),
        "client": {"name": client, "version": __version__, "host": _host()},
    }
    said = an_object(await api.call("POST", "/auth/session", json=body, authenticated=False))
    now = datetime.now(UTC)
    code, url, expires_at = said.get("user_code"), said.get("login_url"), moment(said.get("expires_at"))
    if not is_web_page(url) or not isinstance(code, str) or not re.fullmatch(r"[A-Z0-9-]{4,16}", code):
        raise Unreachable("The API's login is not one that a browser can open", hint="Is INVOKER_API_URL right?")
    interval = said.get("poll_interval")
    return Started(
        session_id=str(said.get("session_id")),
        user_code=code,
        login_url=url,
        expires_at=min(expires_at or now + LONGEST, now + LONGEST),
        poll_interval=min(max(float(interval), 1.0), 30.0) if isinstance(interval, int | float) else 5.0,
        verifier=verifier,
    )


async def wait(api: Api, started: Started, on_progress: OnProgress | None = None) -> Credential:
    """Wait until the person has approved, save the key, and return it; `api` calls with it from then on."""
    total = (started.expires_at - datetime.now(UTC)).total_seconds()
    begun, interval = time.monotonic(), started.poll_interval
    while (elapsed := time.monotonic() - begun) < total:
        if on_progress is not None:
            told = on_progress(elapsed, total)
            if inspect.isawaitable(told):
                await told
        try:
            delivered = await _poll(api, started)
        except ApiError as error:
            if error.status != 429:
                raise
            interval = max(interval + 1, error.retry_after or 0)
        except Unreachable:
            pass  # a poll in vain: the person is at it for minutes
        else:
            if delivered is not None:
                return await _keep(api, delivered)
        await asyncio.sleep(interval)
    raise ClientError("Nobody approved the login in time", hint="Run invoker login again.")


async def _poll(api: Api, started: Started) -> Credential | None:
    life = int(renewal.LIFE.total_seconds())
    body = {"session_id": started.session_id, "verifier": started.verifier, "expires_in": life}
    said = an_object(await api.call("POST", "/auth/token", json=body, authenticated=False))
    key = said.get("api_key")
    if not isinstance(key, str):
        return None
    email, key_id = said.get("email"), said.get("key_id")
    return Credential(
        key=credentials.usable(key),
        source="file",
        email=email if isinstance(email, str) else None,
        key_id=key_id if isinstance(key_id, str) else None,
        created_at=datetime.now(UTC).replace(microsecond=0),
        expires_at=credentials.moment(said.get("expires_at")),
    )


async def _keep(api: Api, delivered: Credential) -> Credential:
    """Save the key at once; where an older API gave it no end, give it one."""
    api.credential = credentials.save(api.settings, delivered)
    if delivered.expires_at is None:
        # without this it is a key that does not end, which is what the API gave: the next renewal tries again
        with suppress(ClientError):
            await renewal.rotate(api, grace=timedelta())
    return api.credential


async def log_out(api: Api) -> bool:
    """Forget the saved key and revoke it; say whether there was one. Raise `Unreachable` when it works on elsewhere."""
    kept = credentials.saved(api.settings)
    if kept is None:
        return credentials.forget(api.settings)
    credentials.forget(api.settings)
    api.credential = kept
    try:
        await api.call("POST", "/auth/logout")
    except NotLoggedIn:
        pass  # it had ended before
    except ClientError as error:
        raise Unreachable(
            f"The key {kept.hint} is forgotten here, but it was not revoked: {error.message}",
            hint=f"Revoke {kept.key_id or 'it'} in the dashboard.",
        ) from error
    finally:
        api.credential = None
    return True


def open_browser(url: str, settings: Settings) -> bool:
    """Open a page in the person's browser, that of BROWSER first; say whether one was started."""
    if settings.no_browser or not is_web_page(url) or not _has_screen():
        return False
    import webbrowser

    opened: list[bool] = []

    def start_one() -> None:
        with suppress(webbrowser.Error, OSError):
            opened.append(webbrowser.open(url))

    # A browser of BROWSER may run until its window is closed.
    thread = threading.Thread(target=start_one, name="browser", daemon=True)
    thread.start()
    thread.join(BROWSER_PATIENCE)
    return thread.is_alive() or opened == [True]


def _has_screen() -> bool:
    """Whether a browser would be seen: one in a terminal would take the terminal."""
    if os.environ.get("BROWSER"):
        return True
    if os.environ.get("CI"):
        return False
    return sys.platform in {"win32", "darwin"} or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _host() -> str:
    name = "".join(sign for sign in socket.gethostname() if sign.isprintable())
    return name[:255]
