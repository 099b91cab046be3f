"""What a site's owner is told about it when it is published: what is probably a mistake. Pure functions."""

import re
import urllib.parse
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Final

from services.deploy import form_tags, links, markup, parsed, rules, versions
from services.deploy.markup import Element
from services.deploy.parsed import Files, Pages
from services.deploy.rules import Rules

#: Of one deploy.
MAX_FINDINGS: Final = 50
#: Addresses of one page that are followed.
_MAX_LINKS: Final = 2000

_PRIVATE_FOLDERS: Final = frozenset({".git", ".hg", ".svn", ".ssh", ".aws", "node_modules"})
_PRIVATE_FILE: Final = re.compile(
    r"\.env(?:\.(?!example|sample).*)?|\.(?:npmrc|pypirc|netrc|htpasswd)|id_(?:rsa|ed25519)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something about a file that its owner should know."""

    #: Stable, for programs.
    code: str
    #: For people and models: where it is, what is wrong, what to do.
    message: str
    path: str
    line: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as an answer shows it."""
        return asdict(self)


def warnings(
    files: Files,
    others: Collection[str] = (),
    *,
    is_spa: bool = False,
    own: Rules = rules.NONE,
    pages: Pages | None = None,
) -> list[Finding]:
    """Return what is probably a mistake, at most `MAX_FINDINGS`. `{{SUBMIT_URL}}` may be replaced already, or not.

    `others` are the version's files whose bytes are not at hand; `own` is what its `_redirects` says; `pages` are those
    of `files`, if somebody else looks at them too.
    """
    found = _warnings(files, {*files, *others}, own, pages or Pages(files), is_spa=is_spa)
    return list(islice(found, MAX_FINDINGS))


def _warnings(files: Files, paths: Collection[str], own: Rules, pages: Pages, *, is_spa: bool) -> Iterator[Finding]:
    if versions.INDEX not in paths:
        yield _no_index(paths, is_spa=is_spa)
    yield from _private(paths)
    yield from _rewrites(own, paths)
    left = parsed.MAX_PAGES
    # the same order however they came: pages first
    for path, (data, kind) in sorted(files.items(), key=lambda file: (not versions.is_html(file[1][1]), file[0])):
        if left <= 0:
            return
        if page := pages.page(path):
            text, elements, _ = page
            yield from _not_utf_8(path, data)
            yield from _forms(path, elements, scripted=_is_scripted(path, elements, files, paths))
            found: Iterable[links.Reference] = links.references(elements)
            yield from _links(path, found, paths, own, base=links.base(elements), is_spa=is_spa)
        elif kind.startswith("text/css"):
            text = markup.decode(data[: parsed.MAX_PAGE])
            yield from _links(path, links.in_css(text), paths, own, is_spa=is_spa)
        else:
            continue
        left -= len(text)


def _not_utf_8(path: str, data: bytes) -> Iterator[Finding]:
    try:
        if markup.utf_16(data) is None:
            data.decode()
    except UnicodeDecodeError as error:
        line = 1 + data.count(b"\n", 0, error.start)
        text = "the page is not UTF-8, as which it is shown, so some characters come out wrong; save it as UTF-8"
        yield _finding("not_utf8", path, line, text)


def _no_index(paths: Collection[str], *, is_spa: bool) -> Finding:
    if is_spa:
        text = "is_spa is set, and there is no index.html to answer with; add one, or set is_spa to false"
        return Finding(code="spa_without_index", message=text, path=versions.INDEX)
    other = next((path for path in sorted(paths) if path.endswith(f"/{versions.INDEX}")), None)
    text = "there is no index.html, so the site's address itself shows nothing; name the first page index.html"
    if other:
        text += f", or put the files of '{other.rpartition('/')[0]}' at the top"
    return Finding(code="no_index", message=text, path=versions.INDEX)


def _private(paths: Collection[str]) -> Iterator[Finding]:
    """Tell of what was hardly meant for everybody, once for a folder of it."""
    told = set[str]()
    for path in sorted(paths):
        parts = path.split("/")
        folder = next((number for number, part in enumerate(parts[:-1], 1) if part in _PRIVATE_FOLDERS), len(parts))
        name = "/".join(parts[:folder])
        if (folder < len(parts) or _PRIVATE_FILE.fullmatch(parts[-1])) and name not in told:
            told.add(name)
            text = f"'{shown(name)}' can be read by everybody; leave it out, and change the secrets that are in it"
            yield Finding(code="private_file", message=text, path=path)


def _rewrites(own: Rules, paths: Collection[str]) -> Iterator[Finding]:
    """Tell of rules that show a file which is not there: visitors would get 404 whatever status they name."""
    for rule in own.redirects:
        if rule.status not in rules.REWRITES or rules.PLACEHOLDER.search(rule.to):
            continue
        if not links.exists(urllib.parse.unquote(rule.to), paths, rules.NONE):
            text = f"_redirects: '{shown(rule.source)}' shows '{shown(rule.to)}', which is not there; correct it"
            yield Finding(code="missing_file", message=text, path="_redirects")


def _finding(code: str, path: str, line: int, text: str) -> Finding:
    return Finding(code=code, message=f"{path} line {line}: {text}", path=path, line=line)


# Links


def _links(
    path: str, found: Iterable[links.Reference], paths: Collection[str], own: Rules, *, base: str = "", is_spa: bool
) -> Iterator[Finding]:
    seen, told = set[tuple[str, bool]](), set[str]()
    for reference in found:
        if (reference.url, reference.loaded) in seen:
            continue
        seen.add((reference.url, reference.loaded))
        if len(seen) > _MAX_LINKS:
            return
        if links.insecure(reference):
            text = f"'{shown(reference.url)}' is loaded over http, which browsers refuse on an https page; write https"
            yield _finding("insecure_content", path, reference.line, text)
        target = links.local_path(reference.url, path, base)
        if target is None or target == "/" or target in told:
            continue
        if (is_spa and not reference.loaded) or links.exists(target, paths, own):
            continue
        told.add(target)
        advice = f"write '{target}.html'" if f"{target[1:]}.html" in paths else "add the file, or correct the address"
        text = f"'{shown(reference.url)}' leads to '{shown(target)}', which is not there; {advice}"
        yield _finding("missing_file", path, reference.line, text)


def shown(text: str) -> str:
    """Return text of a page as a message shows it."""
    return "".join(char for char in text[:100] if char.isprintable()) + ("…" if len(text) > 100 else "")


# Forms

_SEARCH: Final = frozenset({"q", "s", "query", "search", "keyword", "keywords", "term"})


def _is_scripted(path: str, elements: Sequence[Element], files: Files, paths: Collection[str]) -> bool:
    """Tell whether a script of the site may send the page's forms; one that is not at hand may."""
    for script in (element for element in elements if element.name == "script"):
        key = (links.local_path(script.attributes.get("src", ""), path) or "/")[1:]
        known = files.get(key, (b"", ""))[0][: parsed.MAX_PAGE].lower()
        if "submit" in script.inside.lower() or b"submit" in known or (key in paths and key not in files):
            return True
    return False


def _forms(path: str, elements: Sequence[Element], *, scripted: bool) -> Iterator[Finding]:
    for form, controls in form_tags.with_fields(elements):
        fields = [each for each in controls if each.name != "button"]
        given = form.attributes
        if not form_tags.is_ours(form):
            action = given.get("action", "").strip()
            if not _goes_nowhere(action, given, fields, scripted=scripted):
                continue
            advice = 'write action="{{SUBMIT_URL}}" method="post", and what is sent is kept for you'
            yield _finding("form_goes_nowhere", path, form.line, f"the form is sent nowhere; {advice}")
        for field in fields:
            kind = field.attributes.get("type", "").strip().lower()
            if kind in form_tags.NAMELESS or field.attributes.get("name", "").strip() or "disabled" in field.attributes:
                continue
            advice = f'give the <{field.name}> a name, as in name="email"'
            yield _finding("input_without_name", path, field.line, f"what is entered here is not sent; {advice}")


def _goes_nowhere(action: str, given: Mapping[str, str], fields: Sequence[Element], *, scripted: bool) -> bool:
    """Tell whether nobody receives what a form sends."""
    method = given.get("method", "").strip().lower()
    posts = method == "post"
    if method == "dialog" or any("submit" in name or name.startswith("hx-") for name in given):
        return False
    if action and action != "#":
        elsewhere = re.match(r"(?:[a-z][a-z0-9+.-]*:|//)", action, re.IGNORECASE)
        return posts and elsewhere is None and not links.unfinished(action)
    if scripted:
        return False
    searches = given.get("role", "").lower() == "search" or any(
        field.attributes.get("type", "").lower() == "search" or field.attributes.get("name", "").lower() in _SEARCH
        for field in fields
    )
    return posts or not searches
