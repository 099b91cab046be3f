"""A folder becomes a site: what the API does not have yet is sent by digest, many at a time, and then it is live."""

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from invoker_mcp import contents, sites
from invoker_mcp.api import Api, an_object, segment
from invoker_mcp.contents import File
from invoker_mcp.errors import ApiError, ClientError, Unreachable
from invoker_mcp.project import SITE_ID, TOKEN, Project

AT_ONCE = 16
#: The slowest upload that the API takes is 64 KiB a second.
SLOWEST = 64 * 1024
#: A page of up to so many bytes goes with the request itself.
INLINE = 512 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the sending is; files and bytes that the API had are not counted."""

    files: int
    of_files: int
    bytes: int
    of_bytes: int


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a deploy is asked for beside its files."""

    site: str | None = None
    slug: str | None = None
    title: str | None = None
    preview: bool = False
    spa: bool | None = None

    def body(self) -> dict[str, Any]:
        asked = {"title": self.title, "is_spa": self.spa, "preview": self.preview or None}
        return {name: value for name, value in asked.items() if value is not None}


async def deploy_path(
    api: Api,
    source: Path,
    *,
    site: str | None = None,
    slug: str | None = None,
    title: str | None = None,
    preview: bool = False,
    spa: bool | None = None,
    anonymous: bool = False,
    progress: OnProgress | None = None,
) -> dict[str, Any]:
    """Deploy a folder or a file, to the site that was made last from it unless another is named."""
    files = await asyncio.to_thread(contents.collect, source)
    wishes = Wishes(site=site, slug=slug, title=title, preview=preview, spa=spa)
    nobody = anonymous or api.credential is None
    project = Project(api.settings, await asyncio.to_thread(source.resolve), anonymous=nobody)
    if nobody and api.credential is not None:
        async with Api(api.settings) as without_key:
            return await _Deploy(without_key, wishes, project, progress).run(files)
    return await _Deploy(api, wishes, project, progress).run(files)


async def deploy_files(
    api: Api,
    files: Sequence[File],
    *,
    site: str | None = None,
    slug: str | None = None,
    title: str | None = None,
    preview: bool = False,
    spa: bool | None = None,
    progress: OnProgress | None = None,
) -> dict[str, Any]:
    """Deploy files of `contents.given`, to a new site unless one is named; without a credential it is nobody's."""
    wishes = Wishes(site=site, slug=slug, title=title, preview=preview, spa=spa)
    return await _Deploy(api, wishes, None, progress).run(files)


