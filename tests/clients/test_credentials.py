"""Credentials: which key is used, and how a login's is kept."""

import json
import stat
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest

from invoker_mcp import credentials, keyrings, locks
from invoker_mcp.credentials import Credential
from invoker_mcp.errors import ClientError
from invoker_mcp.settings import Settings, load
from tests.support.terminal import SOURCE

KEY = "inv_" + "a1" * 18
OTHER = "inv_" + "b2" * 18


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Give settings of a home that is not there yet, without a keyring."""
    return load({"INVOKER_HOME": str(tmp_path / "new" / "home"), "INVOKER_KEYRING": "off"})


def a_login(key: str = KEY) -> Credential:
    return Credential(key=key, source="file", email="a@example.com", key_id="key_1", created_at=datetime.now(UTC))


def test_the_flag_goes_before_the_environment_before_the_file(settings: Settings) -> None:
    credentials.save(settings, a_login())
    with_key = replace(settings, api_key=OTHER)
    found = [credentials.find(with_key, KEY), credentials.find(with_key), credentials.find(settings)]
    assert [each and each.source for each in found] == ["flag", "environment", "file"]


def test_the_file_is_the_owners_alone_and_as_the_contract_says(settings: Settings) -> None:
    credentials.save(settings, a_login())
    file = settings.credentials_file
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    kept = json.loads(file.read_text())
    assert set(kept) == {"api_url", "api_key", "key_id", "email", "created_at", "expires_at"}
    assert {each.name for each in file.parent.iterdir()} == {"credentials.json", "credentials.lock"}


def test_a_key_is_not_used_at_another_api(settings: Settings) -> None:
    credentials.save(settings, a_login())
    other = replace(settings, api_url="https://other.example")
    assert credentials.find(other) is None
    assert credentials.elsewhere(other) == settings.api_url


@pytest.mark.parametrize("content", ["", "[]", "{", '{"api_key": 5}', "null", "\x00", '{"api_url": []}'])
def test_a_broken_file_is_no_login(settings: Settings, content: str) -> None:
    settings.home.mkdir(parents=True)
    settings.credentials_file.write_text(content)
    assert credentials.find(settings) is None


@pytest.mark.parametrize("key", ["inv_a\r\nHost: evil", "inv_ü" * 4, "x", "a" * 500, "inv_a b c d e f"])
def test_a_key_that_cannot_stand_in_a_header_is_refused_unsaid(settings: Settings, key: str) -> None:
    with pytest.raises(ClientError) as refused:
        credentials.find(settings, key)
    assert key not in f"{refused.value} {refused.value.hint}"


def test_a_print_has_no_key() -> None:
    assert KEY not in repr(a_login())
    assert a_login().hint == f"{KEY[:8]}…{KEY[-4:]}"


def test_readers_never_see_half_a_file(settings: Settings) -> None:
    credentials.save(settings, a_login())
    over = threading.Event()
    seen: set[str | None] = set()

    def read() -> None:
        while not over.is_set():
            found = credentials.find(settings)
            seen.add(found.key if found else None)

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(30):
        credentials.save(settings, a_login(OTHER if turn % 2 else KEY))
    over.set()
    reader.join()
    assert seen <= {KEY, OTHER}


def test_a_lock_is_held_between_processes_and_let_go_by_the_dead(settings: Settings) -> None:
    lock = settings.home / "credentials.lock"
    hold = (
        "import sys; from pathlib import Path; from invoker_mcp import locks\n"
        "with locks.held(Path(sys.argv[1])):\n print(1, flush=True); input()"
    )
    command = [sys.executable, "-c", hold, str(lock)]
    with subprocess.Popen(
        command, env={"PYTHONPATH": str(SOURCE)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(ClientError, match="Another process"), locks.held(lock, within=0):
            pass
        other.kill()
        other.wait()
        with locks.held(lock, within=2):
            pass


def test_replacing_does_not_bring_back_what_was_forgotten(settings: Settings) -> None:
    kept = credentials.save(settings, a_login())
    assert credentials.forget(settings)
    assert not credentials.replace(settings, kept, a_login(OTHER))
    assert credentials.find(settings) is None


class FakeKeyring(ModuleType):
    """A keyring in memory, as slow as it is told to be."""

    def __init__(self, wait: float = 0) -> None:
        super().__init__("keyring")
        self.kept: dict[tuple[str, str], str] = {}
        self.priority = 5
        self._wait = wait

    def get_keyring(self) -> object:
        return self

    def get_password(self, service: str, user: str) -> str | None:
        time.sleep(self._wait)
        return self.kept.get((service, user))

    def set_password(self, service: str, user: str, password: str) -> None:
        self.kept[service, user] = password

    def delete_password(self, service: str, user: str) -> None:
        del self.kept[service, user]


def test_a_keyring_keeps_the_key_out_of_the_file(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", ring := FakeKeyring())
    settings = replace(settings, keyring=True)
    assert credentials.save(settings, a_login()).source == "keyring"
    assert KEY not in settings.credentials_file.read_text()
    found = credentials.find(settings)
    assert found is not None
    assert (found.key, found.source) == (KEY, "keyring")
    credentials.forget(settings)
    assert ring.kept == {}


def test_a_keyring_that_waits_for_somebody_is_passed_over(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", FakeKeyring(wait=1))
    monkeypatch.setattr(keyrings, "PATIENCE", 0.1)
    assert credentials.save(replace(settings, keyring=True), a_login()).source == "file"
    assert KEY in settings.credentials_file.read_text()
