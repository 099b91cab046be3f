"""What auth does by itself."""

from services.auth.service.upkeep import Upkeep
from shared.jobs import Job


def jobs(upkeep: Upkeep) -> list[Job]:
    """Return all there is to do."""
    minute, hour = 60.0, 3600.0
    return [
        Job(name="notice_expiring_keys", seconds=10 * minute, run=upkeep.notice_expiring_keys),
        Job(name="purge_logins", seconds=hour, run=upkeep.purge_logins),
        Job(name="purge_code_mails", seconds=hour, run=upkeep.purge_code_mails),
        Job(name="purge_sessions", seconds=hour, run=upkeep.purge_sessions),
        Job(name="purge_accounts", seconds=10 * minute, run=upkeep.purge_accounts),
    ]
