"""auth and deploy in this process, on one database and one bus, knowing each other."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.bus import Handlers
from shared.events import Envelope
from tests.support.auth import Auth, RecordingBus, running_auth
from tests.support.deploying import Deploy, deploying
from tests.support.fake_auth import FakeAuth
from tests.support.fake_bus import FakeBus
from tests.support.ports import free_port


class Joined(RecordingBus):
    """auth's end of the bus that is deploy's too."""

    def __init__(self, deploys: FakeBus) -> None:
        super().__init__()
        self._deploys = deploys

    async def publish(self, envelope: Envelope) -> None:
        await self._deploys.publish(envelope)
        await super().publish(envelope)

    @asynccontextmanager
    async def consume(self, queue: str, handlers: Handlers, *, prefetch: int = 16) -> AsyncIterator[None]:
        async with self._deploys.consume(queue, handlers, prefetch=prefetch):
            yield


class RealAuth(FakeAuth):
    """Where the real one is."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port


@dataclass(frozen=True, slots=True)
class Together:
    """Both services."""

    auth: Auth
    deploy: Deploy


@asynccontextmanager
async def together(database_url: str, blobs: Path, **settings: Any) -> AsyncIterator[Together]:
    """Run both; `settings` are auth's, and its plans and limits deploy's too."""
    shared = {name: settings[name] for name in ("plans", "rate_limits") if name in settings}
    auth_port, deploy_port, bus = free_port(), free_port(), FakeBus()
    async with (
        running_auth(
            database_url,
            bus=Joined(bus),
            internal_port=auth_port,
            deploy_internal_url=f"http://127.0.0.1:{deploy_port}",
            **settings,
        ) as auth,
        deploying(
            database_url,
            blobs,
            RealAuth(auth_port),
            bus,
            internal_port=deploy_port,
            app_url=auth.config.app_url,
            api_url=auth.config.api_url,
            # what is sent stays on this machine
            webhook_allow_private=True,
            **shared,
        ) as deploy,
    ):
        yield Together(auth, deploy)
