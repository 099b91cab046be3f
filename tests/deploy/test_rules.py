"""`_redirects` and `_headers`: what they may say, and which rule a path meets."""

import json
import time
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.deploy import rule_files, rules
from services.deploy.rule_files import REDIRECTS
from services.deploy.rule_lines import MAX_RULES, BadRules
from services.deploy.rules import Redirect, RedirectRule, Rules

RULES = b"""\xef\xbb\xbf# comment
/old             /new
/old-two/        /new/two   302 # trailing comment
/blog/*          /news/:splat
/app/*           /index.html   200
/gone/*          /missing.html 404
/shop/*          https://shop.example:8443/s/:splat#top 308!
/moved           https://other.example
/\xc3\xbc        /%C3%A4       303

/%C3%B6          /o
/:year/:month    /archive?y=:year&m=:month   307
"""


def read(text: str | bytes, *paths: str) -> Rules:
    return rule_files.read(text.encode() if isinstance(text, str) else text, None, paths)


@pytest.mark.parametrize(
    "path, to, status",
    [
        ("/old", "/new", 301),
        ("/old/", "/new", 301),
        ("/old-two", "/new/two", 302),
        ("/blog/a/b", "/news/a/b", 301),
        ("/blog/a/", "/news/a/", 301),
        ("/blog", "/news/", 301),
        ("/blog/", "/news/", 301),
        ("/blog/ü x?", "/news/%C3%BC%20x%3F", 301),
        ("/2024/05", "/archive?y=2024&m=05", 307),
        ("/2024/a&b=c#/", "/archive?y=2024&m=a%26b%3Dc%23", 307),
        ("/app/any/thing", "/index.html", 200),
        ("/gone/x", "/missing.html", 404),
        ("/shop/a", "https://shop.example:8443/s/a#top", 308),
        ("/moved", "https://other.example/", 301),
        ("/ü", "/%C3%A4", 303),
        ("/u\u0308", "/%C3%A4", 303),
        ("/ö", "/o", 301),
    ],
)
def test_a_path_meets_its_rule(path: str, to: str, status: int) -> None:
    assert rules.match_redirect(read(RULES), path) == Redirect(to, status)


@pytest.mark.parametrize("path", ["/", "/older", "/OLD", "/old/x/y", "/a", "/a/b/c", "//", "/blo"])
def test_a_path_that_no_rule_is_for_meets_none(path: str) -> None:
    assert rules.match_redirect(read(RULES), path) is None


def test_the_first_rule_that_fits_counts() -> None:
    sources = ["/a/*", "/a/b", "/:x/c", "/a/:y", "/q", "/:x", "/z/*", "/*"]
    found = read("\n".join(f"{source} https://{number}.example/" for number, source in enumerate(sources)))
    paths = ["/a/b", "/a/c", "/b/c", "/q", "/r", "/z", "/y/y/y", "/z/z/z"]
    met = [redirect.to[8] for path in paths if (redirect := rules.match_redirect(found, path))]
    assert "".join(met) == "00245576"


def test_only_rules_with_a_mark_win_over_files() -> None:
    found = read("/a /1\n/a /2 302!\n/b /3")
    assert rules.match_redirect(found, "/a", forced=True) == Redirect("/2", 302)
    assert rules.match_redirect(found, "/a") == Redirect("/1", 301)
    assert rules.match_redirect(found, "/b", forced=True) is None


@pytest.mark.parametrize(
    "to, query, location",
    [
        ("/a", "", "/a"),
        ("/a", "x=1", "/a?x=1"),
        ("/a#b", "x=1", "/a?x=1#b"),
        ("/a?y=2", "x=1", "/a?y=2"),
        ("https://other.example/", "x", "https://other.example/?x"),
    ],
)
def test_a_visitor_keeps_their_query(to: str, query: str, location: str) -> None:
    assert Redirect(to, 301).location(query) == location


def test_rewrites_show_what_redirects_lead_to() -> None:
    assert [Redirect("/x", status).rewrites for status in (200, 404, 301, 308)] == [True, True, False, False]
    assert rules.match_redirect(read("/a/* /b/:splat 200"), "/a/ü x") == Redirect("/b/ü x", 200)


