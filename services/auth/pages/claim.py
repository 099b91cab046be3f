"""The page behind an anonymous site's claim link: the way in for a stranger, the dashboard's page for an owner."""

from typing import Final

from aiohttp import web

from services.auth.access import ACCESS, CONFIG
from services.auth.pages.assets import CLAIM_DOOR, web_file
from services.auth.pages.dashboard import shell
from services.auth.pages.render import html, page
from shared.callers import admit

routes = web.RouteTableDef()

#: What a site's name can be, as far as a page of ours has to know.
_SLUG: Final = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"


@routes.get(f"/claim/{{slug:{_SLUG}}}")
@html
async def show_claim(request: web.Request) -> web.Response:
    """Show how the site becomes the visitor's own.

    The token is behind the #, which browsers send to nobody: a script of the page keeps it in the tab through a login.
    """
    caller = await request.app[ACCESS].visitor(request)
    if caller is not None:
        return shell(request, admit(request, caller, None))
    slug = request.match_info["slug"]
    url = request.app[CONFIG].site_url(slug)
    return page("claim.html", slug=slug, url=url, script=web_file(CLAIM_DOOR))
