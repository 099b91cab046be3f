"""The owner's API: `/deploy` and `/submissions`. Parse, call one method of the service, answer."""

import asyncio
import base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from services.deploy import documents, slugs, versions
from services.deploy.config import Config
from services.deploy.service import Content, DeployService, Published
from services.deploy.store import Deployment, DeploymentNotFound
from services.deploy.submissions import Submission
from shared import http, idempotency, ids, parsing
from shared.auth_client import Caller
from shared.callers import Callers
from shared.errors import BadRequest, Invalid

#: Bytes of one deploy (R18), and seconds that it may take (R24).
MAX_BODY: Final = 25 * http.MIB
DEADLINE: Final = 60.0
#: For how long a deleted site can be restored.
RESTORE: Final = timedelta(days=7)

SERVICE: Final = web.AppKey("service", DeployService)
CALLERS: Final = web.AppKey("callers", Callers)
CONFIG: Final = web.AppKey("config", Config)

routes = web.RouteTableDef()

Text = Annotated[str, Field(max_length=1000)]


class HtmlRequired(BadRequest):
    """Neither a page nor files."""

    code = "html_required"
    message = "html is required"
    hint = "Send 'html' with the page, or 'files' with a list of files."


class FileIn(BaseModel):
    """One file of a site of many."""

    model_config = ConfigDict(strict=True, frozen=True)

    path: str
    content: str
    contentType: str | None = None  # noqa: N815 - the published name
    encoding: Literal["base64"] | None = None

    def decoded(self) -> bytes:
        """Return the bytes. Raise Invalid when they are not what `encoding` says."""
        if self.encoding is None:
            return self.content.encode()
        try:
            return base64.b64decode(self.content, validate=True)
        except ValueError:  # binascii.Error is one, and so is what text beyond ASCII raises
            raise Invalid(f"The content of {self.path!r} is not valid base64") from None


class ContentIn(BaseModel):
    """What a deploy brings."""

    model_config = ConfigDict(strict=True, frozen=True)

    html: str | None = None
    files: list[FileIn] | None = None
    title: Text | None = None
    description: Text | None = None
    favicon: Annotated[str, Field(max_length=32)] | None = None
    is_spa: bool | None = None

    def content(self) -> Content:
        """Return what is to be published. Raise HtmlRequired, BadPath, Invalid."""
        if not self.html and not self.files:
            raise HtmlRequired
        if self.html and self.files:
            raise BadRequest("Send either html or files, not both")
        if self.html:
            files = {versions.INDEX: (self.html.encode(), versions.content_type(versions.INDEX, None))}
        else:
            given = self.files or []
            paths = versions.check_paths(file.path for file in given)
            files = {
                path: (file.decoded(), versions.content_type(path, file.contentType))
                for path, file in zip(paths, given, strict=True)
            }
        settings = self.model_dump(include={"title", "description", "favicon", "is_spa"}, exclude_none=True)
        head = documents.Head(title=self.title, description=self.description, favicon=self.favicon)
        return Content(files=files, head=head, settings=settings)

    def check_names(self) -> None:
        """Raise BadPath for a file's path that breaks a rule."""
        versions.check_paths(file.path for file in self.files or ())


class DeployIn(ContentIn):
    """A new site: its content, and perhaps a name."""

    slug: str | None = None

    def check_names(self) -> None:
        """Raise BadSlug too."""
        if self.slug is not None:
            slugs.check(self.slug)
        super().check_names()


C = TypeVar("C", bound=ContentIn)


async def _read(request: web.Request, model: type[C]) -> tuple[C, bytes]:
    """Read the body, and return its bytes too.

    A NUL makes a bad name of a name (400), and text that is not taken of any other (422).
    """
    raw = await http.read_json_bytes(request)
    value = parsing.parse_json_with_nul(raw)
    body = parsing.validate(model, value)
    if parsing.NUL in raw:
        body.check_names()
        parsing.refuse_nul(raw, value)
    return body, raw


@routes.post("/deploy")
@http.rules(body=MAX_BODY, deadline=DEADLINE)
async def create(request: web.Request) -> web.Response:
    """Publish a new site."""
    caller = await _caller(request, "deploy")
    body, raw = await _read(request, DeployIn)
    once = idempotency.once(request, raw)
    slug = slugs.check(body.slug) if body.slug is not None else None
    content = await asyncio.to_thread(body.content)
    made = await request.app[SERVICE].create(caller, content, slug, once, ip=_ip(request))
    return _published(request, made)


