"""A Chromium for the browser tests."""

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from tests.support.servers.machine import MissingServerError, apt_install, can_install, installing, say

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
ASK = "from playwright.sync_api import sync_playwright as p\nwith p() as it: print(it.chromium.executable_path)"


@cache
def chromium_path() -> str:
    """Give the path of an installed browser; else install one."""
    with installing():
        path = on_this_machine() or playwrights()
        if path is None and can_install():
            apt_install("chromium")
            path = on_this_machine()
        if path is None:
            say("fetching Playwright's Chromium")
            command = [sys.executable, "-m", "playwright", "install", "chromium"]
            subprocess.run(command, check=False, capture_output=True)
            path = playwrights()
    if path is None:
        message = "no Chromium: install chromium or google-chrome, or run `playwright install chromium`"
        raise MissingServerError(message)
    return path


def on_this_machine() -> str | None:
    found = (shutil.which(name) for name in NAMES)
    return next(filter(None, found), None) or next((path for path in MAC if Path(path).exists()), None)


def playwrights() -> str | None:
    done = subprocess.run([sys.executable, "-c", ASK], check=False, capture_output=True, text=True)
    path = done.stdout.strip()
    return path if path and Path(path).exists() else None
