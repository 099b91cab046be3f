"""The SQL of files that visitors send: loose until a submission is stored that has them."""

from collections.abc import Sequence

from services.deploy.attachments import Attachment
from shared.db import Connection


async def add_loose(conn: Connection, deployment_id: str, files: Sequence[Attachment]) -> None:
    """Write down files whose bytes come next: what a crash leaves is found by its row."""
    await conn.executemany(
        "INSERT INTO uploads (id, deployment_id, blob, name, type, size) VALUES ($1, $2, $3, $4, $5, $6)",
        [(each.id, deployment_id, each.blob, each.name, each.type, each.size) for each in files],
    )
