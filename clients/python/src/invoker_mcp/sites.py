"""Sites by the names that people use: the API's paths take ids, people say slugs or addresses."""

from typing import Any

from invoker_mcp.api import Api, rows
from invoker_mcp.errors import ClientError
from invoker_mcp.project import SITE_ID

#: Of 200 sites each: an account with more names them by id.
MOST_PAGES = 25


async def site_id(api: Api, name: str) -> str:
    """Return the id of the caller's site of this id, slug or address."""
    return name if SITE_ID.fullmatch(name) else str((await find(api, name))["id"])


async def find(api: Api, name: str) -> dict[str, Any]:
    """Return the caller's site; raise `ClientError` when there is none."""
    if SITE_ID.fullmatch(name):
        return await api.get(f"/deploy/{name}")
    if (site := await look(api, name)) is not None:
        return site
    raise ClientError(f"You have no site {name}", hint="invoker sites lists those that you have.")


async def look(api: Api, name: str) -> dict[str, Any] | None:
    """Return the site of this slug or address, or None."""
    wanted = name.rstrip("/")
    cursor: Any = None
    for _ in range(MOST_PAGES):
        page = await api.get("/deploy", params={"limit": 200, "cursor": cursor})
        for site in rows(page, "deployments"):
            if wanted in {site.get("slug"), str(site.get("url")).rstrip("/")} and SITE_ID.fullmatch(
                str(site.get("id"))
            ):
                return site
        cursor = page.get("next_cursor")
        if not isinstance(cursor, str):
            return None
    return None
