"""Where the logins' state machine runs: the service itself on a database, with time that is turned by hand."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, TypeVar

import asyncpg
import pytest

from services.auth import logins
from services.auth.logins import NewCode
from services.auth.service.code_mails import CodeMails
from services.auth.service.logins import Logins
from shared import db, outbox
from shared.limits import Limiter
from shared.relay import Relay
from tests.support.auth import RecordingBus

T = TypeVar("T")

#: Moves all that is stored into the past: one statement, a round trip less.
_PASS: Final = """
WITH codes AS (UPDATE login_codes SET expires_at = expires_at - $1::interval)
UPDATE logins SET created_at = created_at - $1::interval, expires_at = expires_at - $1::interval,
    polled_at = polled_at - $1::interval
"""
_CLEARED: Final = ("login_codes", "logins", "keys", "sessions", "outbox", "code_mails")


@dataclass(kw_only=True)
class World:
    """The service, its time, and what passes through it."""

    service: Logins
    loop: asyncio.AbstractEventLoop
    database: asyncpg.Connection
    #: The secrets of the mails, in order.
    mailed: list[NewCode] = field(default_factory=list)
    #: What was compared with a code or user code.
    compared: list[str] = field(default_factory=list)
    #: Seconds that are to pass before the next call.
    waiting: float = 0.0

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        """Run one call to its end."""
        return self.loop.run_until_complete(call)

    def begin(self) -> None:
        """Start with no logins."""
        self.waiting = 0.0
        self.run(self.database.execute(";".join(f"DELETE FROM {table}" for table in _CLEARED)))

    def pass_time(self) -> None:
        """Let all that is stored be older by what was waited."""
        if self.waiting:
            self.run(self.database.execute(_PASS, timedelta(seconds=self.waiting)))
            self.waiting = 0.0

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        """Keep what is mailed and what is compared."""
        new_code, matches, same = logins.new_code, logins.matches, logins.same_user_code

        def mailing() -> NewCode:
            self.mailed.append(new_code())
            return self.mailed[-1]

        def matching(stored: logins.Code, code: str) -> bool:
            self.compared.append(code)
            return matches(stored, code)

        def sameness(shown: str, typed: str) -> bool:
            self.compared.append(typed)
            return same(shown, typed)

        for name, watched in (("new_code", mailing), ("matches", matching), ("same_user_code", sameness)):
            patch.setattr(logins, name, watched)


@contextmanager
def world_on(database_url: str) -> Iterator[World]:
    """Give the service without rate limits; its mails stay in the outbox."""
    with ExitStack() as closing, asyncio.Runner() as runner:
        opening = db.pool(database_url, "auth", size=2)
        pool = runner.run(opening.__aenter__())
        closing.callback(lambda: runner.run(opening.__aexit__(None, None, None)))
        conn = runner.run(asyncpg.connect(database_url, server_settings={"search_path": "auth"}))
        closing.callback(lambda: runner.run(conn.close()))
        service = Logins(
            pool,
            outbox.Outbox(pool, Relay(pool, RecordingBus())),
            Limiter(enabled=False),
            CodeMails(per_hour=1, enabled=False),
            app_url="http://localhost",
        )
        with pytest.MonkeyPatch.context() as patch:
            world = World(service=service, loop=runner.get_loop(), database=conn)
            world.watch(patch)
            yield world
        closing.close()
