"""What a version is: files by path, with the rules for paths and types. Pure functions."""

import mimetypes
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from shared.errors import BadRequest

MIB: Final = 1024 * 1024
MAX_FILES: Final = 1000
MAX_FILE: Final = 10 * MIB
#: Bytes of UTF-8, and parts between slashes.
MAX_PATH: Final = 200
MAX_DEPTH: Final = 16

INDEX: Final = "index.html"
NOT_FOUND: Final = "404.html"
OCTETS: Final = "application/octet-stream"
CSS: Final = "text/css; charset=utf-8"

_FORBIDDEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\\]|%(?:2e|2f|5c|00)", re.IGNORECASE)
_DRIVE: Final = re.compile(r"^[A-Za-z]:")

#: What a browser is told a file is (R71); anything else is a download of unknown type.
_BINARY: Final = """
    application/gzip application/pdf application/vnd.ms-fontobject application/wasm application/zip
    audio/aac audio/flac audio/mp4 audio/mpeg audio/ogg audio/wav audio/webm audio/x-wav
    font/collection font/otf font/sfnt font/ttf font/woff font/woff2
    image/apng image/avif image/bmp image/gif image/jpeg image/png image/vnd.microsoft.icon image/webp image/x-icon
    video/mp4 video/mpeg video/ogg video/quicktime video/webm
"""
_TEXT: Final = """
    application/atom+xml application/geo+json application/json application/ld+json application/manifest+json
    application/rss+xml application/xhtml+xml application/xml image/svg+xml
    text/calendar text/css text/csv text/html text/javascript text/markdown text/plain text/vtt text/xml
"""
_TYPES: Final = {**dict.fromkeys(_BINARY.split(), ""), **dict.fromkeys(_TEXT.split(), "; charset=utf-8")}
_ALIASES: Final = {
    "application/javascript": "text/javascript",
    "application/x-javascript": "text/javascript",
    "text/x-markdown": "text/markdown",
    "application/x-zip-compressed": "application/zip",
    "application/font-woff": "font/woff",
    "image/jpg": "image/jpeg",
}
_EXTENSIONS: Final = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".md": "text/markdown",
    ".webmanifest": "application/manifest+json",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".ttf": "font/ttf",
    ".otf": "font/otf",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".ico": "image/x-icon",
    ".vtt": "text/vtt",
    ".xhtml": "application/xhtml+xml",
    ".geojson": "application/geo+json",
    ".map": "application/json",
    ".gz": "application/gzip",
}
#: The library's own table alone: the machine's must not decide what a site is.
_LIBRARY: Final = mimetypes.MimeTypes(filenames=())
HTML: Final = frozenset({"text/html", "application/xhtml+xml"})


class BadPath(BadRequest):
    """A file's path breaks a rule; the message names it."""

    code = "bad_path"


@dataclass(frozen=True, slots=True)
class File:
    """One file of a version: which bytes, and what they are."""

    sha256: str
    size: int
    #: As in `Content-Type`, with its charset.
    type: str
    #: Bytes of the compressed variants that the store has beside it; 0 where there is none.
    br: int = 0
    gzip: int = 0


Manifest = Mapping[str, File]


def to_json(manifest: Manifest) -> dict[str, list[str | int]]:
    """Return the manifest as it is stored."""
    return {path: [file.sha256, file.size, file.type] for path, file in manifest.items()}


def from_json(raw: Mapping[str, Any]) -> dict[str, File]:
    """Read a stored manifest."""
    return {path: File(*entry) for path, entry in raw.items()}


def check_path(path: str) -> str:
    """Return the path in NFC. Raise BadPath naming it when it breaks a rule."""
    # before anything else: the time that normalizing takes goes with the square of what combines
    if len(path) > 3 * MAX_PATH:
        raise _bad(path, f"is longer than {MAX_PATH} bytes")
    path = unicodedata.normalize("NFC", path)
    parts = path.split("/")
    if not path or path.startswith("/") or path.endswith("/"):
        raise _bad(path, "must be relative and name a file")
    if _FORBIDDEN.search(path) or _DRIVE.match(path):
        raise _bad(path, "has a character or an escape that is not allowed in a path")
    if any(part in {"", ".", ".."} for part in parts):
        raise _bad(path, "has an empty part, '.' or '..'")
    if len(parts) > MAX_DEPTH:
        raise _bad(path, f"is more than {MAX_DEPTH} levels deep")
    if len(path.encode()) > MAX_PATH:
        raise _bad(path, f"is longer than {MAX_PATH} bytes")
    return path


