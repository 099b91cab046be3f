"""Calls to the API: the key goes to its origin alone, answers are bounded and not trusted, errors are sentences."""

import asyncio
import json as jsons
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from invoker_mcp import __version__
from invoker_mcp.credentials import Credential
from invoker_mcp.errors import ApiError, ClientError, NotLoggedIn, Unreachable
from invoker_mcp.settings import Settings

if TYPE_CHECKING:
    import httpx2

#: More than the largest answer that is read whole: a page of 200 submissions of 256 KiB.
MOST_BYTES = 64 * 1024 * 1024
TRIES = 4
#: What goes away by itself: a restart, a full queue.
PASSING = {502, 503, 504}
LONGEST_WAIT = 20.0

PLACES = {
    "flag": "--api-key",
    "environment": "INVOKER_API_KEY",
    "keyring": "the keyring",
    "file": "your login",
    "claim": "the claim",
}

Json = dict[str, Any] | list[Any] | None


class Api:
    """The API of `settings`, called with one credential or none: `async with Api(settings, credential) as api`."""

    def __init__(self, settings: Settings, credential: Credential | None = None, *, client: str = "invoker") -> None:
        self.settings = settings
        self.credential = credential
        self._agent = f"{client}/{__version__}"
        self._http: httpx2.AsyncClient | None = None
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        import httpx2

        self._http = await self._open.enter_async_context(
            httpx2.AsyncClient(
                # Nothing packed: what is unpacked has no bound that its sender did not choose.
                headers={"User-Agent": self._agent, "Accept-Encoding": "identity"},
                timeout=httpx2.Timeout(self.settings.timeout, connect=self.settings.connect_timeout),
                limits=httpx2.Limits(max_connections=32, max_keepalive_connections=32, keepalive_expiry=15),
                follow_redirects=False,
            )
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    async def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        data: bytes | Callable[[], AsyncIterator[bytes]] | None = None,
        headers: Mapping[str, str] | None = None,
        authenticated: bool = True,
        repeatable: bool | None = None,
        within: float | None = None,
    ) -> Json:
        """Return the answer's JSON; raise `ApiError`, `NotLoggedIn` or `Unreachable`.

        What is repeatable is tried again while the API is away: GET is, and what has an Idempotency-Key.
        """
        headers = dict(headers or {})
        if repeatable is None:
            repeatable = method in {"GET", "HEAD"} or "Idempotency-Key" in headers
        sent = {"json": json, "params": _given(params), "headers": headers, "authenticated": authenticated}
        for attempt in range(1, TRIES + 1):
            try:
                async with asyncio.timeout(within or self.settings.timeout):
                    async with self.stream(
                        method, path, content=data() if callable(data) else data, **sent
                    ) as response:
                        return _parsed(await _read(response))
            except (ApiError, Unreachable, TimeoutError) as error:
                wait = _wait(error, attempt)
                if wait is None or not (repeatable or _never_arrived(error)):
                    raise _told(error) from None
            await asyncio.sleep(wait)
        raise AssertionError  # the last try returns or raises

    async def get(self, path: str, **given: Any) -> dict[str, Any]:
        """Return the object that a GET answers."""
        return an_object(await self.call("GET", path, **given))

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        authenticated: bool = True,
        **given: Any,
    ) -> "AsyncIterator[httpx2.Response]":
        """Give a good answer with its body unread; raise for another one, or for none."""
        import httpx2

        if self._http is None:
            raise RuntimeError("async with Api(…) as api")
        if not path.startswith("/"):
            raise ValueError(path)
        sent = {**self._authorization(required=authenticated), **(headers or {})}
        try:
            async with self._http.stream(method, self.settings.api_url + path, headers=sent, **given) as response:
                if not response.is_success:
                    raise self._refused(response.status_code, response.headers, await _read(response))
                yield response
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise _NeverArrived(self.settings.api_url) from error
        except httpx2.TimeoutException:
            raise _told(TimeoutError()) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
            raise _BrokeOff(self.settings.api_url, error) from None

    def _authorization(self, *, required: bool) -> dict[str, str]:
        if not required:
            return {}
        if self.credential is None:
            raise not_logged_in()
        return {"Authorization": f"Bearer {self.credential.key}"}

    def _refused(self, status: int, headers: Mapping[str, str], body: bytes) -> ClientError:
        """Return what an answer that is not a success means."""
        said = _maybe_object(body)
        words = {name: self._without_key(said.get(name)) for name in ("error", "code", "hint", "request_id")}
        request_id = words["request_id"] or self._without_key(headers.get("X-Request-ID"))
        if status == 401 and self.credential is not None:
            return NotLoggedIn(
                f"The API does not take the key of {PLACES[self.credential.source]}",
                hint="It was revoked, has expired, or is another API's. Log in again: invoker login",
                request_id=request_id,
            )
        if 300 <= status < 400 or not words["error"]:
            message = f"{self.settings.api_url} answered {status}, and not as the API does"
            if status not in PASSING:
                return Unreachable(message, hint="Is INVOKER_API_URL the address of the API?")
            words["error"] = "The API is not available right now"
        return ApiError(
            words["error"] or "",
            status=status,
            code=words["code"] or "",
            hint=words["hint"],
            request_id=request_id,
            retry_after=_seconds(headers.get("Retry-After")),
        )

    def _without_key(self, text: object) -> str | None:
        """A server that repeats what it was sent does not get the key onto a screen."""
        if not isinstance(text, str):
            return None
        return text.replace(self.credential.key, self.credential.hint) if self.credential else text


