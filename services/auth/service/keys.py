"""Keys: making, listing, renaming, rotating and revoking them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from services.auth.audit import HOLDER, Actor
from services.auth.keys import (
    MAX_ACTIVE,
    MAX_WITH_GRACE,
    BoundToSite,
    Key,
    KeyEnded,
    KeyNotFound,
    KeyRotated,
    NewKey,
    TooManyKeys,
    require_scopes,
)
from services.auth.store import accounts, audit, sessions
from services.auth.store import keys as store
from shared import credentials, db, ids, outbox
from shared.auth_client import Caller
from shared.events import CredentialsChanged, KeyCreatedMail, KeyRevoked, KeyRotatedMail, KeysRevokedMail
from shared.idempotency import Once, StillRunning
from shared.logs import get
from shared.outbox import Outbox

log = get(__name__)

#: Digests in one message to the caches.
DIGESTS_AT_ONCE: Final = 1000
#: Keys that a mail about many names.
KEYS_IN_MAIL: Final = 10


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
            await accounts.lock_for(conn, caller)
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
        keys = await db.read(
            self._pool,
            lambda conn: store.page(conn, caller.account_id, only_active=only_active, limit=limit + 1, after=after),
        )
        return keys[:limit], keys[limit - 1].id if len(keys) > limit else None

    async def get(self, caller: Caller, key_id: str) -> Key:
        """Return one of the caller's keys. Raise KeyNotFound, BoundToSite."""
        _not_bound(caller)
        key = await db.read(self._pool, lambda conn: store.find(conn, caller.account_id, key_id))
        if key is None:
            raise KeyNotFound
        return key

    async def rename(self, caller: Caller, key_id: str, name: str, *, ip: str) -> Key:
        """Give an active key another name, and return it. Raise KeyNotFound, KeyEnded, BoundToSite."""
        _not_bound(caller)
        async with db.transaction(self._pool) as conn:
            held = await _hold(conn, caller, key_id)
            if not held.active:
                raise KeyEnded
            key = await store.rename(conn, key_id, name)
            detail = {"old": held.key.name, "new": name}
            await audit.add(conn, caller.account_id, "key.renamed", Actor.of(caller, ip), key_id=key_id, **detail)
        return key

    async def rotate(
        self, caller: Caller, key_id: str, *, grace: timedelta, expires_in: timedelta | None, ip: str
    ) -> Created:
        """Replace a key by a new one of the same name, scopes and site; the old one ends after `grace`.

        Of several at once one wins. Raise KeyNotFound, KeyRotated, KeyEnded, BeyondCaller, BoundToSite, TooManyKeys.
        """
        _not_bound(caller)
        async with self._outbox.transaction() as conn:
            account = await accounts.lock_for(conn, caller)
            held = await _hold(conn, caller, key_id)
            if held.key.replaced_by:
                raise KeyRotated(held.key.replaced_by)
            if not held.active:
                raise KeyEnded
            # or rotation would be a way to a stronger key
            require_scopes(caller, held.key.scopes)
            # the old one goes on for a while, and successors have successors: a chain of them has an end
            if grace and await store.count_active(conn, account.id) >= MAX_WITH_GRACE:
                raise TooManyKeys(
                    hint="Or rotate it with grace_seconds 0: then the old key makes room for the new one."
                )
            plaintext = credentials.mint()
            digest, hint = credentials.digest(plaintext), credentials.hint(plaintext)
            key = await store.add_successor(
                conn, key_id, key_id=ids.new_id("key"), digest=digest, hint=hint, expires_in=expires_in
            )
            old = await store.replace(conn, key_id, key.id, grace)
            detail = {"new_key_id": key.id, "grace_seconds": int(grace.total_seconds())}
            await audit.add(conn, caller.account_id, "key.rotated", Actor.of(caller, ip), key_id=key_id, **detail)
            await outbox.add(conn, _ended(old, held.digest))
            await outbox.add(conn, self._rotated_mail(account.email, old, key, ip=ip))
        log.info("key.rotated", key_id=key_id, new_key_id=key.id)
        return Created(plaintext=plaintext, key=key, email=account.email)

    async def revoke(self, caller: Caller, key_id: str, *, ip: str) -> Key:
        """End a key everywhere, and return it. Idempotent. Raise KeyNotFound, and BoundToSite for another's.

        The account gets a mail when another key did it: whoever revokes their own, or in a browser, knows.
        """
        if key_id != caller.credential_id:
            _not_bound(caller)
        async with self._outbox.transaction() as conn:
            revoked = await store.revoke(conn, caller.account_id, key_id)
            if revoked is None:
                known = await store.find(conn, caller.account_id, key_id)
                if known is None:
                    raise KeyNotFound
                return known
            key = revoked.key
            await audit.add(conn, caller.account_id, "key.revoked", Actor.of(caller, ip), key_id=key.id, name=key.name)
            await outbox.add(conn, KeyRevoked(digest=revoked.digest, key_id=key.id))
            if caller.kind == "key" and caller.credential_id != key_id:
                await outbox.add(conn, self._revoked_mail(caller.email, [key], how="with another key", ip=ip))
        log.info("key.revoked", key_id=key.id)
        return key

    async def revoke_held(self, plaintext: str, *, ip: str) -> None:
        """End the key that somebody shows us, if it is one that works (R53): who holds a key may end it."""
        if not credentials.well_formed(plaintext):
            return
        async with self._outbox.transaction() as conn:
            revoked = await store.revoke_by_digest(conn, credentials.digest(plaintext))
            if revoked is None:
                return
            key = revoked.key
            await audit.add(conn, key.account_id, "key.revoked", Actor(id=HOLDER, ip=ip), key_id=key.id, name=key.name)
            await outbox.add(conn, KeyRevoked(digest=revoked.digest, key_id=key.id))
            await outbox.add(conn, self._revoked_mail(revoked.email, [key], how="by somebody who holds it", ip=ip))
        log.warning("key.revoked", key_id=key.id, by=HOLDER)

    async def revoke_all(self, caller: Caller, *, keep_current: bool, ip: str) -> tuple[int, int]:
        """End all keys and browser sessions of the account in one transaction; return how many of each.

        Logins that were approved and have not brought theirs yet end as well.
        `keep_current` spares the credential it is called with. Raise BoundToSite.
        """
        _not_bound(caller)
        actor, spared = Actor.of(caller, ip), caller.credential_id if keep_current else None
        async with self._outbox.transaction() as conn:
            # a login that was approved would bring a key after this
            await accounts.end_logins(conn, caller.account_id)
            # no key is made meanwhile
            account = await accounts.lock_for(conn, caller)
            keys = await store.revoke_all(conn, account.id, except_id=spared)
            ended = await sessions.revoke_all(conn, account.id, except_id=spared)
            rows = [(held.key.id, {"name": held.key.name}) for held in keys]
            await audit.add_all(conn, account.id, "key.revoked", actor, rows)
            await audit.add_all(
                conn, account.id, "session.revoked", actor, [(None, {"session_id": i}) for i, _ in ended]
            )
            digests = [held.digest for held in keys] + [digest for _, digest in ended]
            for start in range(0, len(digests), DIGESTS_AT_ONCE):
                part = tuple(digests[start : start + DIGESTS_AT_ONCE])
                await outbox.add(conn, CredentialsChanged(account_id=account.id, digests=part))
            if keys:
                how = f"all at once, {'with a key' if caller.kind == 'key' else 'in a browser'}"
                newest = sorted((held.key for held in keys), key=lambda key: key.created_at, reverse=True)
                await outbox.add(conn, self._revoked_mail(account.email, newest, how=how, ip=ip))
        log.warning("account.revoked_all", account=account.id, keys=len(keys), sessions=len(ended))
        return len(keys), len(ended)

    def _rotated_mail(self, to: str, old: Key, new: Key, *, ip: str) -> KeyRotatedMail:
        ends_at = old.revoked_at or old.expires_at
        assert ends_at is not None  # noqa: S101 - a rotation sets one of them
        return KeyRotatedMail(
            to=to,
            name=new.name,
            old_hint=old.hint,
            hint=new.hint,
            ends_at=ends_at,
            ip=ip,
            rotated_at=new.created_at,
            dashboard_url=self._dashboard_url,
        )

    def _revoked_mail(self, to: str, keys: Sequence[Key], *, how: str, ip: str) -> KeysRevokedMail:
        revoked_at = keys[0].revoked_at
        assert revoked_at is not None  # noqa: S101 - that is what they are here for
        return KeysRevokedMail(
            to=to,
            keys=tuple((key.name, key.hint) for key in keys[:KEYS_IN_MAIL]),
            count=len(keys),
            how=how,
            ip=ip,
            revoked_at=revoked_at,
            dashboard_url=self._dashboard_url,
        )


def _not_bound(caller: Caller) -> None:
    if caller.site is not None:
        raise BoundToSite


async def _hold(conn: db.Connection, caller: Caller, key_id: str) -> store.Held:
    held = await store.hold(conn, caller.account_id, key_id)
    if held is None:
        raise KeyNotFound
    return held


def _ended(old: Key, digest: str) -> KeyRevoked | CredentialsChanged:
    """Return what caches have to hear of a rotated key: that it ended, or that it ends soon."""
    if old.revoked_at:
        return KeyRevoked(digest=digest, key_id=old.id)
    return CredentialsChanged(account_id=old.account_id, digests=(digest,))
