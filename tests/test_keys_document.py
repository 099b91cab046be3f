"""The snippets of docs/keys.md do what they say."""

import re
import subprocess
from pathlib import Path

import pytest

from shared import credentials

DOCUMENT = (Path(__file__).parent.parent / "docs" / "keys.md").read_text()


def snippet(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)
    assert found
    return found[1]


def keys_and_others() -> dict[str, bool]:
    key = credentials.mint()
    typo = key[:8] + ("A" if key[8] != "A" else "B") + key[9:]
    others = [typo, key[:-1], key + "0", "", "inv_", key.upper(), key + "\n", "inv_" + "0" * 36]
    return {credentials.mint(): True, key: True, **dict.fromkeys(others, False)}


def test_the_python_tells_real_keys() -> None:
    scope: dict[str, object] = {}
    exec(snippet("python"), scope)  # noqa: S102 - our own document
    is_key = scope["is_key"]
    assert callable(is_key)
    for text, real in keys_and_others().items():
        assert is_key(text) is real, text


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_the_shell_tells_real_keys(shell: str) -> None:
    for text, real in keys_and_others().items():
        done = subprocess.run([shell, "-c", snippet("sh") + 'is_key "$1"', shell, text], check=False, timeout=20)
        assert (done.returncode == 0) is real, text
