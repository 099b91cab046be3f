"""Contract, section 4: versions, previews, publish and rollback, edits, and the archive."""

import asyncio
import io
import zipfile

import pytest

from shared.events import Audited
from tests.support.deploying import FORM, Deploy
from tests.support.eventually import eventually
from tests.support.publishing import change, digest, edit, fetch, go_live, inline, named, put_all, replace


async def shown(deploy: Deploy, slug: str) -> tuple[int, str | None, str]:
    """Return what visitors see: status, version, first line."""
    page = await deploy.site(slug)
    return (
        page.status,
        page.headers.get("X-Invoker-Version"),
        page.text.partition("\n")[0] if page.status == 200 else "",
    )


async def numbers(deploy: Deploy, key: str, site: str) -> list[tuple[int, bool, bool]]:
    """Return the versions, newest first: number, whether live, whether it ever was."""
    listed = (await deploy.call("GET", f"/deploy/{site}/versions", key=key)).json["versions"]
    return [(row["version"], row["live"], row["published_at"] is not None) for row in listed]


def actions(deploy: Deploy) -> list[str]:
    """Return what the audit trail was told."""
    events = [envelope.event() for envelope in deploy.bus.published]
    return [event.action for event in events if isinstance(event, Audited)]


# Previews


async def test_a_first_version_that_is_a_preview_is_seen_at_its_own_host_alone(deploy: Deploy, key: str) -> None:
    made = await deploy.publish(key, html="one", preview=True)
    assert (made["live"], made["preview_url"]) == (False, f"http://{made['slug']}--v1.sites.localhost:8080")
    assert (await deploy.site(made["slug"])).status == 404
    preview = await deploy.site(f"{made['slug']}--v1")
    assert (preview.text, preview.headers["X-Robots-Tag"]) == ("one", "noindex")
    row = (await deploy.call("GET", f"/deploy/{made['id']}", key=key)).json
    assert (row["status"], row["version"], row["preview_url"]) == ("draft", None, None)
    assert (await go_live(deploy, key, made["id"], 1)).json["live"] is True
    assert await shown(deploy, made["slug"]) == (200, "1", "one")


async def test_a_preview_leaves_the_live_site_as_it_is(deploy: Deploy, key: str) -> None:
    made = await deploy.publish(key, html="one", title="One")
    answer = (await replace(deploy, key, made["id"], html="two", title="Two", preview=True)).json
    assert (answer["version"], answer["live"]) == (2, False)
    assert await shown(deploy, made["slug"]) == (200, "1", "<title>One</title>one")
    assert (await shown(deploy, f"{made['slug']}--v2"))[2] == "<title>Two</title>two"
    assert (await deploy.call("GET", f"/deploy/{made['id']}", key=key)).json["title"] == "One"
    assert await numbers(deploy, key, made["id"]) == [(2, False, False), (1, True, True)]


async def test_a_version_never_changes_once_it_is_there(deploy: Deploy, key: str) -> None:
    made = await deploy.publish(key, html="one")
    await replace(deploy, key, made["id"], html="two")
    await edit(deploy, key, made["id"], ("index.html", "two", "three"))
    for number, text in enumerate(("one", "two", "three"), 1):
        assert await shown(deploy, f"{made['slug']}--v{number}") == (200, str(number), text)
    assert (await deploy.site(f"{made['slug']}--v4")).status == 404


# Publish and rollback


async def test_a_rollback_is_one_more_event(deploy: Deploy, key: str) -> None:
    made = await deploy.publish(key, html="one")
    await replace(deploy, key, made["id"], html="two")
    back = await go_live(deploy, key, made["id"], 1)
    assert (back.json["version"], back.json["live"]) == (1, True)
    assert await shown(deploy, made["slug"]) == (200, "1", "one")
    await go_live(deploy, key, made["id"], 2)
    assert await shown(deploy, made["slug"]) == (200, "2", "two")
    events = await fetch(deploy, "SELECT version FROM publications ORDER BY id")
    assert [row["version"] for row in events] == [1, 2, 1, 2]
    wanted = ["site.published", "site.published", "site.rolled_back", "site.published"]
    await eventually(lambda: actions(deploy) == wanted)


async def test_what_a_version_stated_comes_back_with_it(deploy: Deploy, key: str) -> None:
    made = await deploy.publish(key, html="one", title="One", is_spa=True)
    await replace(deploy, key, made["id"], html="two", is_spa=False)
    assert (await deploy.site(made["slug"], "/deep")).status == 404
    await go_live(deploy, key, made["id"], 1)
    assert (await deploy.site(made["slug"], "/deep")).status == 200


async def test_publishing_what_is_live_is_no_event(deploy: Deploy, key: str) -> None:
    made = await deploy.publish(key, html="one")
    answers = [await go_live(deploy, key, made["id"], 1) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]
    assert len(await fetch(deploy, "SELECT 1 FROM publications")) == 1