PARTS = [
    "/",
    "//",
    "\\",
    "evil.example",
    "%2f",
    "%5c",
    "@",
    ":",
    "?",
    "#",
    "..",
    ".",
    "\t",
    "\r\n",
    "https:",
    "\0",
    "a",
]


@given(
    st.lists(st.sampled_from(PARTS)), st.sampled_from(["/*  /:splat", "/* /x/:splat", "/:a/* /:splat", "/:a/:b /:b"])
)
def test_r63_a_visitor_cannot_choose_another_host(parts: list[str], line: str) -> None:
    """R63: open-redirect payloads: none leaves the site."""
    # as they are read back: two of these would be refused as circles
    source, to = line.split()
    found = rules.match_redirect(Rules((RedirectRule(source, to, 302, force=False),)), "/" + "".join(parts))
    if found:
        target = found.location("")
        assert urllib.parse.urlsplit(urllib.parse.urljoin("https://site.example/", target)).netloc == "site.example"
        assert target.isascii()
        assert not set(target) & set("\r\n\t\0\\ ")
        assert not target.startswith("//")


@given(st.lists(st.sampled_from(PARTS)))
def test_r63_a_visitor_does_not_change_the_host_of_another_site(parts: list[str]) -> None:
    """R63: what a splat brings stays behind the host that the rule names."""
    found = rules.match_redirect(read("/* https://other.example/:splat"), "/" + "".join(parts))
    assert found is not None
    assert urllib.parse.urlsplit(found.to).netloc == "other.example"


@pytest.mark.parametrize(
    "line, wrong",
    [
        ("/a", "names no target"),
        ("a /b", "must begin with '/'"),
        ("https://x.example/a /b", "must begin with '/'"),
        ("/a b", "write a path that begins with '/'"),
        ("/a //evil.example", "write a path that begins with '/'"),
        ("/a /\\evil.example", "a backslash"),
        ("/a javascript:alert(1)", "write a path"),
        ("/a ftp://x.example/", "write a path"),
        ("/a https:/x.example", "write a path"),
        ("/a https://", "write a path"),
        ("/a https://u:p@x.example/", "user's name"),
        ("/a https://x.example:port/", "no URL"),
        ("/* https://:splat/", "no URL"),
        ("/* https://:splat.example/", "no URL"),
        ("/* https://x.example:splat", "no URL"),
        ("/* https://x.example.:splat@y.example/", "user's name"),
        ("/a https://[::1", "no URL"),
        ("/a https://x_y%2f.example/", "not plain"),
        ("/a /b 600", "has the status 600"),
        ("/a /b 410", "write one of 200, 301, 302, 303, 307, 308, 404"),
        ("/a /b three", "has the status 'three'"),
        ("/a /b 301!!", "has the status '301!!'"),
        ("/a /b 301 Country=de", "conditions cannot be judged"),
        ("/a id=:id /b/:id", "condition on the query"),
        ("/a?x=1 /b", "write the path alone"),
        ("/a//b /c", "single slash"),
        ("/a/*/b /c", "'*' in the middle"),
        ("/a* /c", "'*' in the middle"),
        ("/a/:1 /c", "placeholder that is no name"),
        ("/:a/:a /c", "same placeholder twice"),
        ("/a /b/:splat", "':splat', which its path does not have"),
        ("/a/:x /b/:y", "':y', which its path does not have"),
        ("/a/../b /c", "'.' or '..'"),
        ("/a/%2e%2e /c", "'.' or '..'"),
        ("/a%00 /c", "escape of a control character"),
        ("/a%5c /c", "backslash"),
        ("/a%ff /c", "no UTF-8"),
        ("/a https://x.example/ 200", "only the site's own files"),
        ("/a //x.example 200", "only the site's own files"),
        ("/a /b?c 200", "leave the query"),
        ("/a /b\x01", "control character"),
        ("/a /" + "b" * 1000, "longer than 1000 bytes"),
        (b"/a /\xff", "not UTF-8"),
        ("/a /a", "in a circle"),
        ("/a /a/ 302!", "in a circle"),
        ("/a /A\n/A /a", "in a circle"),
        ("/* /index.html", "in a circle"),
        ("/a/* /a/b/:splat", "in a circle"),
        ("/:lang/about /en/about", "in a circle"),
        ("/b/* /b/:splat?x=1", "in a circle"),
    ],
)
def test_a_wrong_line_is_told(line: str | bytes, wrong: str) -> None:
    raw = line if isinstance(line, bytes) else line.encode()
    with pytest.raises(BadRules) as caught:
        read(b"# first\n" + raw)
    body = caught.value.body("req")
    assert (caught.value.status, body["code"]) == (422, "bad_rules")
    assert body["error"].startswith("_redirects line 2: ")
    assert wrong in body["problems"][0]["message"]
    assert {"file", "line", "message"} == set(body["problems"][0])


