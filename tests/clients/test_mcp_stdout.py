"""stdout is the protocol's alone, and the key is nobody's but the file's (R64)."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any

import pytest

from tests.support.assistant import COMMAND, KEY, SOURCE, environment

CHATTER = Path(__file__).parents[1] / "support" / "chatter.py"
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "tests", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


class Wire:
    """A client that is strict about every line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process, self._number = process, 0
        self.lines: list[str] = []

    def send(self, method: str, **params: Any) -> None:
        assert self._process.stdin is not None
        message: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
        if not method.startswith("notifications/"):
            self._number += 1
            message["id"] = self._number
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """Read up to the answer to what was sent last; every line is JSON-RPC."""
        assert self._process.stdout is not None
        while True:
            self.lines.append(self._process.stdout.readline())
            message: dict[str, Any] = json.loads(self.lines[-1])
            assert message["jsonrpc"] == "2.0"
            if message.get("id") == self._number:
                return message

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        self.send(method, **params)
        return dict(self.answer()["result"])


def start(env: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *COMMAND],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def drained(stream: IO[str] | None) -> list[str]:
    """Read a stream in the background, so that it never blocks its writer."""
    assert stream is not None
    read: list[str] = []
    threading.Thread(target=lambda: read.extend(stream), daemon=True).start()
    return read


@pytest.mark.skipif(os.name == "nt", reason="the noise is made as on Unix")
@pytest.mark.parametrize("revision", ["2026-07-28", "2025-11-25"])
def test_every_line_is_the_protocols_whatever_prints(tmp_path: Path, revision: str) -> None:
    shutil.copy(CHATTER, tmp_path / "sitecustomize.py")
    key = "inv_" + "a1B2" * 9
    env = environment("http://127.0.0.1:1", tmp_path / "home", INVOKER_API_KEY=key)
    env["PYTHONPATH"] = os.pathsep.join([str(tmp_path), str(SOURCE)])
    with start(env) as process:
        errors, wire = drained(process.stderr), Wire(process)
        more: dict[str, Any] = {"_meta": ENVELOPE} if revision == "2026-07-28" else {}
        if not more:
            hello = {"protocolVersion": revision, "capabilities": {}, "clientInfo": {"name": "tests", "version": "1"}}
            assert wire.ask("initialize", **hello)["protocolVersion"] == revision
            wire.send("notifications/initialized")
        for _ in range(150):
            assert len(wire.ask("tools/list", **more)["tools"]) == 21
            assert "styles" in wire.ask("tools/call", name="list_styles", arguments={}, **more)["structuredContent"]
        failed = wire.ask("tools/call", name="deploy", arguments={"html": f"<p>{key}</p>", "slug": key}, **more)
        assert failed["isError"]
        assert process.stdin is not None
        process.stdin.close()
        assert process.stdout is not None
        assert process.stdout.read() == ""
        assert process.wait(10) == 0
    noise = "".join(errors)
    for said in (
        "a library prints",
        "another one too",
        "native code writes",
        "a native library prints",
        "a child prints",
    ):
        assert noise.count(said) > 3, said
    assert not KEY.search("".join(wire.lines) + noise)


def test_a_client_that_closes_stderr_too_is_served(tmp_path: Path) -> None:
    env = environment("http://127.0.0.1:1", tmp_path)
    command = f'exec "{sys.executable}" {" ".join(COMMAND)} 2>&-'
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": ENVELOPE}}
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        env=env,
        input=json.dumps(asked) + "\n",
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_while_the_client_says_nothing(tmp_path: Path, number: signal.Signals) -> None:
    with start(environment("http://127.0.0.1:1", tmp_path)) as process:
        assert Wire(process).ask("tools/list", _meta=ENVELOPE)["tools"]
        process.send_signal(number)
        assert process.wait(10) == -number


def test_a_wrong_setting_is_said_on_stderr(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, *COMMAND],
        env=environment("ftp://example.com", tmp_path),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "INVOKER_API_URL" in done.stderr
