"""What visitors sent, for the site's owner: lists, one with its trace, marks, deletion, figures, files."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, Self

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.deploy import access, filters
from services.deploy.received import Received, SubmissionNotFound, show
from services.deploy.service.inbox import Inbox
from shared import bodies, http, ids, streaming

INBOX: Final = web.AppKey("inbox", Inbox)
#: Seconds for which a deletion of many goes on before it answers how far it came.
DELETING: Final = 20.0
#: Submissions that one request may name.
MANY: Final = 1000
#: Seconds that a file's download may take.
DOWNLOAD_DEADLINE: Final = 300.0

routes = web.RouteTableDef()

Id = Annotated[str, Field(pattern=r"^sub_[0-9A-Za-z]{16,32}$")]
Ids = Annotated[list[Id], Field(min_length=1, max_length=MANY)]


@routes.get("/submissions/{id}")
async def list_submissions(request: web.Request) -> web.Response:
    """List what was sent through a site's forms, newest first."""
    caller = await access.caller(request, "submissions")
    page = access.number(request, "page", default=1, largest=1_000_000)
    limit = access.number(request, "limit", default=50, largest=200)
    before = access.read_cursor(request, "sub")
    given = filters.read(request)
    listed = await request.app[INBOX].list(caller, given, limit=limit, page=page, before=before)
    columns = [
        {
            "name": each.name,
            "type": each.type,
            "label": each.label,
            "options": list(each.options),
            "current": each.current,
        }
        for each in listed.columns
    ]
    return http.json(
        {
            "submissions": [_row(request, each) for each in listed.found],
            "total": listed.total,
            "total_is_exact": listed.is_exact,
            "page": page,
            "limit": limit,
            "next_cursor": access.cursor(listed.found[-1]) if listed.more else None,
            "columns": columns,
        }
    )


@routes.get("/submissions/{id}/stats")
async def stats(request: web.Request) -> web.Response:
    """Say what came on each day, what became of it and why, and how many there are now."""
    caller = await access.caller(request, "submissions")
    count = access.number(request, "days", default=30, largest=365)
    found = await request.app[INBOX].stats(
        caller, access.deployment_id(request), count=count, form=filters.form(request)
    )
    return http.json(
        {
            "days": [{"day": each.day.isoformat(), **each.counts, "reasons": each.reasons} for each in found.days],
            "forms": list(found.forms),
            "totals": {"accepted": found.totals.accepted, "spam": found.totals.spam, "unread": found.totals.unread},
        }
    )


@routes.get("/submissions/{id}/{submission_id}")
async def read(request: web.Request) -> web.Response:
    """Show one submission and what became of it."""
    caller = await access.caller(request, "submissions")
    found = await request.app[INBOX].read(caller, access.deployment_id(request), _submission_id(request))
    trace = [hop.show() for hop in found.hops]
    return http.json(_row(request, found.submission) | {"trace": trace, "request_id": found.request_id})


class MarksIn(BaseModel):
    """How submissions are to be marked."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    status: Literal["accepted", "spam"] | None = None
    read: bool | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.status is None and self.read is None:
            raise ValueError("give 'status', 'read' or both")
        return self


class ManyMarksIn(MarksIn):
    """Which ones, and how."""

    ids: Ids


@routes.patch("/submissions/{id}/{submission_id}")
async def change(request: web.Request) -> web.Response:
    """Mark one submission; what is rescued from spam goes where it would have gone at first."""
    caller = await access.caller(request, "submissions")
    body = await bodies.read_model(request, MarksIn)
    found = await request.app[INBOX].change(
        caller, access.deployment_id(request), _submission_id(request), status=body.status, read=body.read
    )
    return http.json(_row(request, found))


@routes.patch("/submissions/{id}")
async def change_many(request: web.Request) -> web.Response:
    """Mark many."""
    caller = await access.caller(request, "submissions")
    body = await bodies.read_model(request, ManyMarksIn)
    changed = await request.app[INBOX].change_many(
        caller, access.deployment_id(request), body.ids, status=body.status, read=body.read
    )
    return http.json({"changed": changed})


@routes.delete("/submissions/{id}/{submission_id}")
async def delete(request: web.Request) -> web.Response:
    """Delete one submission, with its files and what waits to be sent about it."""
    caller = await access.caller(request, "submissions")
    submission_id = _submission_id(request)
    moment = await request.app[INBOX].delete(caller, access.deployment_id(request), submission_id)
    return http.json({"id": submission_id, "deleted_at": http.timestamp(moment)})


class DeleteIn(BaseModel):
    """Certain ones, or all of a status, or those before a time, or both of these."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    ids: Ids | None = None
    status: Literal["accepted", "spam", "test"] | None = None
    before: Annotated[datetime, Field(strict=False)] | None = None

    @model_validator(mode="after")
    def _either(self) -> Self:
        if (self.ids is None) is (self.status is None and self.before is None):
            raise ValueError("give either 'ids', or 'status', 'before' or both")
        if self.before is not None and self.before.tzinfo is None:
            raise ValueError("'before' needs an offset from UTC, such as Z")
        return self


@routes.post("/submissions/{id}/delete")
@http.rules(deadline=DELETING + 10)
async def delete_many(request: web.Request) -> web.Response:
    """Delete many; what cannot be done in the time that a request has is left to the next one."""
    caller = await access.caller(request, "submissions")
    body = await bodies.read_model(request, DeleteIn)
    inbox, deployment_id = request.app[INBOX], access.deployment_id(request)
    if body.ids is not None:
        return http.json({"deleted": await inbox.delete_many(caller, deployment_id, body.ids), "more": False})
    until = filters.in_utc("before", body.before) if body.before is not None else datetime.now(UTC)
    deleted, more = await inbox.delete_all(caller, deployment_id, status=body.status, until=until, seconds=DELETING)
    return http.json({"deleted": deleted, "more": more})


@routes.get("/submissions/{id}/{submission_id}/files/{file_id}")
@http.rules(deadline=DOWNLOAD_DEADLINE)
async def download(request: web.Request) -> web.StreamResponse:
    """Send a file that came with a submission: to be kept, never to be shown by a browser."""
    caller = await access.caller(request, "submissions")
    file_id = request.match_info["file_id"]
    if not ids.is_id(file_id, "fil"):
        raise SubmissionNotFound("File not found")
    name, pieces = await request.app[INBOX].file(
        caller, access.deployment_id(request), _submission_id(request), file_id
    )
    return await streaming.download(
        request, pieces, name=name, content_type="application/octet-stream", headers=filters.KEPT
    )


def _submission_id(request: web.Request) -> str:
    """Return the submission's id in the path. Raise SubmissionNotFound for what cannot be one."""
    text = request.match_info["submission_id"]
    if not ids.is_id(text, "sub"):
        raise SubmissionNotFound
    return text


def _row(request: web.Request, given: Received) -> dict[str, Any]:
    return show(given, access.submissions_url(request))
