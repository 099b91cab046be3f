"""What a deploy brings, on its way into the store: gone through, transformed, checked, compressed, durable.

Files come with their bytes, or named by digest and size; those that the account has sent before need not come again.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from services.deploy import (
    checks,
    contracts,
    documents,
    form_reading,
    owners,
    refusals,
    rule_files,
    rules,
    variants,
    versions,
)
from services.deploy.blobs import Blobs
from services.deploy.checks import Finding
from services.deploy.config import Config
from services.deploy.contracts import Contract
from services.deploy.deployments import YOUNG, Held, WrongSize
from services.deploy.parsed import Pages
from services.deploy.store import blobs as rows
from services.deploy.variants import Sizes
from services.deploy.versions import File
from shared import db
from shared.auth_client import Caller
from shared.errors import TooLarge

#: Bytes of pages and style sheets of one version: they are gone through together, since links lead from one to another.
MAX_PAGES: Final = 64 * versions.MIB
#: Files that are read at once for that.
_LOADS: Final = 16
#: The settings that a deploy states.
STATED: Final = ("title", "description", "favicon", "is_spa")


@dataclass(frozen=True, slots=True)
class Named:
    """A file whose bytes come apart, or are there."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a deploy brings: files by checked path, each with its type, and what it states about the site."""

    files: Mapping[str, tuple[bytes | Named, str]]
    settings: Mapping[str, Any]
    preview: bool = False

    @property
    def head(self) -> documents.Head:
        """What the first page's head is given where it has none."""
        return head_of(self.settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A version's content, its bytes durable but for those that are missing."""

    manifest: Mapping[str, File]
    #: Size and type of what is missing, by digest.
    missing: Mapping[str, tuple[int, str]]
    #: Paths that wait for that; None when nothing does.
    named: Sequence[str] | None
    rules: Mapping[str, Any] | None = None
    warnings: Sequence[Finding] = ()
    #: What its forms ask for, once nothing is missing.
    contract: Contract = contracts.NONE
    #: What was stored just now: variants by digest.
    stored: Mapping[str, Sizes] = field(default_factory=dict)

    @property
    def present(self) -> dict[str, int]:
        """Size by digest of all that the version has already."""
        found = {file.sha256: file.size for file in self.manifest.values()}
        return {digest: size for digest, size in found.items() if digest not in self.missing}


def head_of(settings: Mapping[str, Any]) -> documents.Head:
    """Return what the settings of a deploy give the first page's head."""
    return documents.Head(**{name: settings.get(name) for name in ("title", "description", "favicon")})


class Contents:
    """Prepares versions; one per process."""

    def __init__(self, pool: db.Pool, blobs: Blobs, config: Config) -> None:
        self._pool = pool
        self._blobs = blobs
        self._config = config

    async def prepare(self, caller: Caller, deployment_id: str, content: Content) -> Prepared:
        """Store what came, and say what is missing. Raise Held, WrongSize, TooLarge, KeyInFile, BadRules, Unavailable.

        Bytes are durable when it returns; they are nobody's until a version names them, and are swept later if none
        does.
        """
        named = {path: file for path, (file, _) in content.files.items() if isinstance(file, Named)}
        inline = {path: (data, kind) for path, (data, kind) in content.files.items() if isinstance(data, bytes)}
        apart = {path: File(file.sha256, file.size, content.files[path][1]) for path, file in named.items()}
        missing = await self._missing(caller, apart) if named else {}
        waiting = None
        if missing:
            # nothing is judged of a part: what a link leads to may be on its way
            waiting = sorted(named)
        else:
            inline |= await self._read(apart)
        work = await asyncio.to_thread(_work, inline, content, self._place(deployment_id), partial=bool(missing))
        await self._hold(caller, work.secrets)
        stored = await self._store(_without(work.blobs, apart.values()))
        return Prepared(
            # in the order given
            manifest={path: work.manifest.get(path) or apart[path] for path in content.files},
            missing=missing,
            named=waiting,
            rules=work.rules,
            warnings=work.warnings,
            contract=work.contract,
            stored=stored,
        )

    async def finish(
        self, caller: Caller, deployment_id: str, manifest: Mapping[str, File], named: Sequence[str],
        settings: Mapping[str, Any],
    ) -> Prepared:  # fmt: skip
        """Go through a version whose bytes are all there now. Raise as `prepare` does."""
        read = await self._read(manifest)
        content = Content(files=read, settings=settings)
        # what came with its bytes was transformed then
        apart = frozenset(named)
        work = await asyncio.to_thread(
            _work, read, content, self._place(deployment_id), only=apart, paths=frozenset(manifest)
        )
        await self._hold(caller, work.secrets)
        stored = await self._store(_without(work.blobs, manifest.values()))
        return Prepared(
            manifest={path: work.manifest.get(path, file) for path, file in manifest.items()},
            missing={}, named=None, rules=work.rules, warnings=work.warnings, contract=work.contract,
            stored=stored,
        )  # fmt: skip

    def _place(self, deployment_id: str) -> tuple[str, str]:
        return deployment_id, f"{self._config.api_url}/submit/{deployment_id}"

    async def _read(self, files: Mapping[str, File]) -> dict[str, tuple[bytes, str]]:
        """Return those of the files that have to be gone through. Raise TooLarge, Unavailable."""
        read = {path: file for path, file in files.items() if versions.is_html(file.type) or file.type == versions.CSS}
        read |= {path: files[path] for path in rule_files.FILES if path in files}
        if sum(file.size for file in read.values()) > MAX_PAGES:
            raise TooLarge("The pages of this site are too large", hint="At most 64 MiB of HTML and CSS are taken.")
        loads = asyncio.Semaphore(_LOADS)

        async def load(file: File) -> bytes:
            async with loads:
                return await self._blobs.load(file.sha256)

        found = await asyncio.gather(*(load(file) for file in read.values()))
        return {path: (data, file.type) for (path, file), data in zip(read.items(), found, strict=True)}

    async def _missing(self, caller: Caller, named: Mapping[str, File]) -> dict[str, tuple[int, str]]:
        """Return what has to be sent: size and type by digest. Raise WrongSize."""
        wanted: dict[str, tuple[int, str]] = {}
        for path, file in named.items():
            if wanted.setdefault(file.sha256, (file.size, file.type))[0] != file.size:
                raise WrongSize(f"The file {path!r} has the sha256 of another one, and not its size")
        async with db.acquire(self._pool) as conn:
            known = await rows.known(conn, caller.account_id, list(wanted))
            if known:
                # none of them may be swept before the version names it
                known = {digest: known[digest] for digest in await rows.touch(conn, known)}
        for path, file in named.items():
            if known.get(file.sha256, file.size) != file.size:
                raise WrongSize(f"The file {path!r} has {known[file.sha256]} bytes, not {file.size}")
        return {digest: facts for digest, facts in wanted.items() if digest not in known}

    async def _hold(self, caller: Caller, secrets: Finding | None) -> None:
        """Raise Held when a page asks for secrets and its account is not known long enough (R73)."""
        if secrets is None:
            return
        if caller.kind == "claim":
            raise Held(
                f"{secrets.message}: without an account that is not published",
                hint="Log in and publish with a key, or remove these fields.",
            )
        if caller.account_created_at is None or (until := caller.account_created_at + YOUNG) <= datetime.now(UTC):
            return
        async with db.acquire(self._pool) as conn:
            if await owners.is_trusted(conn, caller.account_id):
                return
        raise Held(
            f"{secrets.message}: for a new account that is held back",
            hint=f"It can be published from {until:%Y-%m-%d %H:%M} UTC on, when the account is 24 hours old, or after "
            "the operator has released the account. Without these fields it goes live at once.",
            details={"held_until": until.isoformat(timespec="seconds").replace("+00:00", "Z")},
        )

    async def _store(self, blobs: Mapping[str, tuple[bytes, str]]) -> dict[str, Sizes]:
        """Store bytes and their variants durably; return what is new."""
        if not blobs:
            return {}
        async with db.acquire(self._pool) as conn:
            there = await rows.touch(conn, {digest: len(data) for digest, (data, _) in blobs.items()})
        new = {digest: each for digest, each in blobs.items() if digest not in there}
        made = await asyncio.to_thread(_compress, new)
        named = {name: data for digest, each in made.items() for name, data in each.named(digest).items()}
        await self._blobs.put_all({digest: data for digest, (data, _) in blobs.items()} | named)
        return {digest: each.sizes for digest, each in made.items()}


@dataclass(slots=True, kw_only=True)
class _Work:
    manifest: dict[str, File]
    blobs: dict[str, tuple[bytes, str]]
    rules: Mapping[str, Any] | None
    warnings: Sequence[Finding]
    contract: Contract
    secrets: Finding | None


def _work(
    files: Mapping[str, tuple[bytes, str]],
    content: Content,
    place: tuple[str, str],
    *,
    only: frozenset[str] | None = None,
    paths: frozenset[str] = frozenset(),
    partial: bool = False,
) -> _Work:
    """Transform and check files; `only` these paths are transformed, `paths` are all of the site's.

    `place` is the site's id, and where its forms are sent.

    Raise KeyInFile, BadRules, TooLarge. For a thread: 25 MiB take longer than other requests should wait.
    """
    mine = {path: given for path, given in files.items() if only is None or path in only}
    refusals.refuse(mine)
    paths = paths or frozenset(content.files)
    redirects, headers = (files.get(name, (b"", ""))[0] for name in (rule_files.REDIRECTS, rule_files.HEADERS))
    own = rule_files.read(redirects, headers, paths)
    is_spa = bool(content.settings.get("is_spa"))
    pages = Pages(files)
    warnings = [] if partial else checks.warnings(files, paths, is_spa=is_spa, own=own, pages=pages)
    contract = contracts.NONE if partial else _contract(pages, place[0], content)
    secrets = refusals.find_secrets(files)
    manifest, blobs, size = {}, {}, 0
    for path, (given, kind) in files.items():
        if only is not None and path not in only:
            continue
        data = _transformed(path, given, kind, content, place[1])
        if len(data) > versions.MAX_FILE:
            raise TooLarge(f"The file {path!r} is too large", hint="At most 10 MiB a file are taken.")
        # an address is longer than what it is put in for
        if (size := size + len(data)) > MAX_PAGES:
            raise TooLarge("The files of this site are too large", hint="At most 64 MiB are taken at once.")
        digest = hashlib.sha256(data).hexdigest()
        manifest[path] = File(digest, len(data), kind)
        blobs[digest] = (data, kind)
    return _Work(
        manifest=manifest, blobs=blobs, rules=rules.to_json(own), warnings=warnings, contract=contract,
        secrets=secrets,
    )  # fmt: skip


def _contract(pages: Pages, deployment_id: str, content: Content) -> Contract:
    found = form_reading.read(pages, deployment_id)
    # it is put into a first page that has none
    return found if found.title else replace(found, title=content.head.title)


def _transformed(path: str, data: bytes, kind: str, content: Content, submit_url: str) -> bytes:
    if not versions.is_html(kind):
        return data
    data = documents.with_form(data, submit_url)
    return documents.with_head(data, content.head) if path == versions.INDEX else data


def _without(blobs: Mapping[str, tuple[bytes, str]], files: Iterable[File]) -> dict[str, tuple[bytes, str]]:
    """Return what is not the bytes of one of these files, as they were read from the store."""
    there = {file.sha256 for file in files}
    return {digest: each for digest, each in blobs.items() if digest not in there}


def _compress(blobs: Mapping[str, tuple[bytes, str]]) -> dict[str, variants.Variants]:
    return {digest: variants.make(data, kind) for digest, (data, kind) in blobs.items()}
