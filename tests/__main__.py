"""`python -m tests`: the suite side by side on the cores, then what must run alone, and one verdict at the end.

The arguments go to pytest. Those that pick few tests, or need the terminal, make it a plain run: no worker to wait for.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.support.servers import machine

PYTEST = (sys.executable, "-m", "pytest")
#: More would be more PostgreSQLs and RabbitMQs than a small machine has memory for.
MOST_WORKERS = 4
#: Options after which workers would be in the way, or would not pay.
PLAIN = {
    *("-h", "--help", "--version", "--markers", "--fixtures", "--co", "--collect-only", "--setup-plan"),
    *("-k", "--lf", "--last-failed", "--sw", "--stepwise", "--update-data", "--alone"),
    *("-s", "--pdb", "--trace", "-n", "--numprocesses", "--dist"),
}
#: pytest's exit codes: all passed, some failed, no tests.
PASSED, FAILED, NONE = 0, 1, 5


@dataclass(frozen=True, slots=True)
class Pass:
    """What came of one run of pytest."""

    name: str
    code: int
    seconds: float
    tests: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    skipped: set[str] = field(default_factory=set)

    @property
    def whole(self) -> bool:
        """Whether it came to its end, well or not."""
        return self.code in {PASSED, FAILED, NONE}

    def line(self) -> str:
        told = f"{self.name}: {len(self.tests)} tests in {clock(self.seconds)}"
        if self.skipped:
            told += f", {len(self.skipped)} skipped"
        if self.failed:
            return f"{told}, {len(self.failed)} failed"
        return told if self.whole else f"{told}, broken off (pytest's exit code {self.code})"


def main(arguments: Sequence[str]) -> int:
    workers = min(MOST_WORKERS, cores())
    if workers < 2 or is_plain(arguments):
        os.execv(PYTEST[0], [*PYTEST, *arguments])  # noqa: S606 - no shell is wanted
    side_by_side = (f"-n{workers}", "--dist=worksteal", "--alone=never")
    passes = [run(f"side by side, {workers} at a time", arguments, *side_by_side)]
    if passes[0].whole and not (passes[0].code == FAILED and stops_early(arguments)):
        passes.append(run("alone, one after the other", arguments, "--alone=only"))
    print("\n".join(verdict(passes)), flush=True)
    codes = {one.code for one in passes} - {PASSED}
    return max(codes - {NONE}, default=NONE if NONE in codes and not any(one.tests for one in passes) else PASSED)


def cores() -> int:
    """Return how many processors we may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def is_plain(arguments: Sequence[str]) -> bool:
    """Whether pytest alone does it: a file or a test is named, or an option says so."""
    return any(
        ".py" in argument if not argument.startswith("-") else argument.split("=")[0] in PLAIN or argument[:2] == "-k"
        for argument in arguments
    )


def stops_early(arguments: Sequence[str]) -> bool:
    """Whether whoever runs the tests wants to see the first failure and nothing after it."""
    return any(argument in {"-x", "--exitfirst"} or argument.startswith("--maxfail") for argument in arguments)


def run(name: str, arguments: Sequence[str], *options: str) -> Pass:
    """Run pytest, whose output goes where ours goes, and read what it noted."""
    with machine.scratch("tests") as folder:
        notes = folder / "notes.xml"
        began = time.monotonic()
        # a folder of our own: another pytest of the same user would lock the shared one against our PostgreSQLs
        given = (f"--basetemp={folder / 'tmp'}", f"--junitxml={notes}", "-ojunit_family=xunit1")
        code = call([*PYTEST, *given, *options, *arguments])
        return read(notes, name, code, time.monotonic() - began)


def call(command: Sequence[str]) -> int:
    """Run a command to its end, also when we are told to stop: it has servers to end."""
    process = subprocess.Popen(command)
    signal.signal(signal.SIGINT, lambda *_: None)  # a terminal sends it to the command as well
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    return process.wait()


def read(notes: Path, name: str, code: int, seconds: float) -> Pass:
    found = Pass(name, code, seconds)
    if notes.exists():
        for case in ET.parse(notes).iter("testcase"):  # noqa: S314 - pytest has just written it
            test = "::".join(filter(None, (case.get("file") or case.get("classname"), case.get("name"))))
            kinds = {each.tag for each in case}
            if case.get("file") is None:  # no test, but what went wrong while they were collected
                test += ": " + " ".join(f"{each.get('message')} {each.text or ''}" for each in case).strip()[:200]
            found.tests.add(test)
            if kinds & {"failure", "error"}:
                found.failed.add(test)
            if "skipped" in kinds:
                found.skipped.add(test)
    return found


def verdict(passes: Sequence[Pass]) -> list[str]:
    """Say in words what both passes came to, what failed by its name."""
    failed = sorted(test for one in passes for test in one.failed)
    count, seconds = sum(len(one.tests) for one in passes), clock(sum(one.seconds for one in passes))
    lines = ["", *(one.line() for one in passes)]
    if failed:
        return [*lines, f"{len(failed)} of {count} tests failed in {seconds}:", *(f"  {test}" for test in failed)]
    if any(one.code not in {PASSED, NONE} for one in passes):
        return [*lines, f"Not all tests ran: {count} did in {seconds}, and none of them failed; see above why"]
    return [*lines, f"{count} tests passed in {seconds}" if count else "No test was found"]


def clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
