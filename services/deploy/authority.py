"""A certificate authority that speaks ACME (RFC 8555), over HTTP-01; the library is synchronous and runs in threads.

Each call is one request or two, of ten seconds at most: nothing here holds up the end of the process for longer.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import requests
from acme import challenges, client, crypto_util, errors, messages
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from josepy import errors as jose
from josepy import jwa, jwk

from shared import logs

log = logs.get(__name__)

T = TypeVar("T")

#: Seconds of one request, for the authority's own looks and for making the certificate.
REQUEST: Final = 10
VALIDATION: Final = 60.0
ISSUE: Final = 60.0
#: Times that a request is repeated whose nonce the authority does not take (RFC 8555 6.5).
NONCES: Final = 3
#: Seconds between two questions whether it is done.
POLL: Final = 1.0
#: When the authority says that it is asked too often, and not until when.
LIMITED: Final = timedelta(hours=6)


class AuthorityError(Exception):
    """No certificate; the text says why, in the authority's words where it has some."""

    def __init__(self, text: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(text)
        #: How long the authority is to be left alone.
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Challenge:
    """What `http://<domain>/.well-known/acme-challenge/<token>` has to answer."""

    token: str
    text: str


@dataclass(frozen=True, slots=True)
class Order:
    """A certificate that is being asked for."""

    resource: messages.OrderResource
    #: Nothing for what the authority has validated a while ago.
    pending: tuple[tuple[messages.ChallengeBody, Challenge], ...]


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and those above it, and when its life begins and ends."""

    chain: str
    begins: datetime
    ends: datetime


class _Network(client.ClientNetwork):
    """Repeats what an authority refused for its nonce alone: the library does that once, which is not enough."""

    def post(self, *args: Any, **given: Any) -> requests.Response:
        for _ in range(NONCES):
            try:
                return super().post(*args, **given)
            except messages.Error as error:
                if error.code != "badNonce":
                    raise
        return super().post(*args, **given)


class Authority:
    """One account at one authority."""

    def __init__(self, directory: str, email: str, ca_file: Path | None) -> None:
        self._directory, self._email, self._ca_file = directory, email, ca_file
        self._client: client.ClientV2 | None = None
        self._retry_after: timedelta | None = None

    async def connect(self, state: dict[str, Any] | None) -> dict[str, Any]:
        """Connect with the account of `state`, or register one; return what the next start needs to use it again."""
        return await self._call(lambda: self._connect(state))

    def _connect(self, state: dict[str, Any] | None) -> dict[str, Any]:
        key = jwk.JWKEC.from_json(state["key"]) if state else jwk.JWKEC(key=ec.generate_private_key(ec.SECP256R1()))
        network = _Network(key, alg=jwa.ES256, user_agent="invoker-deploy", timeout=REQUEST)
        if self._ca_file is not None:
            # requests takes the path of a file too, which the library's signature leaves out
            network.verify_ssl = str(self._ca_file)  # type: ignore[assignment]
        network.session.hooks["response"].append(self._note)
        made = client.ClientV2(client.ClientV2.get_directory(self._directory, network), network)
        if state:
            network.account = messages.RegistrationResource(uri=state["uri"], body=messages.Registration())
        else:
            asked = messages.NewRegistration.from_data(email=self._email or None, terms_of_service_agreed=True)
            try:
                network.account = made.new_account(asked)
            except errors.ConflictError as known:
                network.account = messages.RegistrationResource(uri=known.location, body=messages.Registration())
        self._client = made
        return {"key": key.to_json(), "uri": network.account.uri}

    def _note(self, response: requests.Response, *_args: Any, **_rest: Any) -> None:
        """Remember for how long the authority asks to be left alone: its errors leave that out."""
        self._retry_after = _seconds(response.headers.get("Retry-After")) if response.status_code >= 400 else None

    async def order(self, domain: str, key: bytes) -> Order:
        """Ask for a certificate of the domain for this private key (PEM). Raise AuthorityError."""
        return await self._call(lambda: self._order(domain, key))

    def _order(self, domain: str, key: bytes) -> Order:
        resource = self._connected.new_order(crypto_util.make_csr(key, [domain]))
        pending = []
        for authorization in resource.authorizations:
            if authorization.body.status != messages.STATUS_VALID:
                body = next(each for each in authorization.body.challenges if isinstance(each.chall, challenges.HTTP01))
                _, text = body.response_and_validation(self._connected.net.key)
                pending.append((body, Challenge(body.chall.encode("token"), text)))
        return Order(resource, tuple(pending))

    async def finish(self, order: Order) -> Issued:
        """Let the authority look, and return the certificate. Raise AuthorityError.

        Whoever asks for a pending challenge gets its text from now on until this returns.
        """
        for body, _ in order.pending:
            await self._call(partial(self._answer, body))
        resource = order.resource
        for authorization in resource.authorizations:
            await self._validated(authorization)
        resource = await self._call(lambda: self._connected.begin_finalization(resource))
        async with _within(ISSUE, "the certificate did not come within a minute"):
            while True:
                if done := await self._call(lambda: self._fetch(resource)):
                    return done
                await asyncio.sleep(POLL)

    def _answer(self, body: messages.ChallengeBody) -> None:
        self._connected.answer_challenge(body, body.response(self._connected.net.key))

    async def _validated(self, authorization: messages.AuthorizationResource) -> None:
        async with _within(VALIDATION, "the authority did not look within a minute"):
            while True:
                now, _ = await self._call(lambda: self._connected.poll(authorization))
                if now.body.status == messages.STATUS_VALID:
                    return
                if now.body.status != messages.STATUS_PENDING:
                    problems = [each.error for each in now.body.challenges if each.error is not None]
                    raise AuthorityError(_text(problems[0]) if problems else "the authority refused the domain")
                await asyncio.sleep(POLL)

    def _fetch(self, resource: messages.OrderResource) -> Issued | None:
        # it looks once in a time this short, and sleeps a second before
        deadline = datetime.now() + timedelta(seconds=0.5)  # noqa: DTZ005 - the library compares with the same
        try:
            done = self._connected.poll_finalization(resource, deadline)
        except errors.TimeoutError:
            return None
        leaf = x509.load_pem_x509_certificate(done.fullchain_pem.encode())
        return Issued(done.fullchain_pem, leaf.not_valid_before_utc, leaf.not_valid_after_utc)

    @property
    def _connected(self) -> client.ClientV2:
        assert self._client is not None  # noqa: S101 - `connect` comes first
        return self._client

    async def _call(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except messages.Error as error:
            limited = self._retry_after or LIMITED if error.code == "rateLimited" else self._retry_after
            raise AuthorityError(_text(error), retry_after=limited) from error
        except (errors.Error, requests.RequestException, jose.Error, StopIteration, ValueError) as error:
            log.warning("authority.failed", error=type(error).__name__)
            raise AuthorityError("the certificate authority cannot be reached, or does not answer as one") from error


@asynccontextmanager
async def _within(seconds: float, text: str) -> AsyncIterator[None]:
    """Raise AuthorityError with a text when it takes longer."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise AuthorityError(text) from None


def _text(error: messages.Error) -> str:
    return f"{error.detail or error.title or error.typ}"[:500]


def _seconds(header: str | None) -> timedelta | None:
    """Read a Retry-After: a number of seconds, or a date."""
    if header is None:
        return None
    try:
        if header.isdigit():
            return timedelta(seconds=min(int(header), 7 * 86_400))
        return max(parsedate_to_datetime(header) - datetime.now(UTC), timedelta(0))
    except (ValueError, TypeError):
        return None
