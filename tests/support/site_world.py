"""Sites as their owners and visitors know them, beside the service itself: a model that predicts every answer (R89)."""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from services.deploy.deployments import NAME_REST
from services.deploy.service.upkeep import Upkeep
from tests.support import publishing, whole
from tests.support.client import Answer
from tests.support.deploying import Deploy
from tests.support.publishing import digest

T = TypeVar("T")

#: Deployments that a plan allows here.
PLAN: Final = 3
PAGES: Final = tuple(f"<title>page {number}</title>" for number in range(4))
TEXTS: Final = tuple(f"text {number} " * 80 for number in range(4))
BYTES: Final = {digest(text.encode()): text.encode() for text in PAGES + TEXTS}
PASSWORD: Final = "a password"


@dataclass(eq=False)
class Version:
    """What a version has to show, and what it waits for."""

    files: Mapping[str, str]
    missing: set[str]
    #: Complete, so that its preview is there: at once, with its last file, or when it is put live.
    ready: bool


@dataclass(eq=False)
class Site:
    """A site, and what is known of it."""

    id: str
    slug: str
    #: Whose it is; None while it is nobody's, and then `token` stands for it.
    account: str | None
    token: str | None
    versions: dict[int, Version] = field(default_factory=dict)
    live: int | None = None
    deleted: bool = False
    protected: bool = False
    clears: bool = False
    #: Digests of what was sent for it.
    has: set[str] = field(default_factory=set)

    @property
    def awaited(self) -> set[str]:
        return set().union(*(version.missing for version in self.versions.values()))


class World:
    """The running service, two accounts, and the sites of one example."""

    def __init__(self, runner: asyncio.Runner, deploy: Deploy, upkeep: Upkeep) -> None:
        self._runner, self.deploy, self._upkeep = runner, deploy, upkeep
        self._examples = 0
        self.begin()

    def begin(self) -> None:
        """Start anew, with other accounts and other names."""
        self._examples += 1
        self.keys = {f"acc_{self._examples:08}{which}0000000": "" for which in ("a", "b")}
        for account in self.keys:
            self.keys[account] = self.deploy.key(account=account)
        self.names = [f"x{self._examples}-{which}" for which in ("a", "b")]
        self.sites: list[Site] = []
        #: Whose a name is that was given up, and whether its 90 days are over.
        self.resting: dict[str, tuple[str | None, bool]] = {}

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the service's loop."""
        return self._runner.run(work)

    def call(self, method: str, path: str, key: str | None, **given: Any) -> Answer:
        """Call the API."""
        return self.run(self.deploy.call(method, path, key=key, **given))

    def key_of(self, site: Site) -> str:
        """Return what its owner calls with."""
        return self.keys[site.account] if site.account else site.token or ""

    # what the model says

    def there(self, *, deleted: bool = False) -> list[Site]:
        return [site for site in self.sites if site.deleted is deleted]

    def of(self, account: str) -> list[Site]:
        return [site for site in self.there() if site.account == account]

    def known(self, account: str | None, site: Site | None) -> set[str]:
        """Return what an account need not send again: what any of its sites has, deleted ones too."""
        own = [each for each in self.sites if each.account == account] if account else [site] if site else []
        return set[str]().union(*(each.has for each in own))

    def refusal_of_name(self, account: str | None, slug: str | None) -> bool:
        """Tell whether an account cannot have a name."""
        if slug is None:
            return False
        holder, over = self.resting.get(slug, (account, True))
        return any(site.slug == slug for site in self.there()) or (holder != account and not over)

    def give_up(self, site: Site) -> None:
        """Note a deletion."""
        site.deleted = True
        # nobody is the same nobody twice
        self.resting[site.slug] = (site.account or site.id, False)

    # what the service shows

    def judge_visits(self, site: Site) -> None:
        """Compare what visitors get with the model, at the live host and at every preview."""
        hosts: dict[str, Version | None] = {
            f"{site.slug}--v{number}": version if version.ready else None for number, version in site.versions.items()
        }
        hosts[site.slug] = site.versions[site.live] if site.live else None
        for host, version in hosts.items():
            for path in ("/", "/a.txt"):
                self._judge_visit(site, host, path, version)

    def _judge_visit(self, site: Site, host: str, path: str, version: Version | None) -> None:
        page = self.run(self.deploy.site(host, path))
        if site.deleted or version is None:
            if any(each.slug == site.slug for each in self.there()) and site.deleted:
                return  # the name is another site's by now
            assert page.status == 404, f"{host}{path}: {page.status}"
        elif site.protected:
            assert page.status == 401, f"{host}{path}: {page.status}"
        else:
            text = version.files["index.html" if path == "/" else "a.txt"]
            assert (page.status, page.text) == (200, text), f"{host}{path}: {page.status} {page.text[:40]}"
            assert page.headers["X-Invoker-Version"] == str(self._number(site, version))
            # a page of a name that was somebody else's makes browsers forget
            clears = "Clear-Site-Data" in page.headers
            assert clears is (site.clears and path == "/"), f"{host}{path}: Clear-Site-Data"

    def _number(self, site: Site, version: Version) -> int:
        return next(number for number, each in site.versions.items() if each is version)

    def judge_lists(self) -> None:
        """Compare what owners are shown with the model."""
        for account, key in self.keys.items():
            for status in ("active", "deleted"):
                rows = self.call("GET", f"/deploy?status={status}", key).json["deployments"]
                wanted = [site for site in self.there(deleted=status == "deleted") if site.account == account]
                assert [row["id"] for row in rows] == [site.id for site in reversed(wanted)], status
                for row, site in zip(rows, reversed(wanted), strict=True):
                    assert (row["version"], row["settings"]["password_set"]) == (site.live, site.protected)
        for site in self.there():
            rows = self.call("GET", f"/deploy/{site.id}/versions?limit=200", self.key_of(site)).json["versions"]
            assert {row["version"]: (row["missing"], row["ready"], row["live"]) for row in rows} == {
                number: (len(version.missing), version.ready, number == site.live)
                for number, version in site.versions.items()
            }

    def judge_all(self) -> None:
        """Compare everything; tables and store too."""
        for site in self.sites:
            self.judge_visits(site)
        self.judge_lists()
        self.run(whole.judge(self.deploy))

    # time

    def week(self, site: Site) -> None:
        """Let the week of a deleted site be over."""
        sql = "UPDATE deployments SET deleted_at = deleted_at - interval '8 days' WHERE id = $1"
        self.run(publishing.fetch(self.deploy, sql, site.id))

    def rest(self, slug: str) -> None:
        """Let a name have rested."""
        sql = "UPDATE names SET rests_until = rests_until - $2::interval WHERE slug = $1"
        self.run(publishing.fetch(self.deploy, sql, slug, NAME_REST))
        self.resting[slug] = (self.resting[slug][0], True)

    def sweep(self) -> None:
        """Have everything swept that may go, and see that nothing else has."""
        self.run(publishing.sweep(self.deploy, self._upkeep))
        self.run(whole.judge_swept(self.deploy))


def code(answer: Answer) -> str:
    """Say in a word what came of a call."""
    return "ok" if answer.status in {200, 201} else str(answer.json["code"])


def listed(files: Mapping[str, str], named: Iterable[str]) -> list[dict[str, Any]]:
    """Put files into a deploy's body, those named by their digest."""
    by_digest = publishing.named({path: files[path].encode() for path in named})
    return [*publishing.inline({path: text for path, text in files.items() if path not in named}), *by_digest]
