"""Words for what went wrong that say what to do next."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from invoker_mcp.server.caller import LOG_IN, SEND_A_KEY, Caller
from invoker_mcp.server.tool import ToolError, sentences

if TYPE_CHECKING:
    from invoker_mcp.errors import ClientError

log = logging.getLogger(__name__)
#: Hints that the API words for programs, in words for who uses tools.
INSTEAD = {
    "edit_not_unique": "Call get_site with `path` to see the text as it is, and take enough of it to stand there once.",
    "version_conflict": "Somebody changed the site meanwhile: call get_site to see it, then try again.",
    "limit_reached": "Show the user list_sites; delete_site makes room, or they upgrade their plan.",
    "incomplete_version": "Some of its files never arrived: call deploy again, which sends what is missing.",
    "not_text": "Send the whole file with deploy instead.",
}


def words(error: Exception, caller: Caller, given: dict[str, Any]) -> str:
    """Give the text of a tool error; what nobody foresaw goes to the log, not to the client."""
    from invoker_mcp.errors import ClientError, NotLoggedIn

    if isinstance(error, ToolError):
        return str(error)
    if isinstance(error, NotLoggedIn):
        return sentences(error.message, SEND_A_KEY if caller.remote else LOG_IN)
    if isinstance(error, ClientError):
        return _of_client(error, given)
    log.error("a tool failed", exc_info=error)
    return f"This went wrong inside the server ({type(error).__name__}). Try once more; its log has the details."


def _of_client(error: ClientError, given: dict[str, Any]) -> str:
    from invoker_mcp.errors import ApiError

    if not isinstance(error, ApiError):
        return sentences(error.message, error.hint or "")
    hint = INSTEAD.get(error.code, error.hint or "")
    if error.code == "slug_taken" and "slug" in given:
        hint = f"Try {another(given['slug'])}, or omit slug for a random one."
    if error.retry_after is not None:
        hint = f"{hint} Try again in {error.retry_after:.0f} seconds.".strip()
    request = f" (request {error.request_id})" if error.request_id else ""
    return sentences(error.message, hint) + request


def another(slug: str) -> str:
    """Give the next name after one that is taken: my-page, my-page-2, my-page-3."""
    stem, _, last = slug.rpartition("-")
    if stem and last.isdigit() and len(last) < 4:
        return f"{stem}-{int(last) + 1}"
    return f"{slug[:60].rstrip('-')}-2"
