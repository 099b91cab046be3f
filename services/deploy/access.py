"""What the API's nouns share: who calls, what a path and a query name, and how a site is shown."""

import base64
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from aiohttp import web

from services.deploy.checks import Finding
from services.deploy.config import Config
from services.deploy.deliveries import LogRow
from services.deploy.deployments import RESTORE, ClaimFirst, Deployment, DeploymentNotFound
from services.deploy.received import Received
from services.deploy.service.archives import Archives
from services.deploy.service.claims import PREFIX, Claims
from services.deploy.service.deployments import Deployments
from services.deploy.service.edits import Edits
from services.deploy.service.publishing import Published, Publishing
from services.deploy.service.uploads import Uploads
from shared import callers, http, ids, limits
from shared.auth_client import Caller
from shared.callers import Callers
from shared.errors import Invalid, Unauthorized

PUBLISHING: Final = web.AppKey("publishing", Publishing)
DEPLOYMENTS: Final = web.AppKey("deployments", Deployments)
EDITS: Final = web.AppKey("edits", Edits)
UPLOADS: Final = web.AppKey("uploads", Uploads)
CLAIMS: Final = web.AppKey("claims", Claims)
ARCHIVES: Final = web.AppKey("archives", Archives)
CALLERS: Final = web.AppKey("callers", Callers)
CONFIG: Final = web.AppKey("config", Config)
LIMITER: Final = web.AppKey("limiter", limits.Limiter)


async def caller(request: web.Request, scope: str) -> Caller:
    """Return who calls with a key or a browser session.

    Raise Unauthorized, MissingScope, ClaimFirst for a claim token, CrossSite, Unavailable.
    """
    if await _claimant(request) is not None:
        raise ClaimFirst
    return await request.app[CALLERS].caller(request, scope=scope)


async def holder(request: web.Request, scope: str) -> Caller:
    """Return who calls, the holder of an anonymous site's claim token too. Raise as `caller`."""
    if (found := await _claimant(request)) is None:
        return await request.app[CALLERS].caller(request, scope=scope)
    return callers.admit(request, found, scope)


async def _claimant(request: web.Request) -> Caller | None:
    """Return whom a claim token stands for, None when the request has none. Raise Unauthorized for a wrong one."""
    if (token := callers.bearer(request)) is None or not token.startswith(PREFIX):
        return None
    if (found := await request.app[CLAIMS].holder(token)) is None:
        raise Unauthorized(hint="This claim token is wrong, was used, or its 24 hours are over.")
    return found


def ip(request: web.Request) -> str:
    """Return the caller's address as the limits count it."""
    return http.client_ip(request, request.app[CONFIG].trusted_proxies)


def deployment_id(request: web.Request) -> str:
    """Return the deployment's id in the path. Raise DeploymentNotFound for what cannot be one."""
    text = request.match_info["id"]
    if not ids.is_id(text, "dep"):
        raise DeploymentNotFound
    return text


def submissions_url(request: web.Request) -> str:
    """Return where the submissions of the site in the path are found."""
    return f"{request.app[CONFIG].api_url}/submissions/{deployment_id(request)}"


def number(request: web.Request, name: str, *, default: int, largest: int) -> int:
    """Return a number of the query, from 1 to `largest`. Raise Invalid for anything else."""
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= largest):
        raise Invalid(f"{name}: must be a number from 1 to {largest}")
    return int(text)


def cursor(last: Deployment | Received | LogRow) -> str:
    """Return what stands for a place in a list, to be read by `read_cursor`."""
    return base64.urlsafe_b64encode(orjson.dumps([last.created_at, last.id])).decode().rstrip("=")


def read_cursor(request: web.Request, *prefixes: str) -> tuple[datetime, str] | None:
    """Return what `cursor` wrote for rows with ids of these prefixes. Raise Invalid for anything else."""
    if (text := request.query.get("cursor")) is None:
        return None
    try:
        given, last = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        # in UTC, or a year may come out that the database cannot be asked for
        moment = datetime.fromisoformat(given).astimezone(UTC)
        if any(ids.is_id(last, prefix) for prefix in prefixes):
            return moment, last
    except (ValueError, TypeError, AttributeError, OverflowError):
        pass
    raise Invalid("cursor: is not one that a list gave")


# What is shown


def published(request: web.Request, site: Published) -> dict[str, Any]:
    """Show the answer to a deploy."""
    config = request.app[CONFIG]
    shown: dict[str, Any] = {
        "id": site.id,
        "slug": site.slug,
        "url": config.site_url(site.slug),
        "version": site.version,
        "live": site.live,
        "preview_url": preview_url(request, site.slug, site.version),
        "warnings": [finding(each) for each in site.warnings],
        "missing": list(site.missing),
    }
    if site.expires_at is not None:
        shown["expires_at"] = http.timestamp(site.expires_at)
    if site.claim_token is not None:
        shown["claim_token"] = site.claim_token
        # after the #: a browser keeps it from servers and their logs
        shown["claim_url"] = f"{config.app_url}/claim/{site.slug}#{site.claim_token}"
    return shown


def finding(given: Finding) -> dict[str, Any]:
    """Show what was noticed about a page."""
    return {"code": given.code, "message": given.message, "path": given.path, "line": given.line}


def preview_url(request: web.Request, slug: str, version: int) -> str:
    """Return where a version is served."""
    return request.app[CONFIG].site_url(f"{slug}--v{version}")


def deployment(request: web.Request, site: Deployment) -> dict[str, Any]:
    """Show a site to its owner."""
    shown = {
        "id": site.id,
        "slug": site.slug,
        "status": site.status,
        "url": request.app[CONFIG].site_url(site.slug),
        "preview_url": preview_url(request, site.slug, site.version) if site.version else None,
        "submission_count": site.submissions,
        "created_at": http.timestamp(site.created_at),
        "updated_at": http.timestamp(site.updated_at),
        "expires_at": http.timestamp(site.expires_at),
        "version": site.version,
        "title": site.settings.get("title"),
        "files": site.files,
        "size": site.size,
        "settings": SETTINGS | dict(site.settings) | {"password_set": site.password_set},
    }
    if site.taken_down_why is not None:
        shown["taken_down_reason"] = site.taken_down_why
    if site.deleted_at is not None:
        shown["deleted_at"] = http.timestamp(site.deleted_at)
        shown["restore_until"] = http.timestamp(site.deleted_at + RESTORE)
    return shown


#: What a site's settings are while nobody has changed them.
SETTINGS: Final[dict[str, Any]] = {
    "title": None,
    "description": None,
    "favicon": None,
    "is_spa": False,
    "noindex": False,
    "notify_email": True,
    "allowed_origins": [],
    "redirect": None,
    "retention": None,
    "files": False,
    "spam_words": [],
    "proof_of_work": False,
}