class _NeverArrived(Unreachable):
    def __init__(self, api_url: str) -> None:
        super().__init__(f"{api_url} cannot be reached", hint="Is the network there, and is INVOKER_API_URL right?")


class _BrokeOff(Unreachable):
    def __init__(self, api_url: str, error: Exception) -> None:
        super().__init__(f"The connection to {api_url} broke off ({type(error).__name__})", hint="Try again.")


def not_logged_in() -> NotLoggedIn:
    return NotLoggedIn("You are not logged in", hint="Run invoker login, or set INVOKER_API_KEY.")


def segment(value: object) -> str:
    """Return a value as one part of a path, whatever is in it."""
    text = str(value)
    if text in {"", ".", ".."}:
        raise ClientError(f"{text!r} names nothing", hint="Name a site by its slug or id.")
    return quote(text, safe="")


def an_object(answer: Json) -> dict[str, Any]:
    """Return an answer that has to be an object."""
    if not isinstance(answer, dict):
        raise Unreachable("The API answered with something else than an object", hint="Is INVOKER_API_URL right?")
    return answer


def rows(answer: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return a list of objects out of an answer; what is none of them is left out."""
    found = answer.get(name)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _given(params: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return {name: value for name, value in params.items() if value is not None} if params else None


async def _read(response: "httpx2.Response") -> bytes:
    if response.headers.get("Content-Encoding", "identity").strip().lower() not in {"", "identity"}:
        raise Unreachable("The answer is packed, which nobody asked for", hint="Is INVOKER_API_URL right?")
    body = bytearray()
    async for part in response.aiter_raw():
        body += part
        if len(body) > MOST_BYTES:
            raise Unreachable("The answer has no end", hint="Is INVOKER_API_URL right?")
    return bytes(body)


def _parsed(body: bytes) -> Json:
    if not body.strip():
        return None
    try:
        parsed = jsons.loads(body)
    except (ValueError, RecursionError):
        parsed = ""
    if not isinstance(parsed, dict | list | None):
        raise Unreachable("The answer is not JSON", hint="Is INVOKER_API_URL the address of the API?")
    return parsed


def _maybe_object(body: bytes) -> dict[str, Any]:
    try:
        parsed = jsons.loads(body)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after and retry_after.isascii() and retry_after.isdigit() else None


def _never_arrived(error: Exception) -> bool:
    return isinstance(error, _NeverArrived)


def _wait(error: Exception, attempt: int) -> float | None:
    """Return how long to wait before the next try; None when there is none."""
    passing = isinstance(error, _NeverArrived | _BrokeOff) or getattr(error, "status", None) in PASSING
    if attempt == TRIES or not passing:
        return None
    named = error.retry_after if isinstance(error, ApiError) else None
    if named is not None:
        return named if named <= LONGEST_WAIT else None
    return float(0.2 * 2**attempt * random.uniform(0.5, 1))  # noqa: S311 - spread, no secret


def _told(error: Exception) -> Exception:
    if isinstance(error, TimeoutError):
        return Unreachable("The API took too long to answer", hint="Try again; a slow network may need longer.")
    return error
