"""Contract, section 4: files named by digest, whose bytes come apart, and only those that are not there yet."""

import asyncio
from typing import Any

import pytest

from services.deploy import versions
from shared import credentials
from tests.support.deploying import FORM, Deploy
from tests.support.publishing import BOTH_STORES, digest, go_live, inline, named, put, put_all, replace, stored, value

PAGE, SCRIPT = FORM.encode(), b"console.log(1)" * 100
FILES = {"index.html": PAGE, "a/app.js": SCRIPT}


async def test_an_answer_names_what_is_missing_and_nothing_is_live(deploy: Deploy, key: str) -> None:
    made = await deploy.publish(key, files=named(FILES))
    assert (made["live"], made["missing"]) == (False, sorted(map(digest, FILES.values())))
    assert (await deploy.site(made["slug"])).status == 404
    answer = await go_live(deploy, key, made["id"], 1)
    assert (answer.status, answer.json["code"], answer.json["missing"]) == (409, "incomplete_version", made["missing"])


@BOTH_STORES
async def test_the_last_upload_publishes_nothing_but_the_preview(deploy: Deploy, key: str) -> None:
    made = await deploy.publish(key, files=named(FILES))
    first = await put(deploy, key, made["id"], PAGE)
    assert first.json == {"sha256": digest(PAGE), "size": len(PAGE), "missing": 1}
    assert (await deploy.site(f"{made['slug']}--v1")).status == 404
    assert (await put(deploy, key, made["id"], SCRIPT)).json["missing"] == 0
    assert (await deploy.site(made["slug"])).status == 404
    assert (await deploy.site(f"{made['slug']}--v1", "/a/app.js")).raw == SCRIPT
    live = await go_live(deploy, key, made["id"], 1)
    assert (live.status, live.json["live"], live.json["missing"]) == (200, True, [])
    page = await deploy.site(made["slug"])
    assert page.text == FORM.replace("{{SUBMIT_URL}}", f"http://localhost:8080/api/submit/{made['id']}")


async def test_what_is_noticed_about_a_page_that_came_apart_is_said_when_it_goes_live(deploy: Deploy, key: str) -> None:
    page = {"index.html": b"<title>t</title><a href=/nowhere>there</a>"}
    made = await deploy.publish(key, files=named(page))
    await put_all(deploy, key, made, page)
    for _ in range(2):
        answer = await go_live(deploy, key, made["id"], 1)
        assert [each["path"] for each in answer.json["warnings"]] == ["index.html"]


@BOTH_STORES
async def test_a_deploy_of_many_files_of_which_three_changed_moves_three(deploy: Deploy, key: str) -> None:
    files = {f"{number}.txt": f"{number}".encode() for number in range(60)} | {"index.html": PAGE}
    made = await deploy.publish(key, files=named(files))
    assert await put_all(deploy, key, made, files) == 61
    assert (await go_live(deploy, key, made["id"], 1)).status == 200
    files |= {f"{number}.txt": b"changed %d" % number for number in (3, 30, 59)}
    again = (await replace(deploy, key, made["id"], files=named(files))).json
    assert await put_all(deploy, key, again, files) == 3
    assert (await go_live(deploy, key, made["id"], 2)).status == 200
    assert (await deploy.site(made["slug"], "/30.txt")).text == "changed 30"
    assert (await deploy.site(made["slug"], "/31.txt")).text == "31"
    third = (await replace(deploy, key, made["id"], files=named(files))).json
    assert (third["live"], third["missing"]) == (True, []), "all of it is there"


async def test_inline_files_and_named_ones_go_together(deploy: Deploy, key: str) -> None:
    made = await deploy.publish(key, files=[*inline({"index.html": "<title>t</title>"}), *named({"a.js": SCRIPT})])
    assert made["missing"] == [digest(SCRIPT)]
    await put(deploy, key, made["id"], SCRIPT)
    await go_live(deploy, key, made["id"], 1)
    assert (await deploy.site(made["slug"])).text == "<title>t</title>"
    assert (await deploy.site(made["slug"], "/a.js")).raw == SCRIPT