def check_paths(paths: Iterable[str]) -> list[str]:
    """Return all paths in NFC. Raise BadPath for a bad one, for one too many, and for the same path twice."""
    seen: dict[str, None] = {}
    for given in paths:
        path = check_path(given)
        if path in seen:
            raise _bad(path, "is there twice")
        if len(seen) == MAX_FILES:
            raise _bad(path, f"is one file too many: at most {MAX_FILES} are taken")
        seen[path] = None
    return list(seen)


def _bad(path: str, why: str) -> BadPath:
    shown = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in path[:MAX_PATH])
    return BadPath(f"The path '{shown}{'…' if len(path) > MAX_PATH else ''}' {why}")


def content_type(path: str, declared: str | None) -> str:
    """Return the `Content-Type` that a file is served with.

    The declared type counts when it is one that we serve, else the path's extension, else unknown bytes.
    """
    for candidate in (declared, guess(path)):
        bare = (candidate or "").partition(";")[0].strip().lower()
        bare = _ALIASES.get(bare, bare)
        if (charset := _TYPES.get(bare)) is not None:
            return bare + charset
    return OCTETS


def guess(path: str) -> str | None:
    """Return the type that the path's extension stands for."""
    extension = "." + path.rpartition(".")[2].lower()
    return _EXTENSIONS.get(extension) or _LIBRARY.guess_type("x" + extension)[0]


def is_html(content_type: str) -> bool:
    """Tell whether bytes of this type are HTML, in which placeholders are replaced."""
    return content_type.partition(";")[0] in HTML


#: What build tools put into a name: hex digits (webpack, Parcel, Hugo), base64 (Vite) or base32 in capitals (esbuild).
_HEX: Final = re.compile(r"(?=.*[0-9])(?=.*[a-f])[0-9a-f]{8,64}")
_BASE64: Final = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])[0-9A-Za-z]{8}")
_BASE32: Final = re.compile(r"(?=.*[A-Z])(?=.*[2-7])[A-Z2-7]{8}")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_KINDS: Final = re.compile(r"[0-9]+|[a-z]+|[A-Z]+")


def has_content_hash(path: str) -> bool:
    """Tell whether the file's name has a hash of its content in it: other bytes would have another name.

    In doubt it has not: to ask once more costs a visitor a moment, a stale file stays for a year. Pages have none,
    and neither have dates, versions, UUIDs and words.
    """
    stem, dot, extension = path.rpartition("/")[2].rpartition(".")
    if not dot or extension.lower() in {"html", "htm", "xhtml"} or _UUID.search(stem):
        return False
    first, *others = stem.split(".")
    candidates = [part.rpartition("-")[2] for part in others]
    for separator in "-_":
        before, found, last = first.rpartition(separator)
        if found and before:
            candidates.append(last)
    # a whole name must be longer than what people call things
    return any(_is_hash(part) for part in candidates) or (len(first) >= 16 and _is_hash(first))


def _is_hash(part: str) -> bool:
    if _HEX.fullmatch(part):
        return True
    kinds = len(_KINDS.findall(part))
    return (_BASE64.fullmatch(part) is not None and kinds >= 5) or (_BASE32.fullmatch(part) is not None and kinds >= 4)


@dataclass(frozen=True, slots=True)
class Found:
    """What a request path leads to: a file to show with a status, or a path to go to instead."""

    path: str
    status: int = 200

    @property
    def redirect(self) -> bool:
        """Whether `path` is where to go rather than what to show."""
        return self.status == 308


def resolve(manifest: Manifest, path: str, *, is_spa: bool) -> Found | None:
    """Return what the decoded request path (with its slash) leads to, None when the site has no answer to it."""
    key = path[1:]
    if not key.isascii():
        key = unicodedata.normalize("NFC", key)
    if not key or key.endswith("/"):
        key += INDEX
    if key in manifest:
        return Found(key)
    if f"{key}/{INDEX}" in manifest:
        return Found(f"/{key}/", 308)
    if is_spa and INDEX in manifest:
        return Found(INDEX)
    if NOT_FOUND in manifest:
        return Found(NOT_FOUND, 404)
    return None
