"""What a test changes in deploy's tables by itself, and every process sees at once."""

from typing import Any

import asyncpg

from tests.support.deploying import Deploy


async def change(deploy: Deploy, statement: str, *values: Any) -> None:
    """Execute a statement on deploy's tables; what is known of sites is looked up again."""
    conn = await asyncpg.connect(deploy.database_url, server_settings={"search_path": "deploy"})
    try:
        await conn.execute(statement, *values)
    finally:
        await conn.close()
    deploy.bus.gap()
