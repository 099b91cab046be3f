"""`_redirects` and `_headers` read into rules: what is wrong in them is said, line by line. Pure functions."""

import re
import urllib.parse
from collections.abc import Collection, Mapping
from typing import Final

from services.deploy import header_lines, rules, versions
from services.deploy.rule_lines import CONTROL, MAX_PROBLEMS, MAX_RULES, BadRules, Reader, Wrong, decoded, shown
from services.deploy.rules import RedirectRule, Rules

REDIRECTS: Final = "_redirects"
HEADERS: Final = "_headers"
#: Files that are read as rules and served to nobody.
FILES: Final = frozenset({REDIRECTS, HEADERS})

#: Redirects that are followed in search of a circle, as many as browsers follow.
_HOPS: Final = 20

_STATUS: Final = re.compile(r"[0-9]{3}!?")
_STATUSES: Final = ", ".join(map(str, sorted(rules.REDIRECTS | rules.REWRITES)))


def read(redirects: bytes | None, headers: bytes | None, paths: Collection[str] = ()) -> Rules:
    """Read what the two files say. Raise BadRules for wrong lines.

    `paths` are the version's files: a file wins over a rule without `!`, which may end a circle.
    """
    redirect_reader, header_reader = Reader(REDIRECTS), Reader(HEADERS)
    numbered = _read_redirects(redirect_reader, redirects or b"")
    found = Rules(tuple(rule for _, rule in numbered), tuple(header_lines.read(header_reader, headers or b"")))
    _refuse_circles(redirect_reader, found, numbered, paths)
    if problems := [*sorted(redirect_reader.problems, key=lambda problem: problem.line), *header_reader.problems]:
        raise BadRules(problems[:MAX_PROBLEMS])
    return found


# _redirects


def _read_redirects(reader: Reader, raw: bytes) -> list[tuple[int, RedirectRule]]:
    found: list[tuple[int, RedirectRule]] = []
    for number, line in reader.lines(raw):
        if len(found) == MAX_RULES:
            reader.wrong(number, f"is one rule too many; at most {MAX_RULES} are taken")
            break
        try:
            found.append((number, _redirect(line)))
        except Wrong as wrong:
            reader.wrong(number, str(wrong))
    return found


def _redirect(line: str) -> RedirectRule:
    if CONTROL.search(line):
        raise Wrong("has a control character or a backslash; take it out")
    words = re.split(r"\s#", line, maxsplit=1)[0].split()
    if len(words) < 2:
        raise Wrong(f"names no target; write '{shown(words[0])} /target 301'")
    if "=" in words[1] and not words[1].startswith(("/", "http")):
        raise Wrong("has a condition on the query, which cannot be judged here; leave it out")
    if len(words) > 3:
        raise Wrong("has more than a path, a target and a status; conditions cannot be judged here, leave them out")
    if len(words) == 3 and not _STATUS.fullmatch(words[2]):
        raise Wrong(f"has the status '{shown(words[2])}'; write one of {_STATUSES}")
    status, force = (int(words[2][:3]), words[2].endswith("!")) if len(words) == 3 else (301, False)
    if status not in rules.REDIRECTS | rules.REWRITES:
        raise Wrong(f"has the status {status}; write one of {_STATUSES}")
    source = _source(words[0])
    given = list(rules.names(source))
    if len(set(given)) != len(given):
        raise Wrong("names the same placeholder twice; give each a name of its own")
    return RedirectRule(source, _target(words[1], status, frozenset(given)), status, force)


def _source(text: str) -> str:
    """Return a rule's path, decoded. Raise Wrong."""
    if not text.startswith("/"):
        raise Wrong(f"begins with '{shown(text)}'; the path to match must begin with '/'")
    if "?" in text or "#" in text:
        raise Wrong("matches on a query or a fragment, which cannot be judged here; write the path alone")
    if "//" in text:
        raise Wrong("has an empty part '//' in the path to match; write a single slash")
    source = decoded(text)
    parts = rules.split_pattern(source)
    if any("*" in part for part in parts[:-1]) or (parts and "*" in parts[-1] and parts[-1] != "*"):
        raise Wrong("has a '*' in the middle; it may only be the last part, as in '/blog/*'")
    if any(part.startswith(":") and not rules.PLACEHOLDER.fullmatch(part) for part in parts):
        raise Wrong("has a placeholder that is no name; write letters, digits and '_', as in '/:year'")
    return source


def _target(text: str, status: int, given: Collection[str]) -> str:
    """Return where a rule leads. Raise Wrong."""
    if status in rules.REWRITES:
        if not text.startswith("/") or text.startswith("//"):
            raise Wrong(f"shows '{shown(text)}' with {status}; only the site's own files can be shown: begin with '/'")
        if "?" in text or "#" in text:
            raise Wrong(f"shows a file with {status}; leave the query and the fragment out")
        target = decoded(text)
    elif text.startswith("/") and not text.startswith("//"):
        target = text
    else:
        target = _url(text)
    for name in rules.PLACEHOLDER.findall(target.partition("://")[2] or target):
        if name not in given:
            raise Wrong(f"uses ':{name}', which its path does not have; add it there, or write the colon as %3A")
    return target if status in rules.REWRITES else urllib.parse.quote(target, safe="%/:=&?~#+!$,;'@()*[]")


def _url(text: str) -> str:
    try:
        url = urllib.parse.urlsplit(text)
        _ = url.port
    except ValueError:
        raise Wrong(f"leads to '{shown(text)}', which is no URL") from None
    if url.scheme not in {"http", "https"} or not url.hostname or not text.startswith(f"{url.scheme}://"):
        raise Wrong(f"leads to '{shown(text)}'; write a path that begins with '/' or a whole https:// URL")
    if "@" in url.netloc:
        raise Wrong("has a user's name in the target; leave it out")
    if not re.fullmatch(r"[A-Za-z0-9.-]+(?::[0-9]+)?|\[[0-9A-Fa-f:.]+\](?::[0-9]+)?", url.netloc):
        raise Wrong("has a host in the target that is not plain; write it in ASCII (xn--…), without placeholders")
    # so that what a placeholder brings cannot become a part of the host
    return text if url.path else text.replace(url.netloc, url.netloc + "/", 1)


# Circles


def _refuse_circles(
    reader: Reader, found: Rules, numbered: list[tuple[int, RedirectRule]], paths: Collection[str]
) -> None:
    for number, rule in numbered:
        if rule.status in rules.REDIRECTS and len(reader.problems) < MAX_PROBLEMS and _comes_back(found, rule, paths):
            reader.wrong(number, f"leads '{shown(rule.source)}' in a circle; give it another target")


def _comes_back(found: Rules, rule: RedirectRule, paths: Collection[str]) -> bool:
    """Tell whether somebody who follows a rule meets it again, or comes to no end."""
    met: RedirectRule = rule
    values: Mapping[str, str] = dict.fromkeys(rules.names(rule.source), "x")
    for _ in range(_HOPS):
        to = rules.fill(met, values)
        if not to.startswith("/"):
            return False
        path = urllib.parse.unquote(urllib.parse.urlsplit(to).path)
        there = path.strip("/")
        exists = there in paths or f"{there}/{versions.INDEX}".lstrip("/") in paths
        following = found.find(path, forced=exists)
        if following is None or following[0].status in rules.REWRITES:
            return False
        met, values = following
        if met is rule:
            return True
    return True
