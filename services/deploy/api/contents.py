"""What a deploy's body may be: a page, files with their bytes or named by digest, or an archive of them."""

import asyncio
import base64
import hashlib
from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self, TypeVar

from aiohttp import web
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, model_validator

from services.deploy import archives, slugs, versions
from services.deploy.service.contents import STATED, Content, Named
from shared import bodies, http, parsing
from shared.errors import BadRequest, Invalid
from shared.parsing import Whole

#: Bytes of one deploy (R18), and seconds that it may take (R24).
MAX_BODY: Final = 25 * http.MIB
DEADLINE: Final = 60.0

Text = Annotated[str, Field(max_length=1000)]
#: Many clients write null for what they leave out.
Flag = Annotated[bool, BeforeValidator(lambda given: given is not None and given)]


class HtmlRequired(BadRequest):
    """Neither a page nor files."""

    code = "html_required"
    message = "html is required"
    hint = "Send 'html' with the page, or 'files' with a list of files."


class FileIn(BaseModel):
    """One file of a site of many."""

    model_config = ConfigDict(strict=True, frozen=True)

    path: str
    content: str | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    size: Annotated[Whole, Field(ge=0, le=versions.MAX_FILE)] | None = None
    contentType: str | None = None  # noqa: N815 - the published name
    encoding: Literal["base64"] | None = None

    @model_validator(mode="after")
    def _either(self) -> Self:
        if (self.content is None) is (self.sha256 is None):
            raise ValueError("give either 'content', or 'sha256' and 'size' of bytes that are sent apart")
        if (self.sha256 is None) is not (self.size is None):
            raise ValueError("'sha256' and 'size' belong together")
        return self

    def taken(self) -> bytes | Named:
        """Return the bytes, or which ones they are. Raise Invalid when they are not what `encoding` says."""
        if self.sha256 is not None and self.size is not None:
            return Named(self.sha256, self.size)
        assert self.content is not None  # noqa: S101 - as validated
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
    preview: Flag = False
    #: Instead of `html` and `files`.
    _archive: bytes | None = PrivateAttr(default=None)

    def with_archive(self, data: bytes) -> Self:
        """Take the files from an archive; `content` unpacks it."""
        self._archive = data
        return self

    def content(self) -> Content:
        """Return what is to be published. Raise HtmlRequired, BadPath, Invalid, BadArchive, TooLarge. For a thread."""
        if self._archive is not None:
            unpacked = archives.read(self._archive)
            return self._of({path: (data, versions.content_type(path, None)) for path, data in unpacked.items()})
        if not self.html and not self.files:
            raise HtmlRequired
        if self.html and self.files:
            raise BadRequest("Send either html or files, not both")
        if self.html:
            files: dict[str, tuple[bytes | Named, str]] = {
                versions.INDEX: (self.html.encode(), versions.content_type(versions.INDEX, None))
            }
        else:
            given = self.files or []
            paths = versions.check_paths(file.path for file in given)
            files = {
                path: (file.taken(), versions.content_type(path, file.contentType))
                for path, file in zip(paths, given, strict=True)
            }
        return self._of(files)

    def _of(self, files: Mapping[str, tuple[bytes | Named, str]]) -> Content:
        settings = self.model_dump(include=set(STATED), exclude_none=True)
        return Content(files=files, settings=settings, preview=self.preview)

    def check_names(self) -> None:
        """Raise BadPath for a file's path that breaks a rule."""
        versions.check_paths(file.path for file in self.files or ())


class ReplaceIn(ContentIn):
    """A new version, perhaps only on top of a certain one."""

    if_version: Whole | None = None


class DeployIn(ContentIn):
    """A new site: its content, and perhaps a name."""

    slug: str | None = None

    def check_names(self) -> None:
        """Raise BadSlug too."""
        if self.slug is not None:
            slugs.check(self.slug)
        super().check_names()


C = TypeVar("C", bound=ContentIn)


async def read(request: web.Request, model: type[C]) -> tuple[C, bytes]:
    """Read the body, and return its bytes too.

    A NUL makes a bad name of a name (400), and text that is not taken of any other (422).
    """
    if request.content_type in archives.TYPES:
        return await _read_archive(request, model)
    raw = await bodies.read_json_bytes(request)
    value = parsing.parse_json_with_nul(raw)
    body = parsing.validate(model, value)
    if parsing.NUL in raw:
        body.check_names()
        parsing.refuse_nul(raw, value)
    return body, raw


#: What a query says of an archive; the rest of a body is in it.
_IN_QUERY: Final = frozenset({*STATED, "slug", "preview", "if_version"})
_WORDS: Final = {"true": True, "false": False}


async def _read_archive(request: web.Request, model: type[C]) -> tuple[C, bytes]:
    """Read a body that is an archive; return what stands for all of the request instead of its bytes."""
    data = await bodies.read(request, http.rules_of(request).body)
    body = parsing.validate(
        model, {name: _value(name, text) for name, text in request.query.items() if name in _IN_QUERY}
    )
    digest = await asyncio.to_thread(hashlib.sha256, data)
    return body.with_archive(data), request.query_string.encode() + digest.digest()


def _value(name: str, text: str) -> str | int | bool:
    """Return a value of the query as it would stand in JSON. Raise Invalid for text that is not taken."""
    if "\0" in text:
        raise Invalid(f"{name}: must not have a NUL")
    if name in {"is_spa", "preview"}:
        return _WORDS.get(text, text)
    return int(text) if name == "if_version" and text.isascii() and text.isdigit() and len(text) < 10 else text
