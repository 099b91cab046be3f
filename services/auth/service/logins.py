"""Logging in: start, mail a code, approve by code or link, deliver once."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from services.auth import logins
from services.auth.accounts import Address
from services.auth.audit import VISITOR, Actor
from services.auth.keys import NewKey, made_by_login
from services.auth.logins import Client, Code, Kind, Login
from services.auth.service import accounts, keys
from services.auth.service.code_mails import CodeMails
from services.auth.store import audit, sessions
from services.auth.store import logins as store
from shared import credentials, db, ids, outbox
from shared.callers import SESSION_PREFIX
from shared.events import CredentialsChanged, LoginCodeMail
from shared.ids import random_base62
from shared.limits import Limiter, network
from shared.logs import get
from shared.outbox import Outbox

log = get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What a client's login ends in."""

    api_key: str = field(repr=False)
    key_id: str
    email: str
    expires_at: datetime | None


class Logins:
    """The one flow behind the API, the login pages and the dashboard's door."""

    def __init__(self, pool: db.Pool, outbox: Outbox, limiter: Limiter, code_mails: CodeMails, *, app_url: str) -> None:
        self._pool = pool
        self._outbox = outbox
        self._limiter = limiter
        self._code_mails = code_mails
        self._app_url = app_url

    def url(self, login_id: str) -> str:
        """Return the page of a login."""
        return f"{self._app_url}/login/{login_id}"

    async def start(self, kind: Kind, verifier_digest: str, client: Client, *, ip: str) -> Login:
        """Begin a login. Raise RateLimited."""
        await self._limiter.hit("5/minute", "session", network(ip))
        async with db.acquire(self._pool) as conn:
            return await store.add(
                conn,
                ids.new_id("ls"),
                kind,
                verifier_digest=verifier_digest,
                user_code=logins.new_user_code(),
                client=client,
                ip=ip,
            )

    async def get(self, login_id: str) -> Login:
        """Return a login in any state. Raise LoginNotFound."""
        async with db.acquire(self._pool) as conn:
            login = await store.find(conn, login_id)
        if login is None:
            raise logins.LoginNotFound
        return login

    async def get_by_link(self, link: str) -> Login:
        """Return the open login of a mail's link; changes nothing (R54). Raise LoginOver."""
        async with db.acquire(self._pool) as conn:
            login = await store.find_by_link(conn, credentials.digest(link))
        if login is None or not login.open:
            raise logins.LoginOver
        return login

    async def send_code(self, login_id: str, address: Address, *, ip: str) -> None:
        """Mail a code and a link; every older code of the address is void.

        Whether the address has an account is not looked at, so nothing here can tell (R59).
        Raise LoginNotFound, LoginOver, RateLimited.
        """
        await self._limiter.hit("3/minute", "otp", network(ip))
        new = logins.new_code()
        async with self._outbox.transaction() as conn:
            login = await store.address_open_login(conn, login_id, address.account)
            if login is None:
                raise await _why_not_open(conn, login_id)
            # after that: without a login nobody learns what a mailbox was sent, nor uses up what all may be sent
            await self._code_mails.take(conn, address.mailbox)
            await store.void_codes(conn, login_id, address.account)
            await store.add_code(conn, login_id, address, new)
            requested_at = datetime.now(UTC)
            mail = LoginCodeMail(
                to=address.to,
                code=new.code,
                link=f"{self._app_url}/login/link/{new.link}",
                client=login.client.title,
                ip=ip,
                requested_at=requested_at,
            )
            await outbox.add(conn, mail, expires_at=requested_at + logins.CODE_LIFE)
        log.info("login.code_sent", login_id=login_id)

    async def verify(self, login_id: str, typed: str, *, ip: str) -> None:
        """Approve a login by the code of its mail. Raise WrongCode, whatever the reason."""
        code = logins.plain_code(typed)
        if code is None:
            raise logins.WrongCode
        async with db.transaction(self._pool) as conn:
            tried = await store.take_code_try(conn, login_id)
            right = tried is not None and logins.matches(tried, code)
            if tried is not None and not right:
                await _note_failure(conn, tried, ip=ip, by="code")
        # the try is spent by now, whatever becomes of the rest
        if tried is None or not right:
            raise logins.WrongCode
        await self._approve(tried, ip=ip, by="code")

    async def approve_by_link(self, link: str, user_code: str, *, ip: str) -> Login:
        """Approve a login from its mail's page, by the code that the starting screen shows.

        Raise LoginOver for a link that is over, WrongUserCode for another user code.
        """
        async with db.transaction(self._pool) as conn:
            tried = await store.take_link_try(conn, credentials.digest(link))
            right = tried is not None and logins.same_user_code(tried.user_code, user_code)
            if tried is not None and not right:
                await _note_failure(conn, tried, ip=ip, by="link")
        if tried is None:
            raise logins.LoginOver
        if not right:
            raise logins.WrongUserCode
        await self._approve(tried, ip=ip, by="link")
        return await self.get(tried.login_id)

    async def _approve(self, code: Code, *, ip: str, by: str) -> None:
        async with self._outbox.transaction() as conn:
            if not (await store.lock_open(conn, code.login_id) and await store.use_code(conn, code.id)):
                raise logins.WrongCode
            account_id = await accounts.ensure(conn, code.email, Actor(id=VISITOR, ip=ip))
            await store.approve(conn, code.login_id, account_id)
            actor = Actor(id=VISITOR, ip=ip)
            await audit.add(conn, account_id, "login.succeeded", actor, client=code.client.title, by=by)
        log.info("login.succeeded", login_id=code.login_id, account=account_id)

    async def deny(self, link: str, *, ip: str) -> None:
        """End the login that somebody else started with this mailbox; its code and link are void. Raise LoginOver."""
        async with db.transaction(self._pool) as conn:
            login = await store.deny_by_link(conn, credentials.digest(link))
            await _note_denial(conn, login, ip=ip)

    async def deny_here(self, login_id: str, *, ip: str) -> None:
        """End a client's login from its own page: whoever was led there did not start it. Raise LoginOver."""
        async with db.transaction(self._pool) as conn:
            login = await store.deny(conn, login_id)
            await _note_denial(conn, login, ip=ip)

    async def poll(
        self, login_id: str, verifier: str, *, ip: str, expires_in: timedelta | None = None
    ) -> Delivered | None:
        """Return the key of an approved login, once; None while it waits for its person.

        It lives as long as the client asks for, and is made in the transaction that takes the delivery.
        Raise LoginNotFound, LoginOver, SlowDown, TooManyKeys.
        """
        digest = credentials.digest(verifier)
        async with db.transaction(self._pool) as conn:
            taken = await store.deliver(conn, login_id, digest, "client")
            if taken is None:
                await self._wait(conn, login_id, digest)
                return None
            account_id, client = taken
            new = NewKey(name=client.title, expires_in=expires_in, created_via=made_by_login(client.name))
            created = await keys.create(
                conn, account_id, new, actor=Actor(id=VISITOR, ip=ip), dashboard_url=f"{self._app_url}/dashboard"
            )
        self._outbox.wake()
        log.info("key.created", key_id=created.key.id, via=new.created_via, login_id=login_id)
        return Delivered(
            api_key=created.plaintext, key_id=created.key.id, email=created.email, expires_at=created.key.expires_at
        )

    async def _wait(self, conn: db.Connection, login_id: str, verifier_digest: str) -> None:
        login = await store.find_own(conn, login_id, verifier_digest, "client")
        if login is None:
            raise logins.LoginNotFound
        # approved since the delivery was tried: the next poll takes it
        if login.expired or login.state not in {"pending", "approved"}:
            raise logins.LoginOver
        if not await store.take_poll(conn, login_id, logins.POLL_MINIMUM):
            raise logins.SlowDown

    async def enter(self, login_id: str, verifier: str, *, ip: str, client: str, old: str | None) -> str | None:
        """Return the cookie of a browser whose login was approved, once; None while it was not.

        The session of the cookie `old`, which the browser had until now, ends.
        """
        cookie = f"{SESSION_PREFIX}{random_base62(43)}"
        async with self._outbox.transaction() as conn:
            taken = await store.deliver(conn, login_id, credentials.digest(verifier), "browser")
            if taken is None:
                return None
            account_id, session_id = taken[0], ids.new_id("ses")
            await sessions.add(conn, session_id, account_id, credentials.digest(cookie), ip=ip, client=client)
            await audit.add(conn, account_id, "session.created", Actor(id=session_id, ip=ip), client=client)
            if old is not None and (ended := await sessions.give_up(conn, credentials.digest(old))):
                old_id, owner = ended
                await audit.add(conn, owner, "session.revoked", Actor(id=old_id, ip=ip), session_id=old_id)
                event = CredentialsChanged(account_id=owner, digests=(credentials.digest(old),))
                await outbox.add(conn, event)
        return cookie


async def _why_not_open(conn: db.Connection, login_id: str) -> Exception:
    known = await store.find(conn, login_id)
    return logins.LoginOver() if known else logins.LoginNotFound()


async def _note_failure(conn: db.Connection, tried: Code, *, ip: str, by: str) -> None:
    """Write the failed try down in the transaction that spends it: it can never be left out (R51)."""
    account_id = await store.account_of(conn, tried.email)
    await audit.add(conn, account_id, "login.failed", Actor(id=VISITOR, ip=ip), client=tried.client.title, by=by)


async def _note_denial(conn: db.Connection, login: Login | None, *, ip: str) -> None:
    if login is None:
        raise logins.LoginOver
    await store.void_codes(conn, login.id, None)
    account_id = await store.account_of(conn, login.email)
    await audit.add(conn, account_id, "login.denied", Actor(id=VISITOR, ip=ip), client=login.client.title)
    log.warning("login.denied", login_id=login.id)