async def test_an_unknown_version_is_404(deploy: Deploy, key: str) -> None:
    made = await deploy.publish(key, html="one")
    for number in (2, 2**31 - 1):
        answer = await go_live(deploy, key, made["id"], number)
        assert (answer.status, answer.json["code"]) == (404, "version_not_found")
    for given in ("1", None, 1.5):
        body = {"version": given}
        assert (await deploy.call("POST", f"/deploy/{made['id']}/publish", key=key, json=body)).status == 422
    assert (await go_live(deploy, deploy.key(), made["id"], 1)).json["error"] == "Deployment not found"


async def test_if_version_guards_every_way_to_change_a_site(deploy: Deploy, key: str) -> None:
    made = await deploy.publish(key, html="one")
    await replace(deploy, key, made["id"], html="two")
    refused = (
        await replace(deploy, key, made["id"], html="three", if_version=1),
        await edit(deploy, key, made["id"], ("index.html", "two", "three"), if_version=1),
        await go_live(deploy, key, made["id"], 1, if_version=1),
    )
    for answer in refused:
        assert (answer.status, answer.json["code"], answer.json["live_version"]) == (409, "version_conflict", 2)
    assert await numbers(deploy, key, made["id"]) == [(2, True, True), (1, False, True)]
    assert (await replace(deploy, key, made["id"], html="three", if_version=2)).status == 200
    assert (await edit(deploy, key, made["id"], ("index.html", "three", "four"), if_version=3)).status == 200
    assert (await go_live(deploy, key, made["id"], 1, if_version=4)).status == 200


async def test_of_many_changes_on_one_version_one_is_made(deploy: Deploy, key: str) -> None:
    made = await deploy.publish(key, html="one")
    answers = await asyncio.gather(*(replace(deploy, key, made["id"], html=f"{n}", if_version=1) for n in range(6)))
    assert sorted(answer.status for answer in answers) == [200] + [409] * 5


async def test_many_deploys_at_once_are_all_versions(deploy: Deploy, key: str) -> None:
    made = await deploy.publish(key, html="one")
    answers = await asyncio.gather(*(replace(deploy, key, made["id"], html=f"{n}") for n in range(6)))
    assert sorted(answer.json["version"] for answer in answers) == [2, 3, 4, 5, 6, 7]
    assert await shown(deploy, made["slug"]) == await shown(deploy, f"{made['slug']}--v7")


async def test_the_list_of_versions_comes_in_pages(deploy: Deploy, key: str) -> None:
    made = await deploy.publish(key, html="one", title="T")
    await replace(deploy, key, made["id"], files=named({"a.txt": b"12345"}))
    for number in range(3):
        await replace(deploy, key, made["id"], html=f"{number}", preview=True)
    first = (await deploy.call("GET", f"/deploy/{made['id']}/versions?limit=3", key=key)).json
    rest = (await deploy.call("GET", f"/deploy/{made['id']}/versions?cursor={first['next_cursor']}", key=key)).json
    rows = first["versions"] + rest["versions"]
    assert ([row["version"] for row in rows], rest["next_cursor"]) == ([5, 4, 3, 2, 1], None)
    assert (rows[3]["ready"], rows[3]["missing"], rows[3]["size"]) == (False, 1, 5)
    assert (rows[4]["ready"], rows[4]["missing"], rows[4]["title"]) == (True, 0, "T")
    assert rows[4]["preview_url"] == made["preview_url"]
    for query in ("cursor=x", "cursor=-1", "limit=0", "cursor=%D9%A3"):
        assert (await deploy.call("GET", f"/deploy/{made['id']}/versions?{query}", key=key)).status == 422
    assert (await deploy.call("GET", f"/deploy/{made['id']}/versions", key=deploy.key())).status == 404


# Edits


SITE = {"index.html": "<title>t</title><p>Hello\n<p>World\n", "app.css": "a { color: red }\n", "b.txt": "x x\n"}


async def test_an_edit_changes_one_place_and_leaves_the_rest(deploy: Deploy, key: str) -> None:
    made = await deploy.publish(key, files=inline(SITE))
    answer = await edit(deploy, key, made["id"], ("index.html", "Hello", "Good day"), ("app.css", "red", "blue"))
    assert (answer.status, answer.json["version"], answer.json["live"]) == (200, 2, True)
    assert (await deploy.site(made["slug"])).text == SITE["index.html"].replace("Hello", "Good day")
    assert (await deploy.site(made["slug"], "/app.css")).text == "a { color: blue }\n"
    assert (await deploy.site(made["slug"], "/b.txt")).text == "x x\n"


async def test_edits_of_one_file_build_on_each_other(deploy: Deploy, key: str) -> None:
    made = await deploy.publish(key, files=inline(SITE))
    await edit(deploy, key, made["id"], ("index.html", "Hello", "Hi"), ("index.html", "Hi\n<p>World", "Hi all"))
    assert "Hi all" in (await deploy.site(made["slug"])).text


