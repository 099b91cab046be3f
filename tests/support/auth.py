"""A running auth service and those who call it: programs, browsers, people reading their mail."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp
import asyncpg

from services.auth.app import open_service
from services.auth.config import Config
from shared import server
from shared.bus import Handlers
from shared.config import load
from shared.events import Envelope, Event, LoginCodeMail
from tests.support.client import Answer
from tests.support.eventually import eventually

E = TypeVar("E", bound=Event)

TOKEN = "a-service-token-for-tests"
#: What a browser says of a form on our own page.
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}


class RecordingBus:
    """A bus that keeps what is published, and can be away."""

    def __init__(self) -> None:
        self.published: list[Envelope] = []
        #: Queue to who takes its messages now.
        self.consumed: dict[str, Handlers] = {}

    async def publish(self, envelope: Envelope) -> None:
        self.published.append(envelope)

    @asynccontextmanager
    async def consume(self, queue: str, handlers: Handlers, *, prefetch: int = 16) -> AsyncIterator[None]:  # noqa: ARG002
        self.consumed[queue] = handlers
        yield
        del self.consumed[queue]

    @asynccontextmanager
    async def listen(self, handlers: Handlers, *, on_gap: Callable[[], None]) -> AsyncIterator[None]:  # noqa: ARG002
        yield

    def healthy(self) -> bool:
        return True

    def events(self, kind: type[E]) -> list[E]:
        """Return what was published of this kind, in order."""
        return [event for envelope in list(self.published) if isinstance(event := envelope.event(), kind)]


@dataclass(slots=True)
class Browser:
    """Keeps cookies by itself, sends what browsers send, runs no JavaScript, follows no redirect."""

    auth: "Auth"
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=lambda: dict(OWN_PAGE))

    async def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        return await self._keep(await self.auth.call(method, path, headers=self._headers(headers)))

    async def post(self, path: str, fields: dict[str, str] | None = None, **headers: str) -> Answer:
        return await self._keep(
            await self.auth.call("POST", path, data=fields or {"_": ""}, headers=self._headers(headers))
        )

    async def api(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Call the API as the dashboard does."""
        given = {} if body is None else {"json": body}
        return await self._keep(
            await self.auth.call(
                method, path, headers=self._headers({"Accept": "application/json", **headers}), **given
            )
        )

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        cookies = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        return {"Accept": "text/html", **self.headers, **(cookies if self.cookies else {}), **more}

    async def _keep(self, answer: Answer) -> Answer:
        for line in answer.headers.getall("Set-Cookie", ()):
            name, _, value = line.partition(";")[0].partition("=")
            if value.strip('"') and "Max-Age=0" not in line:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        return answer

    async def log_in(self, email: str) -> None:
        """Go through the door: address, code, dashboard."""
        before = len(self.auth.mails(email))
        sent = await self.post("/login", {"email": email})
        assert sent.status == 303, sent.text
        mail = await self.auth.mail(email, before + 1)
        entered = await self.post(sent.headers["Location"] + "/code", {"code": mail.code})
        assert (entered.status, entered.headers.get("Location")) == (303, "/dashboard"), entered.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A login that a program began."""

    session_id: str
    user_code: str
    verifier: str


@dataclass(slots=True)
class Auth:
    """The service under test."""

    config: Config
    bus: RecordingBus
    session: aiohttp.ClientSession
    url: str
    internal_url: str
    db: asyncpg.Pool

    async def call(self, method: str, path: str, *, key: str | None = None, **given: Any) -> Answer:
        headers = dict(given.pop("headers", {}))
        if key:
            headers["Authorization"] = f"Bearer {key}"
        url = path if path.startswith("http") else self.url + path
        async with self.session.request(method, url, headers=headers, allow_redirects=False, **given) as response:
            return Answer(response.status, response.headers, await response.read())

    def browser(self) -> Browser:
        return Browser(self)

    async def start(self, **client: str) -> Started:
        verifier = secrets.token_urlsafe(32)
        digest = hashlib.sha256(verifier.encode()).hexdigest()
        body: dict[str, Any] = {"verifier_hash": digest, "client": {"name": "invoker", "host": "laptop", **client}}
        answer = await self.call("POST", "/auth/session", json=body)
        assert answer.status == 201, answer.text
        return Started(session_id=answer.json["session_id"], user_code=answer.json["user_code"], verifier=verifier)

    async def send_code(self, login: Started, email: str) -> Answer:
        return await self.call("POST", "/auth/otp", json={"session_id": login.session_id, "email": email})

    async def mail(self, email: str, count: int = 1) -> LoginCodeMail:
        """Wait for the address's mail number `count` and return it."""

        def arrived() -> list[LoginCodeMail]:
            mails = self.mails(email)
            return mails if len(mails) >= count else []

        return (await eventually(arrived))[count - 1]

    def mails(self, email: str) -> list[LoginCodeMail]:
        """Return the login mails that the address got so far."""
        return [mail for mail in self.bus.events(LoginCodeMail) if mail.to.casefold() == email.casefold()]

    async def verify(self, login: Started, code: str) -> Answer:
        return await self.call("POST", "/auth/verify", json={"session_id": login.session_id, "code": code})

    async def poll(self, login: Started, **given: Any) -> Answer:
        body = {"session_id": login.session_id, "verifier": login.verifier, **given}
        return await self.call("POST", "/auth/token", json=body)

    async def log_in(self, email: str) -> str:
        """Log in as a program does and return the key."""
        login = await self.start()
        before = len(self.mails(email))
        assert (await self.send_code(login, email)).status == 202
        mail = await self.mail(email, before + 1)
        assert (await self.verify(login, mail.code)).status == 200
        answer = await self.poll(login)
        assert answer.status == 200, answer.text
        key: str = answer.json["api_key"]
        return key

    async def check(self, key: str) -> Any:
        """Ask the internal port as deploy does."""
        return await self.check_digest(hashlib.sha256(key.encode()).hexdigest())

    async def check_session(self, cookie: str) -> Any:
        """Ask the same of a browser session."""
        return await self.check_digest(hashlib.sha256(cookie.encode()).hexdigest(), kind="session")

    async def check_digest(self, digest: str, *, kind: str = "digest") -> Any:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = await self.call("POST", f"{self.internal_url}/internal/verify", json={kind: digest}, headers=headers)
        assert answer.status == 200, answer.text
        return answer.json