@dataclass(slots=True)
class _Deploy:
    """One deploy, from its files to the answer."""

    api: Api
    wishes: Wishes
    project: Project | None
    progress: OnProgress | None
    #: The right to a site that is nobody's.
    token: str | None = field(default=None, repr=False)

    async def run(self, files: Sequence[File]) -> dict[str, Any]:
        body = {**_content(files), **self.wishes.body()}
        made = await self._version(body)
        site = str(made.get("id"))
        if not SITE_ID.fullmatch(site):
            raise Unreachable("The API's answer names no site", hint="Is INVOKER_API_URL right?")
        self._remember(made, site)
        if lacking := _missing(made, files):
            await self._send(site, lacking)
        if not self.wishes.preview and made.get("live") is not True:
            body = {"version": made.get("version")}
            made |= an_object(await self._call("POST", f"/deploy/{site}/publish", json=body, repeatable=True))
        return {**made, "missing": [], "sent": len(lacking), "sent_bytes": sum(file.size for file in lacking)}

    async def _version(self, body: dict[str, Any]) -> dict[str, Any]:
        """Make a version of the site that is named or remembered, else a site."""
        site = await self._site()
        if site is not None:
            try:
                return an_object(await self._call("PUT", f"/deploy/{segment(site)}", json=body, repeatable=True))
            except ClientError as error:
                # Remembered, and gone since; or nobody's, and claimed or expired.
                gone = isinstance(error, ApiError) and error.status in {401, 404}
                if self.wishes.site or not gone:
                    raise
                self.token = None
        return await self._create(body)

    async def _create(self, body: dict[str, Any]) -> dict[str, Any]:
        slug = {"slug": self.wishes.slug} if self.wishes.slug else {}
        once = {"Idempotency-Key": secrets.token_hex(16)}
        return an_object(await self._call("POST", "/deploy", json={**body, **slug}, headers=once))

    async def _site(self) -> str | None:
        if self.wishes.site:
            return await sites.site_id(self.api, self.wishes.site)
        if self.wishes.slug and self.api.credential is not None:
            found = await sites.look(self.api, self.wishes.slug)
            return str(found["id"]) if found else None
        remembered = self.project.site() if self.project and not self.wishes.slug else None
        if remembered and self.api.credential is None and self.project:
            self.token = self.project.token(remembered)
            return remembered if self.token else None
        return remembered

    def _remember(self, made: dict[str, Any], site: str) -> None:
        """Keep which site it is before anything is sent: what breaks off goes on there."""
        token = made.get("claim_token")
        if isinstance(token, str) and TOKEN.fullmatch(token):
            self.token = token
            if self.project:
                self.project.keep_claim(site, token, made.get("claim_url"))
        if self.project:
            self.project.remember(made)
            if self.token and (claim_url := self.project.claim_url(site)):
                made["claim_url"] = claim_url

    async def _send(self, site: str, files: Sequence[File]) -> None:
        """Send files, the largest first, so that none of them is left alone at the end."""
        count = _Count(len(files), sum(file.size for file in files), self.progress)
        queue = deque(sorted(files, key=lambda file: -file.size))

        async def work() -> None:
            while queue:
                await self._put(site, queue.popleft(), count)

        workers = [asyncio.create_task(work()) for _ in range(min(AT_ONCE, len(queue)))]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _put(self, site: str, file: File, count: "_Count") -> None:
        small = file.size <= contents.SMALL
        await self._call(
            "PUT",
            f"/deploy/{site}/blobs/{file.sha256}",
            data=file.whole() if small else count.watched(file),
            headers={"Content-Type": "application/octet-stream", "Content-Length": str(file.size)},
            repeatable=True,
            within=self.api.settings.timeout + file.size / SLOWEST,
        )
        count.done(file, counted=not small)

    async def _call(self, method: str, path: str, **given: Any) -> Any:
        """Call with the credential, or as who holds the site's token, or as nobody."""
        if self.api.credential is not None and self.token is None:
            return await self.api.call(method, path, **given)
        if self.token:
            given["headers"] = {"Authorization": f"Bearer {self.token}", **given.get("headers", {})}
        return await self.api.call(method, path, authenticated=False, **given)


class _Count:
    """What has been sent so far."""

    def __init__(self, of_files: int, of_bytes: int, told: OnProgress | None) -> None:
        self._files, self._of_files, self._bytes, self._of_bytes, self._told = 0, of_files, 0, of_bytes, told
        self._tell()

    def watched(self, file: File) -> Callable[[], AsyncIterator[bytes]]:
        """Return what gives the file's bytes and counts them; a second try takes back what the first counted."""
        counted = 0

        async def parts() -> AsyncIterator[bytes]:
            nonlocal counted
            self._bytes -= counted
            counted = 0
            async for part in file.parts():
                yield part
                counted += len(part)
                self._bytes += len(part)
                self._tell()

        return parts

    def done(self, file: File, *, counted: bool) -> None:
        self._files += 1
        self._bytes += 0 if counted else file.size
        self._tell()

    def _tell(self) -> None:
        if self._told:
            self._told(Progress(files=self._files, of_files=self._of_files, bytes=self._bytes, of_bytes=self._of_bytes))


def _content(files: Sequence[File]) -> dict[str, Any]:
    """Return how the files are named to the API; one small page is in the request itself."""
    if len(files) == 1 and files[0].path.lower().endswith((".html", ".htm")) and files[0].size <= INLINE:
        try:
            return {"html": files[0].whole().decode()}
        except UnicodeDecodeError:
            pass
    return {"files": [file.entry() for file in files]}


def _missing(made: dict[str, Any], files: Iterable[File]) -> list[File]:
    """Return the files that the API asks for: it gets none that this deploy did not name."""
    asked = made.get("missing")
    named = {file.sha256: file for file in files}
    digests = dict.fromkeys(map(str, asked)) if isinstance(asked, list) else {}
    return [named[digest] for digest in digests if digest in named]
