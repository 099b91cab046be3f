"""The README's walk-through works word for word; only the code from the mailbox is typed by this test."""

import re
import subprocess
from pathlib import Path

from tests.support.launched import ROOT
from tests.support.standalone import running

READ_THE_CODE = (
    "CODE=; for _ in $(seq 100); do CODE=$(curl -s http://localhost:8080/mailbox/api/v1/message/latest"
    " | grep -oE '[0-9]{6} is your' | head -n 1 | cut -c1-6); [ -n \"$CODE\" ] && break; sleep 0.1; done"
)


def blocks_of_first_steps() -> str:
    """Return the shell blocks of the README's first steps, with the one prompt answered."""
    section = (ROOT / "README.md").read_text().split("## First steps", 1)[1].split("\n## ", 1)[0]
    script = "\n".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL))
    assert "read -p" in script
    return re.sub(r"^read -p .*$", lambda _: READ_THE_CODE, script, flags=re.MULTILINE)


def test_the_walk_through_works_word_for_word(tmp_path: Path) -> None:
    with running(tmp_path / "data") as system:
        script = blocks_of_first_steps().replace("localhost:8080", f"localhost:{system.port}")
        visit = 'curl -s "$API/submit/$(field id < site.json)" -d email=ada@example.com; echo'
        before, after = script.split("curl -s $API/submissions", 1)
        done = subprocess.run(
            ["bash", "-euc", before + visit + "\ncurl -s $API/submissions" + after],
            cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert '"url":"http://waitlist.sites.localhost' in done.stdout
        assert "Submission received" in done.stdout
        assert "ada@example.com" in done.stdout.splitlines()[-1]