def an_address(prefix: str = "p") -> str:
    """Return an address that nobody had before."""
    return f"{prefix}{secrets.token_hex(6)}@example.com"


def link_path(mail: LoginCodeMail) -> str:
    """Return the path of the mail's link."""
    return "/" + mail.link.split("/", 3)[3]


@asynccontextmanager
async def running_auth(database_url: str, **settings: Any) -> AsyncIterator[Auth]:
    """Open auth on free ports, without rate limits unless asked for; `bus` may be another one."""
    bus: RecordingBus = settings.pop("bus", None) or RecordingBus()
    public, private = server.bind("127.0.0.1", 0), server.bind("127.0.0.1", settings.get("internal_port", 0))
    port = public.getsockname()[1]
    given = {
        "database_url": database_url,
        "service_token": TOKEN,
        "deploy_internal_url": "http://127.0.0.1:9",
        "app_url": f"http://localhost:{port}",
        "api_url": f"http://localhost:{port}/api",
        "rate_limits": False,
        **settings,
    }
    config = load(Config, **given)
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(open_service(config, bus))
        assert service.public is not None
        await stack.enter_async_context(server.listening(service.public, public))
        await stack.enter_async_context(server.listening(service.internal, private))
        connector = aiohttp.TCPConnector(limit=0)
        session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        )
        pool = await stack.enter_async_context(
            asyncpg.create_pool(database_url, min_size=1, max_size=4, server_settings={"search_path": "auth"})
        )
        yield Auth(
            config=config,
            bus=bus,
            session=session,
            url=f"http://127.0.0.1:{port}",
            internal_url=f"http://127.0.0.1:{private.getsockname()[1]}",
            db=pool,
        )


async def gathered(calls: Collection[Any]) -> list[Answer]:
    """Make calls at the same time."""
    return list(await asyncio.gather(*calls))