async def test_an_upload_sent_again_says_the_same(deploy: Deploy, key: str) -> None:
    made = await deploy.publish(key, files=named(FILES))
    answers = [await put(deploy, key, made["id"], PAGE) for _ in range(2)]
    assert answers[0].json == answers[1].json
    await put(deploy, key, made["id"], SCRIPT)
    await go_live(deploy, key, made["id"], 1)
    assert (await put(deploy, key, made["id"], SCRIPT)).json["missing"] == 0


async def test_both_last_files_at_once_make_the_version_ready(deploy: Deploy, key: str) -> None:
    site = await deploy.publish(key, html="first")
    for number in range(2, 10):
        files = {"index.html": b"%d" % number, "a.txt": b"a%d" % number}
        await replace(deploy, key, site["id"], files=named(files))
        answers = await asyncio.gather(*(put(deploy, key, site["id"], data) for data in files.values()))
        assert min(answer.json["missing"] for answer in answers) == 0
        assert (await deploy.site(f"{site['slug']}--v{number}")).text == str(number)


WRONG: dict[str, tuple[bytes, str, int, str]] = {
    "other bytes": (b"x" * len(SCRIPT), digest(SCRIPT), 422, "digest_mismatch"),
    "too few": (SCRIPT[1:], digest(SCRIPT), 422, "size_mismatch"),
    "too many": (SCRIPT + b"x", digest(SCRIPT), 422, "size_mismatch"),
    "none": (b"", digest(SCRIPT), 422, "size_mismatch"),
    "what nobody asked for": (b"y", digest(b"y"), 404, "blob_not_named"),
    "no digest": (SCRIPT, "x" * 64, 404, "blob_not_named"),
    "a digest in capitals": (SCRIPT, digest(SCRIPT).upper(), 404, "blob_not_named"),
}


async def test_other_bytes_than_those_named_are_refused(deploy: Deploy, key: str) -> None:
    made = await deploy.publish(key, files=named({"a.js": SCRIPT}))
    for name, (data, at, status, code) in WRONG.items():
        answer = await put(deploy, key, made["id"], data, at=at)
        assert (answer.status, answer.json["code"]) == (status, code), name
    assert stored(deploy) == set()
    assert (await put(deploy, key, made["id"], SCRIPT)).status == 200


async def test_a_size_that_was_stated_wrongly_does_not_keep_the_right_one_out(deploy: Deploy, key: str) -> None:
    wrong = named({"a.txt": b"12345"})[0] | {"size": 4}
    made = await deploy.publish(key, files=[wrong])
    assert (await put(deploy, key, made["id"], b"12345")).json["code"] == "size_mismatch"
    again = (await replace(deploy, key, made["id"], files=named({"a.txt": b"12345"}))).json
    await put_all(deploy, key, again, {"a.txt": b"12345"})
    assert (await go_live(deploy, key, made["id"], 2)).status == 200
    assert (await go_live(deploy, key, made["id"], 1)).json["code"] == "incomplete_version"
    assert (await deploy.site(made["slug"], "/a.txt")).text == "12345"
    answer = await deploy.call("POST", "/deploy", key=key, json={"files": [wrong]})
    assert (answer.status, answer.json["code"]) == (422, "size_mismatch"), "it is known better by now"
    twice = [named({"a": b"12345"})[0], {**wrong, "path": "b"}]
    assert (await deploy.call("POST", "/deploy", key=key, json={"files": twice})).json["code"] == "size_mismatch"


@BOTH_STORES
async def test_bytes_that_another_account_has_are_not_there_for_me(deploy: Deploy, key: str) -> None:
    secret = {"index.html": b"a secret of somebody else's"}
    theirs = await deploy.publish(deploy.key(), files=inline({"index.html": "a secret of somebody else's"}))
    assert theirs["live"]
    mine = await deploy.publish(key, files=named(secret))
    assert mine["missing"] == [digest(secret["index.html"])]
    assert (await go_live(deploy, key, mine["id"], 1)).status == 409
    await put_all(deploy, key, mine, secret)
    assert (await go_live(deploy, key, mine["id"], 1)).status == 200
    assert len(stored(deploy)) == 1, "and yet they are stored once"


async def test_a_site_of_mine_has_what_another_one_of_mine_has(deploy: Deploy, key: str) -> None:
    await deploy.publish(key, files=inline({"a.txt": "the same"}))
    made = await deploy.publish(key, files=named({"b.txt": b"the same"}))
    assert (made["live"], made["missing"]) == (True, [])


