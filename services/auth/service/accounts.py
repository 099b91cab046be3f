"""Accounts: made and brought back by logins, given another address, deleted, and purged a week later."""

from datetime import UTC, datetime

from services.auth.accounts import (
    RESTORE,
    Account,
    Address,
    EmailTaken,
    NotConfirmed,
    SameEmail,
    WrongCodes,
    is_address,
    new_codes,
)
from services.auth.audit import Actor
from services.auth.logins import plain_code
from services.auth.service.code_mails import CodeMails
from services.auth.store import accounts as store
from services.auth.store import audit, email_changes
from shared import db, ids, outbox
from shared.auth_client import Caller
from shared.errors import Unauthorized
from shared.events import (
    AccountChanged,
    AccountDeleted,
    AccountDeletedMail,
    CredentialsChanged,
    EmailChangedMail,
    EmailCodeMail,
)
from shared.limits import Limiter, network
from shared.logs import get
from shared.outbox import Outbox

log = get(__name__)


async def ensure(conn: db.Connection, email: str, actor: Actor) -> str:
    """Return the id of the account that a verified address means, inside the login's transaction.

    It is made now where there is none, or where one was deleted more than a week ago; a deleted one comes back.
    """
    while (account := await store.lock_holder(conn, email)) is None or account.over:
        if account is not None:
            await store.purge(conn, account.id)
        # None: somebody was faster, and has committed
        if made := await store.add(conn, ids.new_id("acc"), email):
            await audit.add(conn, made.id, "account.created", actor)
            return made.id
    if account.deleted_at is not None:
        account = await store.restore(conn, account.id)
        await audit.add(conn, account.id, "account.restored", actor)
        await outbox.add(conn, _changed(account))
        log.info("account.restored", account=account.id)
    return account.id


def _changed(account: Account) -> AccountChanged:
    return AccountChanged(account_id=account.id, email=account.email, plan=account.plan, revision=account.revision)


class Accounts:
    """What an account's own person does with it, in a browser."""

    def __init__(self, pool: db.Pool, outbox: Outbox, limiter: Limiter, code_mails: CodeMails, *, app_url: str) -> None:
        self._pool = pool
        self._outbox = outbox
        self._limiter = limiter
        self._login_url = f"{app_url}/login"
        self._code_mails = code_mails

    async def ask_change(self, caller: Caller, address: Address, current: Address, *, ip: str) -> datetime:
        """Mail a code to the account's address and another to the new one; return until when they work.

        Whether the new address has an account is not looked at, so nothing here can tell (R59); an older change under
        way is void. Raise SameEmail, RateLimited.
        """
        await self._limiter.hit("3/minute", "email", network(ip))
        if address.account == caller.email:
            raise SameEmail
        codes = new_codes()
        async with self._outbox.transaction() as conn:
            await self._code_mails.take(conn, current.mailbox, address.mailbox)
            account = await _live(conn, caller)
            await email_changes.void(conn, account.id)
            expires_at = await email_changes.add(conn, account.id, address.account, codes)
            for to, code, new in ((current, codes.current, False), (address, codes.new, True)):
                mail = EmailCodeMail(
                    to=to.to, code=code, new=new, new_email=address.to, ip=ip, requested_at=datetime.now(UTC)
                )
                await outbox.add(conn, mail, expires_at=expires_at)
        log.info("email.codes_sent", account=account.id)
        return expires_at

    async def confirm_change(self, caller: Caller, current_code: str, new_code: str, *, ip: str) -> str:
        """Give the account its new address by the codes of both mails, and return it.

        Raise WrongCodes whatever the reason, and EmailTaken, which only somebody with both codes gets to see.
        """
        current, new = plain_code(current_code), plain_code(new_code)
        if current is None or new is None:
            raise WrongCodes
        async with db.acquire(self._pool) as conn:
            # a statement of its own: the try counts whatever becomes of the rest
            tried = await email_changes.take_try(conn, caller.account_id)
        if tried is None or not tried.matches(current, new):
            raise WrongCodes
        async with self._outbox.transaction() as conn:
            await store.void_codes(conn, caller.email, tried.email)
            old = await _live(conn, caller)
            if not await email_changes.use(conn, tried.id):
                raise WrongCodes
            await _make_room(conn, tried.email)
            account = await store.readdress(conn, old.id, tried.email)
            await audit.add(conn, account.id, "email.changed", Actor.of(caller, ip))
            await outbox.add(conn, _changed(account))
            digests = await store.live_digests(conn, account.id)
            await outbox.add(conn, CredentialsChanged(account_id=account.id, digests=digests))
            mail = EmailChangedMail(to=old.email, new_email=account.email, ip=ip, changed_at=datetime.now(UTC))
            await outbox.add(conn, mail)
        log.info("email.changed", account=account.id)
        return account.email

    async def delete(self, caller: Caller, confirm: str, *, ip: str) -> tuple[datetime, datetime]:
        """Delete the caller's account, and return when that was and until when a login brings it back.

        All its keys and sessions, and logins under way, end in the same transaction. Raise NotConfirmed.
        """
        if not is_address(confirm, caller.email):
            raise NotConfirmed
        async with self._outbox.transaction() as conn:
            await store.void_codes(conn, caller.email)
            await store.end_logins(conn, caller.account_id)
            await _live(conn, caller)
            account = await store.delete(conn, caller.account_id)
            await email_changes.void(conn, account.id)
            ended = await store.end_credentials(conn, account.id)
            deleted_at = account.deleted_at or datetime.now(UTC)
            ends_at = deleted_at + RESTORE
            actor = Actor.of(caller, ip)
            await audit.add(conn, account.id, "account.deleted", actor, keys=ended.keys, sessions=ended.sessions)
            await outbox.add(conn, CredentialsChanged(account_id=account.id, digests=ended.digests))
            await outbox.add(conn, AccountDeleted(account_id=account.id, revision=account.revision, ends_at=ends_at))
            mail = AccountDeletedMail(
                to=account.email, ip=ip, deleted_at=deleted_at, ends_at=ends_at, login_url=self._login_url
            )
            await outbox.add(conn, mail)
        log.info("account.deleted", account=account.id, keys=ended.keys, sessions=ended.sessions)
        return deleted_at, ends_at


async def _live(conn: db.Connection, caller: Caller) -> Account:
    """Return the caller's account, locked. Raise Unauthorized when it or the credential changed meanwhile."""
    account = await store.lock_for(conn, caller)
    if account.email != caller.email:
        raise Unauthorized
    return account


async def _make_room(conn: db.Connection, email: str) -> None:
    """See that nobody has an address. Raise EmailTaken."""
    if (holder := await store.holder(conn, email)) is None:
        return
    if not holder.over:
        raise EmailTaken
    await store.purge(conn, holder.id)


async def purge(pool: db.Pool) -> int:
    """Remove the accounts whose week is over, each in a transaction of its own, and return how many there were.

    Any number of processes may do this at a time.
    """
    count = 0
    while True:
        async with db.transaction(pool) as conn:
            if (account_id := await store.ended(conn)) is None:
                return count
            await store.purge(conn, account_id)
        log.info("account.purged", account=account_id)
        count += 1