async def test_an_edit_that_fits_twice_or_nowhere_changes_nothing(deploy: Deploy, key: str) -> None:
    made = await deploy.publish(key, files=inline(SITE))
    twice = await edit(deploy, key, made["id"], ("index.html", "Hello", "Hi"), ("b.txt", "x", "y"))
    assert (twice.status, twice.json["code"], twice.json["path"], twice.json["count"]) == (
        409, "edit_not_unique", "b.txt", 2,
    )  # fmt: skip
    nowhere = await edit(deploy, key, made["id"], ("index.html", "<p>Word", "Hi"))
    assert (nowhere.status, nowhere.json["count"]) == (409, 0)
    assert {"-<p>Word", "+<p>World"} <= set(nowhere.json["diff"].splitlines())
    missing = await edit(deploy, key, made["id"], ("none.html", "a", "b"))
    assert (missing.status, missing.json["count"], "diff" in missing.json) == (409, 0, False)
    assert missing.json["error"] == "The live version has no file 'none.html'"
    assert await numbers(deploy, key, made["id"]) == [(1, True, True)]


async def test_an_edit_may_find_and_put_the_forms_address(deploy: Deploy, key: str) -> None:
    made = await deploy.publish(key)
    answer = await edit(
        deploy, key, made["id"],
        ("index.html", 'action="{{SUBMIT_URL}}"', 'class=a action="{{SUBMIT_URL}}"'),
    )  # fmt: skip
    assert answer.status == 200
    page = FORM.replace("action=", "class=a action=").replace(
        "{{SUBMIT_URL}}", f"http://localhost:8080/api/submit/{made['id']}"
    )
    assert (await deploy.site(made["slug"])).text == page


async def test_what_is_no_text_cannot_be_edited(deploy: Deploy, key: str) -> None:
    made = await deploy.publish(key, files=[{"path": "a.bin", "content": "/wD/", "encoding": "base64"}])
    answer = await edit(deploy, key, made["id"], ("a.bin", "a", "b"))
    assert (answer.status, answer.json["code"]) == (409, "not_text")


async def test_an_edit_may_be_a_preview(deploy: Deploy, key: str) -> None:
    made = await deploy.publish(key, html="one")
    answer = await edit(deploy, key, made["id"], ("index.html", "one", "two"), preview=True)
    assert answer.json["live"] is False
    assert await shown(deploy, made["slug"]) == (200, "1", "one")
    assert await shown(deploy, f"{made['slug']}--v2") == (200, "2", "two")


async def test_an_edit_brings_no_older_settings_back(deploy: Deploy, key: str) -> None:
    made = await deploy.publish(key, html="<title>t</title>one", title="First", is_spa=True)
    await change(deploy, key, made["id"], title="Second", is_spa=False)
    await edit(deploy, key, made["id"], ("index.html", "one", "two"))
    row = (await deploy.call("GET", f"/deploy/{made['id']}", key=key)).json
    assert (row["title"], row["settings"]["is_spa"]) == ("Second", False)


async def test_edits_at_once_are_all_made(deploy: Deploy, key: str) -> None:
    made = await deploy.publish(key, files=inline({"index.html": "a b c"}))
    answers = await asyncio.gather(
        *(edit(deploy, key, made["id"], ("index.html", letter, letter * 2)) for letter in "abc")
    )
    assert [answer.status for answer in answers] == [200] * 3
    assert (await deploy.site(made["slug"])).text == "aa bb cc"


@pytest.mark.parametrize(
    "edits", [[], [{"path": "a", "find": "", "replace": "x"}], [{"path": "a", "find": "x"}], "x", [None]]
)
async def test_edits_of_a_wrong_form_are_422(deploy: Deploy, key: str, edits: object) -> None:
    made = await deploy.publish(key, html="one")
    assert (await deploy.call("PATCH", f"/deploy/{made['id']}", key=key, json={"edits": edits})).status == 422


async def test_an_edit_names_a_path_that_may_be_one(deploy: Deploy, key: str) -> None:
    made = await deploy.publish(key, html="one", preview=True)
    assert (await edit(deploy, key, made["id"], ("../a", "x", "y"))).status == 400
    nothing = await edit(deploy, key, made["id"], ("index.html", "one", "two"))
    assert (nothing.status, nothing.json["code"]) == (404, "version_not_found"), "nothing is live"


# The archive


async def test_the_archive_has_the_same_bytes(deploy: Deploy, key: str) -> None:
    files = {"index.html": b"<title>t</title>", "a/b.bin": bytes(range(256)) * 2000, "\u00fc.txt": b"", "_headers": b""}
    made = await deploy.publish(key, files=named(files))
    none = await deploy.call("GET", f"/deploy/{made['id']}/archive", key=key)
    assert (none.status, none.json["code"]) == (404, "version_not_found")
    await put_all(deploy, key, made, files)
    await go_live(deploy, key, made["id"], 1)
    first, again = [await deploy.call("GET", f"/deploy/{made['id']}/archive", key=key) for _ in range(2)]
    assert (first.headers["Content-Type"], first.raw) == ("application/zip", again.raw)
    assert first.headers["Content-Disposition"] == f'attachment; filename="{made["slug"]}.zip"'
    with zipfile.ZipFile(io.BytesIO(first.raw)) as archive:
        assert archive.testzip() is None
        assert {path: digest(archive.read(path)) for path in archive.namelist()} == {
            path: digest(data) for path, data in files.items()
        }
    assert (await deploy.call("GET", f"/deploy/{made['id']}/archive", key=deploy.key())).status == 404
