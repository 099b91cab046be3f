"""`_headers`: what a site may set on which paths."""

import pytest

from services.deploy import rule_files, rules
from services.deploy.rule_lines import BadRules
from services.deploy.rules import Rules

HEADERS = b"""# comment
/*
  X-Frame-Options: DENY
  Cache-Control: public, max-age=60

/assets/*
\tCache-Control: public, max-age=31536000, immutable
  Link: </a.css>; rel=preload
  link: </b.css>; rel=preload
/*.js
  X-Script: yes
/:lang/page
  Content-Language: any
/\xc3\xbc
  X-Umlaut: yes
"""


def read(text: str | bytes) -> Rules:
    return rule_files.read(None, text.encode() if isinstance(text, str) else text)


@pytest.mark.parametrize(
    "path, expected",
    [
        ("/", {"X-Frame-Options": "DENY", "Cache-Control": "public, max-age=60"}),
        ("/a/b.js", {"X-Frame-Options": "DENY", "Cache-Control": "public, max-age=60", "X-Script": "yes"}),
        ("/en/page", {"X-Frame-Options": "DENY", "Cache-Control": "public, max-age=60", "Content-Language": "any"}),
        ("/\u00fc", {"X-Frame-Options": "DENY", "Cache-Control": "public, max-age=60", "X-Umlaut": "yes"}),
    ],
)
def test_every_path_that_fits_sets_its_headers(path: str, expected: dict[str, str]) -> None:
    assert rules.headers_for(read(HEADERS), path) == expected


def test_of_two_paths_the_later_wins_and_twice_on_one_path_is_both() -> None:
    assert rules.headers_for(read(HEADERS), "/assets/a.css") == {
        "X-Frame-Options": "DENY",
        "Cache-Control": "public, max-age=31536000, immutable",
        "Link": "</a.css>; rel=preload, </b.css>; rel=preload",
    }


@pytest.mark.parametrize(
    "path, fits", [("/a.js", True), ("/b/a.js", True), ("/.js", True), ("/js", False), ("/a.jsx", False)]
)
def test_a_star_may_stand_before_an_ending(path: str, fits: bool) -> None:  # noqa: FBT001 - a table
    assert bool(rules.headers_for(read("/*.js\n A: b"), path)) is fits


NOT_THE_SITES = """
    Set-Cookie set-cookie Connection Keep-Alive Proxy-Authenticate TE Trailer Transfer-Encoding Upgrade Content-Length
    Content-Type Content-Encoding ETag Vary Date Server Location X-Invoker-Version X-Accel-Redirect X-Accel-Expires
    X-Request-ID X-Content-Type-Options Clear-Site-Data Accept-Ranges Content-Range Last-Modified Age Expires Via
    CDN-Cache-Control Surrogate-Control Refresh Alt-Svc
"""


@pytest.mark.parametrize("name", NOT_THE_SITES.split())
def test_a_header_that_is_not_the_sites_to_set_is_told(name: str) -> None:
    with pytest.raises(BadRules, match=f"_headers line 2: sets {name}, which a site cannot set"):
        read(f"/*\n  {name}: x")


@pytest.mark.parametrize(
    "line",
    [
        "Service-Worker-Allowed: /",
        "Cache-Control: no-store",
        "Content-Security-Policy: default-src 'self'; img-src *",
        "Access-Control-Allow-Origin: *",
        "X-Robots-Tag: noindex",
        "Referrer-Policy: no-referrer",
        "Strict-Transport-Security: max-age=60",
        "Content-Disposition: attachment; filename=a.pdf",
        "Permissions-Policy: camera=()",
    ],
)
def test_a_header_that_is_the_sites_to_set_is_taken(line: str) -> None:
    name, _, value = line.partition(": ")
    assert rules.headers_for(read(f"/*\n{line}"), "/x") == {name: value}


@pytest.mark.parametrize(
    "text, line, wrong",
    [
        ("X-A: b", 1, "comes before any path"),
        ("/a\n", 1, "sets nothing"),
        ("/a\n X-A: b\n/b", 3, "sets nothing"),
        ("/a\n X-A", 2, "neither a path nor a header"),
        ("/a\n X A: b", 2, "neither a path nor a header"),
        ("/a\n https://x.example/b", 2, "neither a path nor a header"),
        ("/a\n X-A:", 2, "no value"),
        ("/a\n X-A: ü", 2, "beyond ASCII"),
        ("/a\n X-A: b\x01c", 2, "beyond ASCII"),
        ("/a\n ! X-A", 2, "neither a path nor a header"),
        ("/a b\n X-A: b", 1, "more than a path"),
        ("/a?b\n X-A: b", 1, "more than a path"),
        ("/*/a/*\n X-A: b", 1, "more than one '*'"),
        ("/:a/*.js\n X-A: b", 1, "more than one '*'"),
        ("/../a\n X-A: b", 1, "'.' or '..'"),
        ("/a\n Cache-Control: public, S-MaxAge=60", 2, "s-maxage"),
        ("/a\n Content-Disposition: inline", 2, "Content-Disposition other than"),
        ("/a\n X-A: " + "b" * 1000, 2, "longer than 1000 bytes"),
        ("\n".join(f"/*\n X-{number}: {'b' * 900}" for number in range(4)), 8, "more than 3000 bytes"),
        ("\n".join(f"/{number}\n A: b" for number in range(501)), 1001, "one path too many"),
    ],
)
def test_a_wrong_line_is_told(text: str, line: int, wrong: str) -> None:
    with pytest.raises(BadRules) as caught:
        read(text)
    problem = caught.value.details["problems"][0]
    assert (problem["file"], problem["line"]) == ("_headers", line)
    assert wrong in problem["message"]


def test_a_line_break_cannot_be_brought_into_a_header() -> None:
    found = read("/a\r\n X-A: b\r\n")
    assert rules.headers_for(found, "/a") == {"X-A": "b"}
    with pytest.raises(BadRules):
        read("/a\n X-A: b\rSet-Cookie: c\n")
