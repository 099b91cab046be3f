"""The files that pages load: the login pages' own, and the dashboard's modules in `web/`."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from aiohttp import hdrs, web

from services.auth.pages.render import STATIC, TYPES
from shared.errors import NotFound

routes = web.RouteTableDef()

_ROOT: Final = Path(__file__).parents[3] / "web"
_WEB_TYPES: Final = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}

_FOR_EVER: Final = {hdrs.CACHE_CONTROL: "public, max-age=31536000, immutable"}
_NOT_AT_ALL: Final = {hdrs.CACHE_CONTROL: "no-store"}


def _read(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.suffix in _WEB_TYPES
    }


def _digest(files: Mapping[str, bytes]) -> str:
    """Return one name for all of the files together: modules that import each other change as one."""
    whole = hashlib.sha256()
    for name, content in files.items():
        whole.update(f"{name}\0{len(content)}\0".encode() + content)
    return whole.hexdigest()[:16]


#: Path below `web/` to content, read once.
WEB: Final = _read(_ROOT)
DIGEST: Final = _digest(WEB)
#: The script of a page that is not the dashboard's.
CLAIM_DOOR: Final = "claim_door.js"
#: What a page that loads `app.js` names in its head, so that a slow network fetches all modules at once.
MODULES: Final = tuple(name for name in WEB if name.endswith(".js") and name != CLAIM_DOOR)


def web_file(name: str) -> str:
    """Return the address of a file of the dashboard."""
    return f"/web/{DIGEST}/{name}"


@routes.get("/static/{name}")
async def send_static(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if name not in STATIC:
        raise NotFound
    return web.Response(body=STATIC[name], headers={hdrs.CONTENT_TYPE: TYPES[name], **_FOR_EVER})


@routes.get("/web/{digest:[0-9a-f]{16}}/{name:.+}")
async def send_web(request: web.Request) -> web.Response:
    """Send a file of the dashboard.

    The page may come from a replica with other files than ours: then ours are the best there is, and nothing to keep.
    """
    name = request.match_info["name"]
    if name not in WEB:
        raise NotFound
    kept = _FOR_EVER if request.match_info["digest"] == DIGEST else _NOT_AT_ALL
    return web.Response(body=WEB[name], headers={hdrs.CONTENT_TYPE: _WEB_TYPES[Path(name).suffix], **kept})
