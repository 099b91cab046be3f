"""`make test`: two passes, one verdict; a failure in either is a failure of the whole, and is named at the end."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests import __main__ as suite
from tests.__main__ import FAILED, NONE, PASSED, Pass

GOOD = Pass("side by side", PASSED, 61.0, {"a.py::one", "a.py::two"})
EMPTY = Pass("alone", NONE, 1.0)
BAD = Pass("alone", FAILED, 2.0, {"b.py::three"}, {"b.py::three"})
BROKEN = Pass("side by side", 3, 2.0, {"a.py::one"})

Main = Callable[..., int]


@pytest.fixture
def outcome(monkeypatch: pytest.MonkeyPatch) -> Main:
    """Give `main` on two cores, with passes that come out as told."""
    monkeypatch.setattr(suite, "cores", lambda: 2)

    def main(*passes: Pass, arguments: Sequence[str] = ()) -> int:
        left = list(passes)
        monkeypatch.setattr(suite, "run", lambda *_: left.pop(0))
        code = suite.main(arguments)
        assert left == [], "a pass was left out"
        return code

    return main


@pytest.mark.parametrize(
    "passes,code",
    [
        ((GOOD, EMPTY), PASSED),
        ((GOOD, BAD), FAILED),
        ((BAD, GOOD), FAILED),
        ((BAD, EMPTY), FAILED),
        ((EMPTY, GOOD), PASSED),
        ((EMPTY, EMPTY), NONE),
        ((BROKEN,), 3),
        ((GOOD, BROKEN), 3),
    ],
)
def test_a_failure_in_either_pass_is_one_of_the_whole(outcome: Main, passes: tuple[Pass, ...], code: int) -> None:
    assert outcome(*passes) == code


def test_who_wants_the_first_failure_alone_is_not_kept_waiting(outcome: Main) -> None:
    assert outcome(BAD, arguments=["-x"]) == FAILED


def test_the_end_names_what_failed() -> None:
    assert suite.verdict([GOOD, BAD])[-2:] == ["1 of 3 tests failed in 1:03:", "  b.py::three"]
    assert suite.verdict([GOOD, EMPTY])[-1] == "2 tests passed in 1:02"
    assert suite.verdict([BROKEN])[-1].startswith("Not all tests ran: 1 did")
    assert suite.verdict([EMPTY, EMPTY])[-1] == "No test was found"


@pytest.mark.parametrize(
    "arguments,plain",
    [
        ([], False),
        (["--durations=10", "-q", "-x"], False),
        (["tests/auth"], False),
        (["tests/auth/test_keys.py"], True),
        (["tests/auth/test_keys.py::test_x", "-q"], True),
        (["-k", "login"], True),
        (["-klogin"], True),
        (["tests/auth", "--pdb"], True),
    ],
)
def test_few_tests_start_no_workers(arguments: list[str], *, plain: bool) -> None:
    assert suite.is_plain(arguments) is plain


def test_a_pass_is_read_from_what_pytest_noted(tmp_path: Path) -> None:
    notes = tmp_path / "notes.xml"
    notes.write_text(
        '<testsuites><testsuite name="pytest">'
        '<testcase file="tests/a.py" classname="tests.a" name="one" />'
        '<testcase file="tests/a.py" classname="tests.a" name="two[x-1]"><failure message="no" /></testcase>'
        '<testcase classname="" name="tests.b"><error message="collection failure" /></testcase>'
        "</testsuite></testsuites>"
    )
    read = suite.read(notes, "side by side", FAILED, 1.0)
    assert read.tests == read.failed | {"tests/a.py::one"}
    assert read.failed == {"tests/a.py::two[x-1]", "tests.b: collection failure"}
    assert suite.read(tmp_path / "none.xml", "alone", 4, 1.0).tests == set()
