"""What deploy does by itself."""

from typing import TYPE_CHECKING, Final

from services.deploy.service.domains import DomainService
from services.deploy.service.notices import Notices
from services.deploy.service.upkeep import Upkeep
from services.deploy.service.webhook_upkeep import WebhookUpkeep
from shared.jobs import Job

if TYPE_CHECKING:
    from services.deploy.service.certificates import CertificateService


#: Seconds between two looks for custom domains whose time it is.
DOMAINS_EVERY: Final = 15.0
#: Seconds between two looks for webhooks that too much waits for.
BACKLOGS_EVERY: Final = 10.0


def jobs(upkeep: Upkeep) -> list[Job]:
    """Return all there is to do."""
    minute, hour = 60.0, 3600.0
    return [
        Job(name="end_accounts", seconds=minute, run=upkeep.end_accounts),
        Job(name="expire_sites", seconds=minute, run=upkeep.expire),
        Job(name="purge_sites", seconds=10 * minute, run=upkeep.purge),
        Job(name="retire_submissions", seconds=hour, run=upkeep.retire_submissions),
        Job(name="retire_held", seconds=hour, run=upkeep.retire_held),
        Job(name="forget_notices", seconds=hour, run=upkeep.forget_notices),
        Job(name="forget_days", seconds=24 * hour, run=upkeep.forget_days),
        Job(name="sweep_uploads", seconds=10 * minute, run=upkeep.sweep_uploads),
        Job(name="sweep_blobs", seconds=10 * minute, run=upkeep.sweep_blobs),
    ]


def mail_jobs(notices: Notices) -> list[Job]:
    """Return what there is to do about mails, beside sending them."""
    return [
        Job(name="forget_mails", seconds=3600.0, run=notices.forget_mails),
        Job(name="forget_asks", seconds=3600.0, run=notices.forget_asks),
    ]


def domain_jobs(domains: DomainService, certificates: "CertificateService | None") -> list[Job]:
    """Return what there is to do for custom domains: apart from the others, it waits for servers of other people."""
    found = [Job(name="look_at_domains", seconds=DOMAINS_EVERY, run=domains.look_at_due)]
    if certificates is not None:
        found.append(Job(name="renew_certificates", seconds=DOMAINS_EVERY, run=certificates.renew_due))
        found.append(Job(name="sweep_certificates", seconds=3600.0, run=certificates.sweep))
    return found


def webhook_jobs(upkeep: WebhookUpkeep) -> list[Job]:
    """Return what there is to do for webhooks, beside sending: apart from the others, which may take long."""
    return [
        Job(name="mark_backlogs", seconds=BACKLOGS_EVERY, run=upkeep.mark_backlogs),
        Job(name="sweep_deliveries", seconds=3600.0, run=upkeep.sweep),
    ]
