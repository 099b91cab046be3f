"""What deploy does by itself."""

from services.deploy.service.upkeep import Upkeep
from shared.jobs import Job


def jobs(upkeep: Upkeep) -> list[Job]:
    """Return all there is to do."""
    minute, hour = 60.0, 3600.0
    return [
        Job(name="end_accounts", seconds=minute, run=upkeep.end_accounts),
        Job(name="expire_sites", seconds=minute, run=upkeep.expire),
        Job(name="purge_sites", seconds=10 * minute, run=upkeep.purge),
        Job(name="retire_submissions", seconds=hour, run=upkeep.retire_submissions),
        Job(name="sweep_blobs", seconds=10 * minute, run=upkeep.sweep_blobs),
    ]
