"""What is kept worked out for a version: its own addresses always, others within bounds."""

from pathlib import Path

import pytest

from services.deploy.blobs import Blobs
from services.deploy.sites import Sites
from services.deploy.store.sites import Site
from services.deploy.versions import File
from tests.support.deploying import settings
from tests.support.played_sites import Clock
from tests.support.played_sites import Sites as Live

PATHS = ("index.html", "docs/index.html", "a.css")


@pytest.fixture
def site() -> Site:
    """Give an SPA of three files."""
    files = {path: File("0" * 64, 1, "text/html; charset=utf-8") for path in PATHS}
    return Site(id="dep_0123456789abcdef", slug="s", version=1, is_spa=True, email="", manifest=files)


async def test_odd_addresses_cannot_keep_out_a_pages_own(site: Site, tmp_path: Path) -> None:
    sites = Sites(Live(Clock()), Blobs(tmp_path.as_uri()), settings("postgresql://x", tmp_path, "http://x"))
    for number in range(100):
        sites._find(site, f"/odd/{number}")
        sites._find(site, f"/{'%61' * number}.css")
    assert len(site.memo) == 2 * len(PATHS)
    own = ("/", "/index.html", "/docs/", "/docs/index.html", "/a.css")
    for path in own:
        sites._find(site, path)
    assert set(own) <= set(site.memo)
    sites._find(site, "/odd/x")
    assert len(site.memo) <= 4 * len(PATHS)