@routes.put("/deploy/{id}")
@http.rules(body=MAX_BODY, deadline=DEADLINE)
async def replace(request: web.Request) -> web.Response:
    """Publish a new version at the same address."""
    caller = await _caller(request, "deploy")
    body, _ = await _read(request, ContentIn)
    content = await asyncio.to_thread(body.content)
    made = await request.app[SERVICE].replace(caller, _id(request), content, ip=_ip(request))
    return _published(request, made)


@routes.get("/deploy")
async def list_all(request: web.Request) -> web.Response:
    """List the caller's sites, newest first."""
    caller = await _caller(request, "read")
    limit = _number(request, "limit", default=50, largest=200)
    before = _read_cursor(request, "dep")
    found, more = await request.app[SERVICE].list(caller, limit=limit, before=before)
    cursor = _cursor(found[-1]) if more else None
    return http.json({"deployments": [_deployment(request, each) for each in found], "next_cursor": cursor})


@routes.get("/deploy/{id}")
async def read(request: web.Request) -> web.Response:
    """Show one site."""
    caller = await _caller(request, "read")
    return http.json(_deployment(request, await request.app[SERVICE].read(caller, _id(request))))


@routes.delete("/deploy/{id}")
async def delete(request: web.Request) -> web.Response:
    """Take a site down; it can be restored for a week."""
    caller = await _caller(request, "deploy")
    deployment_id = _id(request)
    moment = await request.app[SERVICE].delete(caller, deployment_id, ip=_ip(request))
    return http.json(
        {"id": deployment_id, "deleted_at": http.timestamp(moment), "restore_until": http.timestamp(moment + RESTORE)}
    )


@routes.get("/submissions/{id}")
async def list_submissions(request: web.Request) -> web.Response:
    """List what was sent through a site's forms, newest first."""
    caller = await _caller(request, "submissions")
    page = _number(request, "page", default=1, largest=1_000_000)
    limit = _number(request, "limit", default=50, largest=200)
    before = _read_cursor(request, "sub")
    listed = await request.app[SERVICE].submissions(caller, _id(request), page=page, limit=limit, before=before)
    cursor = _cursor(listed.found[-1]) if listed.more else None
    rows = _submissions(listed.found)
    return http.json({"submissions": rows, "total": listed.total, "page": page, "limit": limit, "next_cursor": cursor})


async def _caller(request: web.Request, scope: str) -> Caller:
    return await request.app[CALLERS].caller(request, scope=scope)


def _ip(request: web.Request) -> str:
    return http.client_ip(request, request.app[CONFIG].trusted_proxies)


def _id(request: web.Request) -> str:
    """Return the deployment's id in the path. Raise DeploymentNotFound for what cannot be one."""
    deployment_id = request.match_info["id"]
    if not ids.is_id(deployment_id, "dep"):
        raise DeploymentNotFound
    return deployment_id


def _number(request: web.Request, name: str, *, default: int, largest: int) -> int:
    """Return a number of the query, from 1 to `largest`. Raise Invalid for anything else."""
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= largest):
        raise Invalid(f"{name}: must be a number from 1 to {largest}")
    return int(text)


def _cursor(last: Deployment | Submission) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([last.created_at, last.id])).decode().rstrip("=")


def _read_cursor(request: web.Request, prefix: str) -> tuple[datetime, str] | None:
    """Return what `_cursor` wrote for rows with ids of this prefix. Raise Invalid for anything else."""
    if (text := request.query.get("cursor")) is None:
        return None
    try:
        given, last = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        # in UTC, or a year may come out that the database cannot be asked for
        moment = datetime.fromisoformat(given).astimezone(UTC)
        if ids.is_id(last, prefix):
            return moment, last
    except (ValueError, TypeError, AttributeError, OverflowError):
        pass
    raise Invalid("cursor: is not one that a list gave")


# What is shown


def _published(request: web.Request, site: Published) -> web.Response:
    url = request.app[CONFIG].site_url(site.slug)
    return http.json({"id": site.id, "slug": site.slug, "url": url, "version": site.version})


def _deployment(request: web.Request, site: Deployment) -> dict[str, Any]:
    return {
        "id": site.id,
        "slug": site.slug,
        "status": "active",
        "url": request.app[CONFIG].site_url(site.slug),
        "submission_count": site.submissions,
        "created_at": http.timestamp(site.created_at),
        "updated_at": http.timestamp(site.updated_at),
        "version": site.version,
        "title": site.settings.get("title"),
        "files": site.files,
        "size": site.size,
        "settings": site.settings,
    }


def _submissions(found: Sequence[Submission]) -> list[dict[str, Any]]:
    return [
        {
            "id": each.id,
            "data": each.data,
            "form": each.form,
            "status": each.status,
            "created_at": http.timestamp(each.created_at),
            "version": each.version,
            "files": [],
            "read_at": None,
        }
        for each in found
    ]
