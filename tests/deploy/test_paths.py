"""Paths of files: which are taken, and which names say that their content never changes."""

import random
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.deploy import versions
from services.deploy.versions import BadPath

HOSTILE = [
    "", "/", "//", ".", "..", "./a", "../a", "a/..", "a/.", "a/../b", "a/./b", "a/../../b", "../../../../etc/passwd",
    "/etc/passwd", "//evil.example/a", "///a", "a//b", "a/", "a/b/", "/a", "\\", "\\\\host\\share\\a", "a\\b", "..\\a",
    "a\\..\\b", "C:/a", "c:a", "C:\\a", "\u212a:/a", "z:", "file:///etc/passwd", "\0", "a\0.html", "a.html\0.png",
    "\n", "a\nb", "a\r\nSet-Cookie: b", "\ta", "a\x1b[31m", "a\x7f", "a\x80", "a\x9b", "a\ud800", "\udfffa",
    "%2e%2e/a", "%2E%2E/a", "a/%2e", "a/%2e%2e/b", "..%2fa", "a%2Fb", "a%5cb", "a%5C..%5Cb", "a%00", "%00", "%2e",
    "a/%2f", "a" * 201, "ü" * 101, "/".join("a" * 17), "a/" * 16, "a\u0301" * 101, "\u0301" * 100_000,
    "a" * 1_000_000, "a/.." * 50, "x/\u212a:/../..",
]  # fmt: skip


def test_r67_there_are_enough_hostile_paths() -> None:
    """R67: at least 60, each of its own."""
    assert len(set(HOSTILE)) == len(HOSTILE) >= 60


@pytest.mark.parametrize("path", HOSTILE, ids=[ascii(path[:40]) for path in HOSTILE])
def test_r67_a_hostile_path_is_refused_by_name(path: str) -> None:
    """R67: a clear 400 that names the path, in a form that can be shown."""
    began = time.process_time()
    with pytest.raises(BadPath) as caught:
        versions.check_path(path)
    assert (caught.value.status, caught.value.code) == (400, "bad_path")
    assert caught.value.message.startswith("The path '")
    assert caught.value.message.isprintable()
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    "path",
    ["index.html", "a/b/c.js", ".well-known/security.txt", "a b.html", "ü/日本.html", "a%20b", "100%.txt", "...", "..a",
     "a..b", "ab:c", "CON", "a.", " a", "-", "~", "a" * 200, "/".join("a" * 16), "_headers", "e\u0301.html", "🚀"],
)  # fmt: skip
def test_an_honest_path_is_taken(path: str) -> None:
    assert versions.check_path(path) == unicodedata.normalize("NFC", path)


def test_r67_paths_that_differ_in_case_are_two_files() -> None:
    """R67: nothing here stores files by their names, so there is no collision."""
    assert versions.check_paths(["A.html", "a.html", "ß", "SS"]) == ["A.html", "a.html", "ß", "SS"]


@pytest.mark.parametrize("twice", [["a", "a"], ["\u00fc", "u\u0308"], ["\u212b", "\u00c5"], ["x/e\u0301", "x/\u00e9"]])
def test_r67_the_same_path_in_another_normal_form_is_refused(twice: list[str]) -> None:
    """R67: NFC and NFD of one name are one name."""
    with pytest.raises(BadPath, match="is there twice"):
        versions.check_paths(twice)


def test_one_file_too_many_is_refused() -> None:
    paths = [f"{number}" for number in range(versions.MAX_FILES)]
    assert versions.check_paths(paths) == paths
    with pytest.raises(BadPath, match="one file too many: at most 1000"):
        versions.check_paths([*paths, "x"])


PIECES = [
    *"/\\.:%~-_ abCé\0\n\t\x7f\x85\u212a\u0301\u2028\u202e\ud834",
    "..",
    "%2e",
    "%2F",
    "%5c",
    "%00",
    "C:",
    "index.html",
    "ab" * 30,
]


def test_r67_ten_thousand_fuzzed_paths() -> None:
    """R67: each is refused, or stays inside any folder that it might ever be written to."""
    chance = random.Random(67)
    taken = 0
    for _ in range(10_000):
        given = "".join(chance.choices(PIECES, k=chance.randint(0, 8)))
        try:
            path = versions.check_path(given)
        except BadPath:
            continue
        taken += 1
        assert is_inside(path)
    assert taken > 100


@given(st.text(max_size=300))
def test_r67_any_text_is_refused_or_stays_inside(given_path: str) -> None:
    """R67: whatever it is made of."""
    try:
        path = versions.check_path(given_path)
    except BadPath:
        return
    assert is_inside(path)
    assert versions.check_path(path) == path


def is_inside(path: str) -> bool:
    parts = path.split("/")
    return (
        not {"", ".", ".."} & set(parts)
        and "\\" not in path
        and len(path.encode()) <= 200
        and len(parts) <= 16
        and path == unicodedata.normalize("NFC", path)
    )


@pytest.mark.parametrize(
    "name",
    [
        *(
            "app.3f2a9c1b.js",
            "chunk.abcdef12.css",
            "main.3f2a9c1b.chunk.js",
            "2.8d9f1b3c.chunk.css.map",
            "a.3f2a9c1b.woff2",
        ),
        *("index-BxYz12Ab.js", "assets/logo-Dk3jQ9zX.svg", "main-5TA6QPXR.js", "chunk-ABC2D3EF.css", "app_3f2a9c1b.js"),
        *(
            "d41d8cd98f00b204e9800998ecf8427e.png",
            "style.min.d41d8cd98f00b204e9800998ecf8427e.css",
            "3f2a9c1b3f2a9c1b.js",
        ),
        *("main.7dd0a1a8a0bd6ac2.js", "my-long-name-1a2b3c4d5e6f.jpg"),
    ],
)
def test_a_name_with_a_hash_of_its_content_is_told(name: str) -> None:
    assert versions.has_content_hash(name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "jquery-3.6.0.js",
            "photo-20240101.jpg",
            "2024-01-01-post.html",
            "deadbeef.html",
            "deadbeef.js",
            "a/index.html",
        ),
        *(
            "app.3f2a9c1b.html",
            "index-BxYz12Ab.htm",
            "app-deadbeef.css",
            "bootstrap.bundle.min.js",
            "3f2a9c1b.js",
            "LICENSE",
        ),
        *("550e8400-e29b-41d4-a716-44665544abcd.png", "photo-iPhone15.jpg", "photo-DSC01234.jpg", "IMG_20240101.jpg"),
        *("my-FileName.js", "report-2024Q4.pdf", "logo-VERSION2.svg", "icon-512x512.png", "a-Version2.js", "v1.2.3.js"),
        *(
            "3f2a9c1b",
            "app.3f2a9c1b",
            "3f2a9c1b/app.js",
            "-3f2a9c1b.js",
            "app-12345678.js",
            "app-3f2a9c1b-x.js",
            ".js",
            "",
        ),
        *("facade12-page.js", "app-" + "a1" * 33 + ".js", "slides-JavaScript.js", "TEAM-PHOTOS22.png"),
    ],
)
def test_a_name_without_one_is_not_taken_for_it(name: str) -> None:
    assert not versions.has_content_hash(name)
