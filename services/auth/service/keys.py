"""Keys: making, listing and revoking them."""

from dataclasses import dataclass, field

from services.auth.audit import Actor
from services.auth.keys import MAX_ACTIVE, BoundToSite, Key, KeyNotFound, NewKey, TooManyKeys
from services.auth.store import accounts, audit
from services.auth.store import keys as store
from shared import credentials, db, ids, outbox
from shared.auth_client import Caller
from shared.events import KeyCreatedMail, KeyRevoked
from shared.idempotency import Once, StillRunning
from shared.logs import get
from shared.outbox import Outbox

log = get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A key that was just made, with what nobody will see again."""

    plaintext: str = field(repr=False)
    key: Key
    email: str


async def create(conn: db.Connection, account_id: str, new: NewKey, *, actor: Actor, dashboard_url: str) -> Created:
    """Make a key, its audit row and its notice inside the caller's transaction.

    Raise TooManyKeys, KeyReused, StillRunning.
    """
    account = await accounts.lock(conn, account_id)
    if new.once:
        # not there when this request looked: made meanwhile
        if await store.find_earlier(conn, account_id, new.once):
            raise StillRunning
        await store.forget_idempotency(conn, account_id, new.once)
    if await store.count_active(conn, account_id) >= MAX_ACTIVE:
        raise TooManyKeys
    plaintext = credentials.mint()
    hint = credentials.hint(plaintext)
    key = await store.add(
        conn, new, key_id=ids.new_id("key"), account_id=account_id, digest=credentials.digest(plaintext), hint=hint
    )
    await audit.add(
        conn, account_id, "key.created", actor, key_id=key.id, name=key.name, scopes=key.scopes, via=key.created_via
    )
    await outbox.add(
        conn,
        KeyCreatedMail(
            to=account.email,
            name=key.name,
            hint=hint,
            created_via=key.created_via,
            ip=actor.ip or "",
            created_at=key.created_at,
            dashboard_url=dashboard_url,
        ),
    )
    return Created(plaintext=plaintext, key=key, email=account.email)


class Keys:
    """The keys of accounts."""

    def __init__(self, pool: db.Pool, outbox: Outbox, *, app_url: str) -> None:
        self._pool = pool
        self._outbox = outbox
        self._dashboard_url = f"{app_url}/dashboard"

    async def find_earlier(self, caller: Caller, once: Once) -> Key | None:
        """Return what the account made with this Idempotency-Key. Raise KeyReused, BoundToSite."""
        _not_bound(caller)
        async with db.acquire(self._pool) as conn:
            return await store.find_earlier(conn, caller.account_id, once)

    async def create(self, caller: Caller, new: NewKey, *, ip: str) -> Created:
        """Make a key for the caller's account. Raise TooManyKeys, BoundToSite, KeyReused, StillRunning."""
        _not_bound(caller)
        async with self._outbox.transaction() as conn:
            created = await create(
                conn, caller.account_id, new, actor=Actor.of(caller, ip), dashboard_url=self._dashboard_url
            )
        log.info("key.created", key_id=created.key.id, via=new.created_via)
        return created

    async def page(
        self, caller: Caller, *, only_active: bool = True, limit: int = 50, after: str | None = None
    ) -> tuple[list[Key], str | None]:
        """Return the caller's keys, newest first, and the cursor of the next page. Raise BoundToSite."""
        _not_bound(caller)
        async with db.acquire(self._pool) as conn:
            keys = await store.page(conn, caller.account_id, only_active=only_active, limit=limit + 1, after=after)
        return keys[:limit], keys[limit - 1].id if len(keys) > limit else None

    async def get(self, caller: Caller, key_id: str) -> Key:
        """Return one of the caller's keys. Raise KeyNotFound, BoundToSite."""
        _not_bound(caller)
        async with db.acquire(self._pool) as conn:
            key = await store.find(conn, caller.account_id, key_id)
        if key is None:
            raise KeyNotFound
        return key

    async def revoke(self, caller: Caller, key_id: str, *, ip: str) -> Key:
        """End a key everywhere, and return it. Idempotent. Raise KeyNotFound, and BoundToSite for another's."""
        if key_id != caller.credential_id:
            _not_bound(caller)
        async with self._outbox.transaction() as conn:
            revoked = await store.revoke(conn, caller.account_id, key_id)
            if revoked is None:
                known = await store.find(conn, caller.account_id, key_id)
                if known is None:
                    raise KeyNotFound
                return known
            key, digest = revoked
            await audit.add(conn, caller.account_id, "key.revoked", Actor.of(caller, ip), key_id=key.id, name=key.name)
            await outbox.add(conn, KeyRevoked(digest=digest, key_id=key.id))
        log.info("key.revoked", key_id=key.id)
        return key


def _not_bound(caller: Caller) -> None:
    if caller.site is not None:
        raise BoundToSite
