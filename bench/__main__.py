"""`make bench`: measure the figures and print them as a table. `python -m bench NAME …` measures some of them.

Ours and the bare limit run side by side as processes and take turns; each figure is the median of the rounds' ratios,
or of the best rounds where it says req/s. The machine may be busy: read ratios, not rates. Peers are installed into
`.bench/`; one that cannot be had is left out, with a word why.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from bench import forms, inboxes, keys, logins, publishing, revocations, serving, starts, webhooks
from bench.stage import Line, Stage
from services.standalone import postgres
from tests.support import servers

LINES = {
    "warm": keys.warm,
    "cold": keys.cold,
    "serve": serving.serve,
    "publish": publishing.publishing,
    "form": forms.form,
    "away": forms.away,
    "inbox": inboxes.inboxes,
    "hooks": webhooks.webhooks,
    "login": logins.login,
    "revoke": revocations.revoke,
    "start": starts.start,
}


async def measure(wanted: list[str], directory: Path, amqp_url: str) -> list[Line]:
    """Bring up a PostgreSQL that keeps its promises (fsync on), and take the lines one after the other."""
    lines: list[Line] = []
    async with postgres.running(directory, lambda step: print(step, file=sys.stderr)) as database:
        for name in wanted:
            print(f"{name} …", file=sys.stderr, flush=True)
            lines += await LINES[name](Stage(directory, database, amqp_url))
    return lines


def main() -> None:
    """Measure and print."""
    began = time.monotonic()
    # modules compiled once, as in an image: some shells switch that off
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as directory, servers.running_rabbitmq() as broker:
        lines = uvloop.run(measure(sys.argv[1:] or list(LINES), Path(directory), broker.url))
    print(f"\n{'line':58} {'ours':>12} {'against':>12} {'ratio':>7}   goal")
    for line in lines:
        met = "met" if line.met else "NOT MET"
        print(f"{line.name:58} {line.ours:>12} {line.bare:>12} {line.ratio:7.2f}   {line.goal} ({met})")
    print(f"\n{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
