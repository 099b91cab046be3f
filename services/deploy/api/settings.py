"""A site's settings: what is given is changed, null takes one back."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from yarl import URL

from services.deploy import access, recipients
from services.deploy.api.contents import Text
from services.deploy.api.recipients import RECIPIENTS
from services.deploy.recipients import MAX_RECIPIENTS
from shared import bodies, http
from shared.errors import Invalid
from shared.parsing import Line

#: How far ahead a site's end may lie.
LATEST: Final = timedelta(days=3660)

routes = web.RouteTableDef()


def _origin(text: str) -> str:
    """Return an origin as browsers write it."""
    try:
        url = URL(text)
        if url.scheme in {"http", "https"} and url.host and url.relative() in {URL("/"), URL("")} and not url.user:
            return str(url.origin())
    except ValueError:
        pass
    raise ValueError("must be an origin such as https://example.com, without a path")


def _address(text: str) -> str:
    """Return a page's address: a whole one, or a path of the site's own."""
    try:
        url = URL(text)
        if url.scheme in {"http", "https"} and url.host and not url.user:
            return str(url)
        # browsers take `//…` and `/\…` for another host
        if text.startswith("/") and not text.startswith("//") and "\\" not in text:
            return str(url)
    except ValueError:
        pass
    raise ValueError("must be a full address such as https://example.com/thanks, or a path such as /thanks.html")


def _email(text: str) -> str:
    try:
        return recipients.address(text)
    except recipients.NoAddress:
        raise ValueError("must be true, false, an address such as ada@example.com, or a list of them") from None


Email = Annotated[str, Field(max_length=320), AfterValidator(_email)]


class SettingsIn(BaseModel):
    """What may be changed of a site without deploying it again."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    title: Text | None = None
    description: Text | None = None
    favicon: Annotated[str, Field(max_length=32)] | None = None
    #: Visitors are asked for it; null removes it.
    password: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    noindex: bool | None = None
    is_spa: bool | None = None
    expires_at: Annotated[datetime, Field(strict=False)] | None = None
    #: Whether what visitors send is mailed; an address, or a list of them, adds those to whom it goes, and says yes.
    notify_email: bool | Email | Annotated[list[Email], Field(min_length=1, max_length=MAX_RECIPIENTS)] | None = None
    #: Origins whose pages may post to the site's forms, beside its own; none means any.
    allowed_origins: Annotated[list[Annotated[Line, AfterValidator(_origin)]], Field(max_length=20)] | None = None
    #: Where a browser goes after its form was sent.
    redirect: Annotated[Line, Field(max_length=2000), AfterValidator(_address)] | None = None
    #: Days for which what visitors sent is kept.
    retention: Annotated[int, Field(ge=1, le=3650)] | None = None
    #: Whether forms may send files.
    files: bool | None = None
    #: Words and phrases that make a submission spam.
    spam_words: Annotated[list[Annotated[Line, Field(min_length=2, max_length=100)]], Field(max_length=200)] | None = (
        None
    )
    #: Whether a form that is busy asks browsers for proof of work.
    proof_of_work: bool | None = None

    @property
    def addresses(self) -> list[str]:
        """Addresses that are to be mailed, too."""
        given = self.notify_email
        return [given] if isinstance(given, str) else given if isinstance(given, list) else []

    def changes(self) -> dict[str, Any]:
        """Return what is given. Raise Invalid when nothing is, or an end is not ahead."""
        given = self.model_dump(include=self.model_fields_set)
        if self.addresses:
            given["notify_email"] = True
        if not given:
            raise Invalid("No setting is given", hint=f"Settings are: {', '.join(sorted(type(self).model_fields))}.")
        if (end := given.get("expires_at")) is not None:
            given["expires_at"] = end = end.astimezone(UTC) if end.tzinfo else end.replace(tzinfo=UTC)
            if not datetime.now(UTC) < end < datetime.now(UTC) + LATEST:
                raise Invalid("expires_at: must be ahead, and within ten years")
        return given


@routes.patch("/deploy/{id}/settings")
async def change(request: web.Request) -> web.Response:
    """Change what is given of a site's settings."""
    caller = await access.caller(request, "deploy")
    body = await bodies.read_model(request, SettingsIn)
    changes, deployment_id, ip = body.changes(), access.deployment_id(request), access.ip(request)
    if body.addresses:
        await request.app[RECIPIENTS].add(caller, deployment_id, body.addresses, ip=ip)
    found = await request.app[access.DEPLOYMENTS].change_settings(caller, deployment_id, changes, ip=ip)
    return http.json(access.deployment(request, found))