async def test_an_upload_to_somebody_elses_site_is_404(deploy: Deploy, key: str) -> None:
    made = await deploy.publish(key, files=named({"a.js": SCRIPT}))
    bound = deploy.key(account=deploy.auth.account(key), site="another-site")
    for other in (deploy.key(), bound):
        answer = await put(deploy, other, made["id"], SCRIPT)
        assert (answer.status, answer.json["error"]) == (404, "Deployment not found")
    await deploy.call("DELETE", f"/deploy/{made['id']}", key=key)
    assert (await put(deploy, key, made["id"], SCRIPT)).status == 404


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
async def test_a_file_with_a_key_in_it_is_refused_however_it_comes(deploy: Deploy, key: str, encoding: str) -> None:
    leak = f"const a = 1\nconst key = '{credentials.mint()}'".encode(encoding)
    large = b"x" * 700_000 + leak
    made = await deploy.publish(key, files=named({"a.js": leak, "b.bin": large}))
    for data in (leak, large):
        answer = await put(deploy, key, made["id"], data)
        assert (answer.status, answer.json["code"]) == (422, "key_in_file")
    assert (await go_live(deploy, key, made["id"], 1)).json["code"] == "incomplete_version"
    assert stored(deploy) == set()


@BOTH_STORES
async def test_large_files_and_small_ones_arrive_together(deploy: Deploy, key: str) -> None:
    files = {f"{number}.bin": bytes([number]) * (1 << (2 * number)) for number in range(11)} | {"empty": b""}
    files["text.csv"] = b"a,b,c\n" * 200_000
    made = await deploy.publish(key, files=named(files))
    await put_all(deploy, key, made, files)
    assert (await go_live(deploy, key, made["id"], 1)).status == 200
    for path, data in files.items():
        assert (await deploy.site(made["slug"], f"/{path}")).raw == data, path
    assert digest(files["text.csv"]) + ".br" in stored(deploy)


async def test_named_files_count_to_the_storage_once(deploy: Deploy, key: str) -> None:
    async def counted() -> int:
        return int(await value(deploy, "SELECT stored FROM deployments WHERE id = $1", made["id"]))

    files = {"a.bin": b"1" * 1000, "b.bin": b"2" * 500}
    made = await deploy.publish(key, files=named(files))
    await replace(deploy, key, made["id"], files=named(files))
    assert await counted() == 1500
    await replace(deploy, key, made["id"], files=inline({"c.bin": "1" * 1000, "d.bin": "3" * 10}))
    assert await counted() == 1510
    for data in files.values():
        await put(deploy, key, made["id"], data)
    await go_live(deploy, key, made["id"], 1)
    assert await counted() == 1510


async def test_naming_more_than_the_plan_has_room_for_is_403(deploy: Deploy, key: str) -> None:
    """R68: an account has so many bytes, whether they come with the deploy or apart."""
    size = versions.MAX_FILE
    many = [{"path": f"{number}", "sha256": digest(b"%d" % number), "size": size} for number in range(103)]
    answer = await deploy.call("POST", "/deploy", key=key, json={"files": many})
    assert (answer.status, answer.json["code"]) == (403, "storage_limit_reached")
    assert (await deploy.call("GET", "/deploy", key=key)).json["deployments"] == []


BAD_NAMES: dict[str, dict[str, Any]] = {
    "neither content nor digest": {"path": "a"},
    "both": {"path": "a", "content": "x", "sha256": digest(b"x"), "size": 1},
    "no size": {"path": "a", "sha256": digest(b"x")},
    "no digest": {"path": "a", "size": 1},
    "a digest in capitals": {"path": "a", "sha256": digest(b"x").upper(), "size": 1},
    "a short digest": {"path": "a", "sha256": "ab", "size": 1},
    "a negative size": {"path": "a", "sha256": digest(b"x"), "size": -1},
    "one byte more than a file may have": {"path": "a", "sha256": digest(b"x"), "size": versions.MAX_FILE + 1},
}


async def test_a_file_that_is_named_badly_is_422(deploy: Deploy, key: str) -> None:
    for name, file in BAD_NAMES.items():
        answer = await deploy.call("POST", "/deploy", key=key, json={"files": [file]})
        assert (answer.status, answer.json["code"]) == (422, "invalid"), name