def test_all_wrong_lines_are_told_up_to_ten() -> None:
    with pytest.raises(BadRules) as caught:
        rule_files.read(b"/a /a\nb\n" + b"/x\n" * 20, b"wrong")
    assert [problem["line"] for problem in caught.value.details["problems"]] == list(range(2, 12))
    with pytest.raises(BadRules, match="2 more are wrong"):
        rule_files.read(b"/a\n/b\n", b"wrong")


def test_a_file_that_is_there_ends_a_circle() -> None:
    assert rules.match_redirect(read("/* /index.html", "index.html"), "/x") == Redirect("/index.html", 301)
    assert read("/:lang/about /en/about/", "en/about/index.html").redirects
    with pytest.raises(BadRules):
        read("/* /index.html 301!", "index.html")


def test_a_rewrite_is_no_circle() -> None:
    assert rules.match_redirect(read("/* /index.html 200"), "/index.html") == Redirect("/index.html", 200)


def test_as_many_rules_are_taken_as_the_limit_says() -> None:
    lines = [f"/{number} /x" for number in range(MAX_RULES)]
    assert len(read("\n".join(lines)).redirects) == MAX_RULES
    with pytest.raises(BadRules, match="line 501: is one rule too many"):
        read("\n".join([*lines, "/y /x"]))


@pytest.mark.parametrize("redirects", [b"", b"\n \n# x\r\n", b"\xef\xbb\xbf"])
def test_an_empty_file_has_no_rules(redirects: bytes) -> None:
    assert not rule_files.read(redirects, redirects)
    assert rules.to_json(rules.NONE) is None
    assert rules.from_json(None) == rules.NONE


def test_rules_are_stored_and_read_again() -> None:
    found = rule_files.read(RULES, b"/*\n X-A: b\n X-C: d\n/e\n F: g")
    stored = json.loads(json.dumps(rules.to_json(found)))
    assert rules.from_json(stored) == found
    assert rules.match_redirect(rules.from_json(stored), "/old") == Redirect("/new", 301)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_bytes_are_rules_or_told_to_be_wrong(redirects: bytes, headers: bytes) -> None:
    try:
        found = rule_files.read(b"/ok /there\n" + redirects, headers)
    except BadRules:
        return
    assert rules.from_json(rules.to_json(found)) == found


@pytest.mark.parametrize("source", ["/:a/:b/:c/:d/:e/:f/{}", "/a/a/a/a/a/a/{}/*", "/:x{}/*", "/{}/*"])
def test_a_path_costs_little_whatever_the_rules_are(source: str) -> None:
    """500 rules, and a path of a thousand parts: linear, nothing is tried twice."""
    found = read("\n".join(f"{source.format(f'x{number}')} https://t.example" for number in range(500)))
    began = time.process_time()
    for _ in range(20):
        rules.match_redirect(found, "/a" * 1000)
        rules.match_redirect(found, "/a/a/a/a/a/a/y")
    assert (time.process_time() - began) / 40 < 0.03


def test_the_file_is_read_in_time_whatever_it_says() -> None:
    began = time.process_time()
    chain = "\n".join(f"/{number}/* /{number + 1}/:splat" for number in range(500))
    with pytest.raises(BadRules):
        read(chain + "\n" + "/a" * 400)
    assert time.process_time() - began < 2
    assert REDIRECTS in rule_files.FILES
