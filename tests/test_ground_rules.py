"""What holds for every file of the project, read from the files themselves."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from aiohttp import http_parser

from shared import server

ROOT = Path(__file__).parent.parent
PUBLISHERS = {
    "shared/rabbitmq.py",  # the one that talks to the broker
    "shared/relay.py",  # hands the outbox's rows to the bus
}
HOSTS = re.compile(r"\b(pypi|pythonhosted|npmjs|deb[.]debian|archive[.]ubuntu)[.](org|com)\b", re.IGNORECASE)
MACHINE_PATHS = re.compile(r"(?<![\w.}])/(work|root)/|/home/[a-z]+/|/Users/[A-Za-z]+/")
# The word for a column list of everything, as SQL has it: after SELECT, possibly through a table's name.
STAR = re.compile(r"\bSELECT\s+(\w+\.)?\*", re.IGNORECASE)


@cache
def tracked() -> tuple[Path, ...]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return tuple(path for name in listed.stdout.decode().split("\0") if name and (path := ROOT / name).is_file())


def ours(*folders: str) -> Iterator[tuple[str, ast.AST]]:
    """Give every node of the services' code, with the place that a failure should name."""
    for path in tracked():
        place = path.relative_to(ROOT)
        if path.suffix == ".py" and place.parts[0] in folders:
            for node in ast.walk(ast.parse(path.read_text(), str(place))):
                yield str(place), node


def at(place: str, node: ast.AST) -> str:
    return f"{place}:{getattr(node, 'lineno', '?')}"


def names(node: ast.AST) -> Iterator[str]:
    """Give the modules that an import statement names."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield node.module or ""
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_r01_publishing_happens_in_one_place() -> None:
    """R1: only the bus publishes, so that no message goes out without confirms, an id and a deadline."""
    strays = [
        at(place, node)
        for place, node in ours("services", "shared")
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"publish", "basic_publish"}
        and place not in PUBLISHERS
    ]
    assert strays == []


def test_r12_no_pickle_and_no_rpc_patterns() -> None:
    """R12: what comes from a queue is never unpickled; aio-pika's RPC patterns do just that."""
    banned = ("pickle", "cPickle", "dill", "aio_pika.patterns")
    strays = [
        at(place, node)
        for place, node in ours("services", "shared")
        for name in names(node)
        if name in banned or name.startswith(tuple(f"{word}." for word in banned))
    ]
    assert strays == []


def test_r15_aiohttp_is_pinned_past_its_advisories() -> None:
    """R15: 3.14.5 or later in each set."""
    for lock in ("requirements.txt", "requirements-standalone.txt", "requirements-test.txt"):
        pinned = re.search(r"^aiohttp==([\d.]+)", (ROOT / lock).read_text(), re.MULTILINE)
        assert pinned, lock
        assert tuple(map(int, pinned[1].split("."))) >= (3, 14, 5), lock


def test_r15_aiohttp_parses_in_c() -> None:
    """R15: the pure Python parser is slower and more lenient."""
    assert http_parser.HttpRequestParser is not http_parser.HttpRequestParserPy


def test_r15_a_start_without_the_c_parser_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """R15: nothing listens when the extension is missing or switched off."""
    server.require_c_parser()
    monkeypatch.setattr(http_parser, "HttpRequestParser", http_parser.HttpRequestParserPy)
    with pytest.raises(SystemExit, match="C extension"):
        server.require_c_parser()


def test_r15_the_smaller_requirement_sets_are_parts_of_the_larger() -> None:
    """R15: one version of everything, with hashes: what is tested is what runs."""
    sets = [pins(name) for name in ("requirements.txt", "requirements-standalone.txt", "requirements-test.txt")]
    assert sets[0].items() <= sets[1].items() <= sets[2].items()
    assert all("--hash=sha256:" in pin for pin in sets[2].values())


