"""The server answers nearly as soon as an empty one of the same SDK."""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.clients.test_mcp_stdout import ENVELOPE
from tests.support.assistant import COMMAND, environment

EMPTY = "from mcp.server import MCPServer; MCPServer('empty').run()"
ASKED = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": ENVELOPE}}
ROUNDS = 9


def first_answer(command: list[str], env: dict[str, str]) -> float:
    """Return the seconds from the start to the first answer, a list of tools."""
    began = time.perf_counter()
    with subprocess.Popen(
        command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(ASKED) + "\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        took = time.perf_counter() - began
        process.stdin.close()
        assert answer["id"] == 1
        assert "tools" in answer["result"]
    return took


@pytest.mark.alone
def test_the_first_answer_comes_nearly_as_soon_as_from_an_empty_server(tmp_path: Path) -> None:
    env = environment("http://127.0.0.1:1", tmp_path)
    ours: list[float] = []
    empty: list[float] = []
    for number in range(ROUNDS + 1):
        pair = first_answer([sys.executable, *COMMAND], env), first_answer([sys.executable, "-c", EMPTY], env)
        if number:  # the first round compiles
            ours.append(pair[0])
            empty.append(pair[1])
    assert statistics.median(ours) <= 1.3 * statistics.median(empty), (ours, empty)
