"""R89: the world of sites, driven through every order of events by Hypothesis."""

from typing import Any, ClassVar, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.support import publishing
from tests.support.publishing import digest
from tests.support.site_world import BYTES, PAGES, PASSWORD, PLAN, TEXTS, Site, Version, World, code, listed

#: Which of many a step is about.
WHICH: Final = st.integers(0, 15)
CONTENT: Final = st.fixed_dictionaries({"index.html": st.sampled_from(PAGES), "a.txt": st.sampled_from(TEXTS)})
#: What of it comes by digest.
NAMED: Final = st.sampled_from([(), (), ("a.txt",), ("index.html", "a.txt")])
FORGETFUL: Final = st.sampled_from([None, None, "live", "other"])


class Sites(RuleBasedStateMachine):
    """Predicts the answer to every step from what was done before, and compares it with the service's."""

    world: ClassVar[World]

    @initialize(files=CONTENT)
    def begin(self, files: dict[str, str]) -> None:
        self.world.begin()
        self.create(0, files, (), preview=False, name=0)

    def teardown(self) -> None:
        self.world.judge_all()
        self.world.sweep()

    def pick(self, which: int, sites: list[Site]) -> Site:
        """Return one of the sites, the youngest first."""
        return sites[-1 - which % len(sites)]

    # deploys

    @rule(who=st.integers(0, 2), files=CONTENT, named=NAMED, preview=st.booleans(), name=st.sampled_from([0, 1, None]))
    def create(
        self, who: int, files: dict[str, str], named: tuple[str, ...], *, preview: bool, name: int | None
    ) -> None:
        world = self.world
        account = list(world.keys)[who] if who < 2 else None
        slug = None if name is None else world.names[name]
        body: dict[str, Any] = {"files": listed(files, named), "preview": preview} | ({"slug": slug} if slug else {})
        answer = world.call("POST", "/deploy", world.keys[account] if account else None, json=body)
        if account and len(world.of(account)) >= PLAN:
            assert code(answer) == "limit_reached"
            return
        if world.refusal_of_name(account, slug):
            assert code(answer) == "slug_taken"
            return
        assert code(answer) == "ok", answer.text
        made = answer.json
        site = Site(made["id"], made["slug"], account, made.get("claim_token"))
        holder = world.resting.get(site.slug, (account, True))[0]
        site.clears = holder != account
        self.deployed(site, made, files, named, preview=preview)
        world.sites.append(site)
        world.judge_visits(site)

    def deployed(
        self, site: Site, made: dict[str, Any], files: dict[str, str], named: tuple[str, ...], *, preview: bool
    ) -> None:
        """Note a version, and compare what the answer says of it."""
        digests = {path: digest(text.encode()) for path, text in files.items()}
        missing = {digests[path] for path in named} - self.world.known(site.account, site)
        number = max(site.versions, default=0) + 1
        assert (made["version"], made["missing"]) == (number, sorted(missing))
        assert made["live"] is (not preview and not missing)
        site.versions[number] = Version(files, missing, ready=not missing)
        site.has |= set(digests.values()) - missing
        if made["live"]:
            site.live = number

    @precondition(lambda self: self.world.there())
    @rule(which=WHICH, files=CONTENT, named=NAMED, preview=st.booleans(), seen=FORGETFUL)
    def replace(
        self, which: int, files: dict[str, str], named: tuple[str, ...], *, preview: bool, seen: str | None
    ) -> None:
        site = self.pick(which, self.world.there())
        body = {"files": listed(files, named), "preview": preview} | self.if_version(site, seen)
        answer = self.world.call("PUT", f"/deploy/{site.id}", self.world.key_of(site), json=body)
        if seen == "other" or (seen and site.live is None):
            assert code(answer) == "version_conflict" or (seen == "live" and code(answer) == "ok")
        if code(answer) == "ok":
            self.deployed(site, answer.json, files, named, preview=preview)
        else:
            assert code(answer) == "version_conflict"
            assert answer.json["live_version"] == site.live
        self.world.judge_visits(site)

    def if_version(self, site: Site, seen: str | None) -> dict[str, Any]:
        return {} if seen is None else {"if_version": site.live if seen == "live" else (site.live or 0) + 1}

    @precondition(lambda self: self.world.there())
    @rule(which=WHICH, find=st.sampled_from(PAGES), new=st.sampled_from(PAGES), preview=st.booleans())
    def edit(self, which: int, find: str, new: str, *, preview: bool) -> None:
        site = self.pick(which, self.world.there())
        edits = [("index.html", find, new)]
        work = publishing.edit(self.world.deploy, self.world.key_of(site), site.id, *edits, preview=preview)
        answer = self.world.run(work)
        if site.live is None:
            assert code(answer) == "version_not_found"
            return
        base = dict(site.versions[site.live].files)
        if find not in base["index.html"]:
            assert (code(answer), answer.json["count"]) == ("edit_not_unique", 0)
            return
        assert code(answer) == "ok", answer.text
        self.deployed(
            site, answer.json, base | {"index.html": base["index.html"].replace(find, new)}, (), preview=preview
        )
        self.world.judge_visits(site)

    # bytes that come apart

    @precondition(lambda self: self.world.there())
    @rule(which=WHICH, what=WHICH)
    def upload(self, which: int, what: int) -> None:
        site = self.pick(which, self.world.there())
        wanted = sorted(site.awaited) or sorted(BYTES)
        self.send(site, wanted[what % len(wanted)])

    @precondition(lambda self: any(site.awaited for site in self.world.there()))
    @rule(which=WHICH)
    def upload_all(self, which: int) -> None:
        site = self.pick(which, [site for site in self.world.there() if site.awaited])
        for name in sorted(site.awaited):
            self.send(site, name)
        self.world.judge_visits(site)

    def send(self, site: Site, name: str) -> None:
        answer = self.world.run(publishing.put(self.world.deploy, self.world.key_of(site), site.id, BYTES[name]))
        if name not in site.awaited | site.has:
            assert code(answer) == "blob_not_named"
            return
        assert code(answer) == "ok", answer.text
        for version in site.versions.values():
            if name in version.missing:
                version.missing.discard(name)
                version.ready = not version.missing
        site.has.add(name)

    # going live, and back

    @precondition(lambda self: self.world.there())
    @rule(which=WHICH, what=WHICH, seen=FORGETFUL)
    def publish(self, which: int, what: int, seen: str | None) -> None:
        site = self.pick(which, self.world.there())
        number = 1 + what % (len(site.versions) + 1)
        version = site.versions.get(number)
        given = self.if_version(site, seen)
        answer = self.world.run(
            publishing.go_live(self.world.deploy, self.world.key_of(site), site.id, number, **given)
        )
        if version is None:
            assert code(answer) == "version_not_found"
        elif version.missing:
            assert (code(answer), answer.json["missing"]) == ("incomplete_version", sorted(version.missing))
        elif given.get("if_version") not in {None, site.live}:
            assert code(answer) == "version_conflict"
        else:
            assert (code(answer), answer.json["live"]) == ("ok", True)
            site.live = number
        self.world.judge_visits(site)

    @precondition(lambda self: self.world.there())
    @rule(which=WHICH)
    def protect(self, which: int) -> None:
        site = self.pick(which, self.world.there())
        if site.account is None:
            return
        body = {"password": None if site.protected else PASSWORD}
        assert code(self.world.call("PATCH", f"/deploy/{site.id}/settings", self.world.key_of(site), json=body)) == "ok"
        site.protected = not site.protected
        self.world.judge_visits(site)

    # owners

    @precondition(lambda self: self.world.there())
    @rule(which=WHICH)
    def delete(self, which: int) -> None:
        site = self.pick(which, self.world.there())
        assert code(self.world.call("DELETE", f"/deploy/{site.id}", self.world.key_of(site))) == "ok"
        self.world.give_up(site)
        self.world.judge_visits(site)

    @precondition(lambda self: any(site.account for site in self.world.there(deleted=True)))
    @rule(which=WHICH)
    def restore(self, which: int) -> None:
        world = self.world
        site = self.pick(which, [site for site in world.there(deleted=True) if site.account])
        answer = world.call("POST", f"/deploy/{site.id}/restore", world.key_of(site))
        if any(each.slug == site.slug for each in world.there()):
            assert code(answer) == "slug_taken"
        elif len(world.of(site.account or "")) >= PLAN:
            assert code(answer) == "limit_reached"
        else:
            assert code(answer) == "ok", answer.text
            site.deleted = False
            world.resting.pop(site.slug, None)
        world.judge_visits(site)

    @precondition(lambda self: any(site.token for site in self.world.there()))
    @rule(which=WHICH, who=st.integers(0, 1))
    def claim(self, which: int, who: int) -> None:
        world = self.world
        site = self.pick(which, [site for site in world.there() if site.token])
        account = list(world.keys)[who]
        answer = world.call("POST", "/claim", world.keys[account], json={"slug": site.slug, "token": site.token})
        if site.account:
            assert code(answer) == "already_claimed"
            assert code(world.call("GET", f"/deploy/{site.id}", site.token)) == "unauthorized"
        elif len(world.of(account)) >= PLAN:
            assert code(answer) == "limit_reached"
        else:
            assert code(answer) == "ok", answer.text
            site.account = account
            # its place in lists is that of its making
            assert world.call("GET", f"/deploy/{site.id}", world.keys[account]).json["expires_at"] is None
        world.judge_visits(site)

    # time, and what goes by itself

    @precondition(lambda self: self.world.there(deleted=True))
    @rule(which=WHICH)
    def forget(self, which: int) -> None:
        """Let a deleted site's week be over."""
        site = self.pick(which, self.world.there(deleted=True))
        self.world.week(site)
        self.world.sweep()
        self.world.sites.remove(site)
        if site.account:
            assert code(self.world.call("POST", f"/deploy/{site.id}/restore", self.world.key_of(site))) == (
                "deployment_not_found"
            )

    @precondition(lambda self: self.world.resting)
    @rule(which=WHICH)
    def rest(self, which: int) -> None:
        # in the order in which they were given up: the names of some are chance
        names = list(self.world.resting)
        self.world.rest(names[which % len(names)])

    @precondition(lambda self: self.world.there(deleted=True))
    @rule()
    def sweep(self) -> None:
        self.world.sweep()
        self.world.judge_lists()