def test_r15_the_clients_are_tested_with_what_they_are_pinned_to() -> None:
    """R15: the conditions may differ, since a service brings on every system what a client needs on some."""
    client, tested = unconditional(pins("requirements-client.txt")), unconditional(pins("requirements-test.txt"))
    assert client.items() <= tested.items()
    assert all(client.values())


def unconditional(locked: dict[str, str]) -> dict[str, frozenset[str]]:
    return {pin.split(" ;")[0]: frozenset(re.findall(r"--hash=\S+", entry)) for pin, entry in locked.items()}


def pins(lock: str) -> dict[str, str]:
    text = re.sub(r"^ *#.*\n", "", (ROOT / lock).read_text(), flags=re.MULTILINE)
    entries = re.split(r"\n(?=\S)", text.strip())
    return {entry.split(" \\\n")[0]: entry for entry in entries}


def test_r25_no_wait_for() -> None:
    """R25: `asyncio.wait_for` can lose a cancellation or a result; `asyncio.timeout` cannot."""
    strays = [
        at(place, node)
        for place, node in ours("services", "shared", "tests", "bench")
        if (isinstance(node, ast.Attribute) and node.attr == "wait_for" and ast.unparse(node.value) == "asyncio")
        or "asyncio.wait_for" in names(node)
    ]
    assert strays == []


def test_r25_app_keys_are_typed() -> None:
    """R25: `app["pool"]` is a KeyError for later; `web.AppKey` and `web.RequestKey` are checked by mypy."""
    holders = {"app", "request", "application", "request.app", "self.app", "self._app"}
    strays = [
        at(place, node)
        for place, node in ours("services", "shared", "tests", "bench")
        if isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and isinstance(node.slice.value, str)
        and ast.unparse(node.value) in holders
    ]
    assert strays == []


def test_r25_warnings_are_errors(request: pytest.FixtureRequest) -> None:
    """R25: a deprecation in our code or below it fails the test that meets it."""
    assert request.config.getini("filterwarnings")[0] == "error"


def test_r31_no_star_in_sql() -> None:
    """R31: a column added under load must not change what running code reads."""
    strays = [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path in tracked()
        if path.suffix in {".py", ".sql"} and path.parts[len(ROOT.parts)] in {"services", "shared"}
        for found in STAR.finditer(path.read_text())
    ]
    assert strays == []


def test_no_file_names_a_registry_or_a_machine() -> None:
    """Where packages come from, and where a checkout lies, is each machine's own business."""
    strays = []
    for path in set(tracked()) - {Path(__file__)}:
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        for pattern in (HOSTS, MACHINE_PATHS):
            strays += [f"{path.relative_to(ROOT)}: {found[0]}" for found in pattern.finditer(text)]
    assert strays == []


def test_files_and_functions_stay_small() -> None:
    """A file past 300 lines, or a function past 50 without its docstring, is two things."""
    strays = []
    for place, node in ours("services", "shared", "tests", "bench", "scripts", "clients"):
        if isinstance(node, ast.Module) and node.body and (node.body[-1].end_lineno or 0) > 300:
            strays.append(f"{place}: {node.body[-1].end_lineno} lines")
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and length(node) > 50:
            strays.append(f"{at(place, node)}: {node.name} has {length(node)} lines")
    assert strays == []


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    last, doc = function.end_lineno or function.lineno, function.body[0]
    described = ast.get_docstring(function) is not None
    return last - function.lineno + 1 - ((doc.end_lineno or doc.lineno) - doc.lineno + 1 if described else 0)


def test_the_scanners_find_what_they_look_for() -> None:
    assert STAR.search("select k.* FROM keys k")
    assert not STAR.search("SELECT count(*) FROM keys")
    # put together here: written out, they would be found in this file
    assert HOSTS.search("https://" + "pypi" + ".org/simple")
    assert MACHINE_PATHS.search("/" + "root" + "/.cache")
    assert not MACHINE_PATHS.search("framework/x")
