"""Finds a site by what people call it: the API knows sites by their id."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from invoker_mcp.server.tool import ToolError

if TYPE_CHECKING:
    from invoker_mcp.api import Api

ID = re.compile(r"dep_[0-9A-Za-z]{1,64}")
MOST_PAGES = 20


def text(answer: dict[str, Any], name: str) -> str | None:
    held = answer.get(name)
    return held if isinstance(held, str) else None


def number(answer: dict[str, Any], name: str) -> int | None:
    held = answer.get(name)
    return held if isinstance(held, int) and not isinstance(held, bool) else None


def picked(answer: dict[str, Any], *names: str) -> dict[str, Any]:
    """Give those fields that are there."""
    return {name: answer[name] for name in names if answer.get(name) is not None}


async def site_id(api: Api, site: str, *, status: str = "active") -> str:
    """Give the id of a site of the caller's, named by its id, slug or address."""
    from invoker_mcp.api import rows

    if ID.fullmatch(site):
        return site
    name, cursor = site.strip().rstrip("/").lower(), None
    for _ in range(MOST_PAGES):
        answer = await api.get("/deploy", params={"limit": 200, "status": status, "cursor": cursor})
        for row in rows(answer, "deployments"):
            names = {row.get("slug"), str(row.get("url")).rstrip("/")}
            if name in names and ID.fullmatch(str(row.get("id"))):
                return str(row["id"])
        cursor = text(answer, "next_cursor")
        if cursor is None:
            break
    kind = "deleted site" if status == "deleted" else "site"
    raise ToolError(f"You have no {kind} {site!r}", "list_sites shows those that you have; give a slug or an id of it.")
