"""What operators do about sites, and what visitors report to them (R73)."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Final

from services.deploy import hosts, reports
from services.deploy.changed import Changed
from services.deploy.config import Config
from services.deploy.reports import REASONS, Report
from services.deploy.service.telling import Telling
from services.deploy.store import moderation as store
from services.deploy.store.moderation import Subject
from shared import db, ids, logs, outbox
from shared.errors import NotFound
from shared.events import Audited, SiteChanged, SiteReinstatedMail, SiteReportedMail, SiteTakenDownMail

log = logs.get(__name__)

#: Who did it, in the audit trail: operators have no keys.
OPERATOR: Final = "operator"
#: Reports of one list.
REPORTS: Final = 200


#: Lends a connection inside a transaction that may write messages: a running service's outbox sends them at once.
Transaction = Callable[[], AbstractAsyncContextManager[db.Connection]]


class SiteUnknown(NotFound):
    """What was named is no site's."""

    code = "site_not_found"
    message = "There is no such site"
    hint = "Name it by its slug, its id (dep_…), its domain, or the address of one of its pages."


class AccountUnknown(NotFound):
    """No account of this id has a site."""

    code = "account_not_found"
    message = "There is no such account"


class ReportUnknown(NotFound):
    """No report has this id."""

    code = "report_not_found"
    message = "There is no such report"


class Moderation:
    """The use cases of operators; one for each process."""

    def __init__(self, pool: db.Pool, transaction: Transaction, telling: Telling, config: Config) -> None:
        self._pool = pool
        self._transaction = transaction
        self._telling = telling
        self._config = config
        self._site_of = reports.reader(config)

    async def take_down(self, named: str, reason: str) -> Subject:
        """Take a site down everywhere, and tell its owner why. Raise SiteUnknown. Idempotent.

        When it returns, every replica and gateway that can be told answers 451, to conditional requests too.
        """
        async with self._transaction() as conn:
            site = await self._find(conn, named)
            await store.take_down(conn, site.id, reason)
            await self._write(conn, site, "site.taken_down", {"reason": reason})
            if site.email and not site.taken_down:
                await outbox.add(conn, self._notice(site, reason))
        log.info("site.taken_down", deployment=site.id, slug=site.slug)
        await self._tell(site)
        return site

    async def reinstate(self, named: str) -> Subject:
        """Put a site back as it was, and tell its owner. Raise SiteUnknown. Idempotent."""
        async with self._transaction() as conn:
            site = await self._find(conn, named)
            await store.reinstate(conn, site.id)
            await self._write(conn, site, "site.reinstated", {})
            if site.email and site.taken_down:
                url, now = self._config.site_url(site.slug), datetime.now(UTC)
                await outbox.add(
                    conn, SiteReinstatedMail(to=site.email, slug=site.slug, site_url=url, reinstated_at=now)
                )
        log.info("site.reinstated", deployment=site.id, slug=site.slug)
        await self._tell(site)
        return site

    async def trust(self, account_id: str) -> None:
        """Let an account's pages ask for passwords from now on. Raise AccountUnknown. Idempotent."""
        async with db.acquire(self._pool) as conn:
            if not await store.trust(conn, account_id):
                raise AccountUnknown
        log.info("account.trusted", account=account_id)

    async def report(self, url: str, *, reason: str, details: str, reporter: str | None) -> Report:
        """Keep what a visitor reports, and tell the operator. Raise SiteUnknown for what is no site's address."""
        if (name := hosts.read(self._site_of(url) or "")) is None:
            raise SiteUnknown
        async with self._transaction() as conn:
            site = await store.find(conn, name)
            if site is None and name.kind == "domain":
                # anybody's: names below the sites' domain have been ours at least
                raise SiteUnknown
            report_id = ids.new_id("rep")
            await store.add_report(
                conn, report_id, site.id if site else None, url=url, reason=reason, details=details, reporter=reporter
            )
            report = await store.find_report(conn, report_id)
            assert report is not None  # noqa: S101 - written right above
            if self._config.operator_email:
                await outbox.add(conn, self._mail(report))
        log.info("site.reported", report=report.id, deployment=report.deployment_id, reason=reason)
        return report

    async def open_reports(self) -> Sequence[Report]:
        """Return the reports that nobody has dealt with, oldest first."""
        async with db.acquire(self._pool) as conn:
            return await store.open_reports(conn, REPORTS)

    async def handle(self, report_id: str) -> None:
        """Note that a report was dealt with. Raise ReportUnknown. Idempotent."""
        async with db.acquire(self._pool) as conn:
            if not await store.handle_report(conn, report_id):
                raise ReportUnknown
        log.info("report.handled", report=report_id)

    async def _find(self, conn: db.Connection, named: str) -> Subject:
        name = hosts.read(self._site_of(named) or "")
        if name is None or (found := await store.find(conn, name)) is None:
            raise SiteUnknown
        return found

    async def _write(self, conn: db.Connection, site: Subject, action: str, detail: dict[str, str]) -> None:
        """Write beside the change what caches and the owner's audit trail have to hear."""
        await outbox.add(conn, SiteChanged(deployment_id=site.id, slug=site.slug, domains=tuple(site.domains)))
        if site.anonymous:
            # there is no account whose trail it could be
            return
        told = Audited(
            account_id=site.account_id,
            at=datetime.now(UTC),
            action=action,
            actor=OPERATOR,
            key_id=None,
            ip=None,
            detail={"site": site.id, "slug": site.slug, **detail},
        )
        await outbox.add(conn, told)

    async def _tell(self, site: Subject) -> None:
        await self._telling.tell(Changed(id=site.id, slug=site.slug, domains=tuple(site.domains)))

    def _notice(self, site: Subject, reason: str) -> SiteTakenDownMail:
        return SiteTakenDownMail(
            to=site.email,
            slug=site.slug,
            site_url=self._config.site_url(site.slug),
            reason=reason,
            taken_down_at=datetime.now(UTC),
            reply_to=self._config.operator_email or None,
        )

    def _mail(self, report: Report) -> SiteReportedMail:
        return SiteReportedMail(
            to=self._config.operator_email,
            report_id=report.id,
            url=report.url,
            deployment_id=report.deployment_id,
            slug=report.slug,
            reason=REASONS[report.reason],
            details=report.details,
            reply_to=report.reporter,
            reported_at=report.created_at,
        )
