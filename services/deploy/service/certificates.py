"""Certificates for custom domains: got once a proved domain leads here, and renewed in the last third of their life."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

from services.deploy.authority import Authority, AuthorityError, Issued
from services.deploy.certificates import Certificates
from services.deploy.domains import Domain
from services.deploy.proofs import Proofs
from services.deploy.store import domains as store
from shared import db, logs

log = logs.get(__name__)

#: Certificates of one round; more wait for the next.
ROUND: Final = 20
#: After a refusal: authorities count failed tries for each name and hour (Let's Encrypt: 5).
PAUSES: Final = tuple(timedelta(minutes=each) for each in (5, 15, 60, 180, 360, 720, 1440))
#: While a domain does not lead here yet, which no authority is asked about: on its first day, and after that.
SOON: Final = timedelta(minutes=5)
LATER: Final = timedelta(hours=1)
#: Seconds after writing a challenge until every replica that was asked in vain for it looks again.
SETTLE: Final = 0.2

ELSEWHERE: Final = "The domain does not lead here yet: http://{domain}/ is answered by another server, or by none."


class CertificateService:
    """Gets and renews; one for each process, each domain is one process's at a time."""

    def __init__(
        self, pool: db.Pool, *, proofs: Proofs, authority: Authority, certificates: Certificates, directory: str
    ) -> None:
        self._pool = pool
        self._proofs = proofs
        self._authority = authority
        self._certificates = certificates
        self._directory = directory
        self._connected = False

    async def renew_due(self) -> int:
        """Get the certificates whose time it is; return how many were got."""
        got = 0
        for _ in range(ROUND):
            async with db.acquire(self._pool) as conn:
                if (domain := await store.due_for_certificate(conn)) is None:
                    break
            got += await self._renew(domain)
        return got

    async def _renew(self, of: Domain) -> bool:
        if not await self._proofs.leads_here(of.domain):
            young = of.verified_at is not None and datetime.now(UTC) - of.verified_at < timedelta(days=1)
            await self._put_off(of, ELSEWHERE.format(domain=of.domain), SOON if young else LATER, counts=False)
            return False
        try:
            issued = await self._obtain(of.domain)
        except AuthorityError as error:
            pause = PAUSES[min(of.certificate_failures, len(PAUSES) - 1)]
            await self._put_off(of, str(error), max(pause, error.retry_after or pause), counts=True)
            return False
        await asyncio.to_thread(self._certificates.write, of.domain, issued.chain)
        async with db.acquire(self._pool) as conn:
            kept = await store.certified(conn, of, expires_at=issued.ends, next_at=_renewal(issued))
        log.info("certificate.issued", domain=of.domain, ends=issued.ends.isoformat(), kept=kept)
        return True

    async def _obtain(self, domain: str) -> Issued:
        await self._connect()
        key = await asyncio.to_thread(self._certificates.key, domain)
        order = await self._authority.order(domain, key)
        texts = {challenge.token: challenge.text for _, challenge in order.pending}
        async with db.acquire(self._pool) as conn:
            await store.add_challenges(conn, texts)
        try:
            await asyncio.sleep(SETTLE)
            return await self._authority.finish(order)
        finally:
            async with db.acquire(self._pool) as conn:
                await store.end_challenges(conn, list(texts))

    async def _connect(self) -> None:
        """Use the account that all processes share; the first one registers it."""
        if self._connected:
            return
        async with db.acquire(self._pool) as conn:
            state = await store.account(conn, self._directory)
        used = await self._authority.connect(state)
        async with db.acquire(self._pool) as conn:
            kept = await store.keep_account(conn, self._directory, used)
        if kept != used:
            await self._authority.connect(kept)
        self._connected = True

    async def _put_off(self, of: Domain, problem: str, pause: timedelta, *, counts: bool) -> None:
        log.warning("certificate.put_off", domain=of.domain, problem=problem, counts=counts)
        async with db.acquire(self._pool) as conn:
            await store.uncertified(conn, of, problem=problem, next_at=datetime.now(UTC) + pause, counts=counts)

    async def sweep(self) -> int:
        """Remove the files of domains that no site has any more; return how many domains that were."""
        there = await asyncio.to_thread(lambda: list(self._certificates.domains()))
        async with db.acquire(self._pool) as conn:
            gone = set(there) - await store.known(conn, there)
        for domain in gone:
            await asyncio.to_thread(self._certificates.remove, domain)
        return len(gone)


def _renewal(issued: Issued) -> datetime:
    return issued.begins + (issued.ends - issued.begins) * 2 / 3
