"""What the tests of keys do again and again: make one, turn one, read the trail."""

from typing import Any

import orjson

from tests.support.auth import Auth, Browser
from tests.support.client import Answer


async def a_key(auth: Auth, key: str, **body: Any) -> Any:
    """Make a key with another one, and return the answer that has it."""
    answer = await auth.call("POST", "/keys", key=key, json=body)
    assert answer.status == 201, answer.text
    return answer.json


async def rotate(auth: Auth, key: str, key_id: str, **body: Any) -> Answer:
    """Ask for a successor."""
    return await auth.call("POST", f"/keys/{key_id}/rotate", key=key, json=body)


async def works(auth: Auth, key: str) -> bool:
    """Tell whether auth takes a key."""
    answer = await auth.call("GET", "/auth/me", key=key)
    assert answer.status in {200, 401}, answer.text
    return answer.status == 200


async def trail(auth: Auth, action: str) -> list[Any]:
    """Return the audit trail's rows of an action, oldest first: actor, key, address, detail."""
    rows = await auth.db.fetch("SELECT actor, key_id, ip, detail FROM audit WHERE action = $1 ORDER BY id", action)
    return [(row["actor"], row["key_id"], row["ip"], orjson.loads(row["detail"])) for row in rows]


def cookie(browser: Browser) -> dict[str, str]:
    """Return the headers with which a logged in browser's page calls the API."""
    return {"Cookie": f"invoker_session={browser.cookies['invoker_session']}", "Sec-Fetch-Site": "same-origin"}
