"""What a site's next version no longer asks for, among what is said about it."""

from collections.abc import Sequence

from services.deploy import form_changes
from services.deploy.checks import MAX_FINDINGS, Finding
from services.deploy.contracts import Contract
from services.deploy.store import versions as rows
from shared import db


async def with_lost(
    conn: db.Connection, deployment_id: str, live: int | None, new: Contract, warnings: Sequence[Finding]
) -> Sequence[Finding]:
    """Return what is to be said, first about answered fields that the live version has and the new one has not."""
    if live is None:
        return warnings
    before, answered = await rows.answered(conn, deployment_id, live)
    return [*form_changes.lost(before, new, answered), *warnings][:MAX_FINDINGS]
