"""Make `.venv` and install one set of pinned requirements, showing what takes the time; the clients have their own.

Usage: `python3 scripts/bootstrap.py run|standalone|test|client`. A second call with nothing to do returns at once.
This file is read by whatever Python is there first, so it keeps to syntax that Python 3.6 can parse.
"""

import hashlib
import os
import subprocess
import sys

OLDEST = (3, 11)
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Each set holds all of the sets before it, with the same pins; the clients' is apart.
SETS = {"run": "requirements.txt", "standalone": "requirements-standalone.txt", "test": "requirements-test.txt"}
# What an assistant starts must not change with what a developer installs: it has an environment of its own.
CLIENT = {"client": "requirements-client.txt"}
FILES = dict(SETS, **CLIENT)


def main():
    wanted = sys.argv[1] if len(sys.argv) == 2 else ""
    if wanted not in FILES:
        sys.exit("usage: python3 scripts/bootstrap.py " + "|".join(FILES))
    venv = os.path.join(ROOT, ".venv-client" if wanted in CLIENT else ".venv")
    python, stamp = os.path.join(venv, "bin", "python"), os.path.join(venv, "installed")
    if os.path.exists(python) and is_current(wanted, stamp):
        return
    if sys.version_info < OLDEST:
        sys.exit(too_old())
    if not works(python):
        make_venv(venv)
    install(wanted, python)
    with open(stamp, "w") as file:
        file.write(mark(wanted))


def is_current(wanted, stamp):
    """Whether the last installation was of these pins, or of a set that holds them."""
    try:
        with open(stamp) as file:
            installed = file.read()
    except OSError:
        return False
    names = list(CLIENT if wanted in CLIENT else SETS)
    return any(installed == mark(name) for name in names[names.index(wanted) :])


def mark(name):
    with open(os.path.join(ROOT, FILES[name]), "rb") as pins:
        return name + " " + hashlib.sha256(pins.read()).hexdigest()


def works(python):
    """Whether a virtual environment is there and whole: an upgrade of the system's Python breaks it."""
    try:
        return subprocess.call([python, "-c", "import pip"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def too_old():
    return (
        "Invoker needs Python {}.{} or newer; {} is {}.{}.\n".format(*OLDEST, sys.executable, *sys.version_info[:2])
        + "  Debian, Ubuntu: apt-get install python3 python3-venv    macOS: brew install python3\n"
        + "  or name another: make PYTHON=/path/to/python3 run"
    )


def make_venv(venv):
    from importlib.util import find_spec

    if not (find_spec("venv") and find_spec("ensurepip")):
        install_venv_package()
    step(
        "Making {} with Python {}.{}.{}".format(os.path.basename(venv), *sys.version_info[:3]),
        [base_python(), "-m", "venv", "--clear", venv],
    )


def base_python():
    """Give the interpreter under the virtual environment that this may be running in."""
    return getattr(sys, "_base_executable", None) or sys.executable


def install_venv_package():
    """Debian and Ubuntu keep `venv` in a package of its own."""
    version = "python{}.{}-venv".format(*sys.version_info[:2])
    package = "python3-venv" if os.path.realpath("/usr/bin/python3") == os.path.realpath(sys.executable) else version
    debian = os.path.exists("/etc/debian_version") and os.path.exists("/usr/bin/apt-get")
    if not debian:
        sys.exit("This Python ({}) has no venv or ensurepip module: install a complete one.".format(sys.executable))
    if os.geteuid() != 0:
        sys.exit("This Python has no venv module. Install it, then try again:\n  sudo apt-get install " + package)
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    step("Reading the system's package lists", ["apt-get", "update", "-qq"], environment)
    step("Installing " + package, ["apt-get", "install", "-y", "-qq", package], environment)


def install(wanted, python):
    with open(os.path.join(ROOT, FILES[wanted])) as pins:
        count = sum(1 for line in pins if "==" in line and not line.startswith((" ", "#")))
    step(
        "Installing {} packages ({})".format(count, FILES[wanted]),
        # Byte code is written at the first import: most of it is never needed.
        [python, "-m", "pip", "install", "--require-hashes", "--no-compile"]
        + ["--disable-pip-version-check", "--no-input", "--progress-bar", "off", "-r", FILES[wanted]],
        total=count,
    )


def step(title, command, environment=None, total=0):
    """Run one command under one line of progress; its own output shows only when it fails."""
    from time import monotonic

    terminal = sys.stderr.isatty()
    started, output, collected = monotonic(), [], 0
    say(title + " … ")
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    for raw in process.stdout:
        line = raw.decode(errors="replace")
        output.append(line)
        collected += line.startswith("Collecting ")
        if terminal and total and collected:
            doing = "{}/{}".format(collected, total) if line.startswith("Collecting") else "unpacking"
            say("\r\033[K{} … {}, {:.0f} s".format(title, doing, monotonic() - started))
    failed = process.wait()
    if failed:
        sys.exit("\n" + "".join(output[-30:]) + "\nFailed: " + title)
    say(("\r\033[K" + title + " … " if terminal else "") + "{:.1f} s\n".format(monotonic() - started))


def say(text):
    sys.stderr.write(text)
    sys.stderr.flush()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
