"""Keeps stdin and stdout for the protocol, before anything else can print or read."""

import os
import sys
from dataclasses import dataclass
from io import TextIOWrapper


@dataclass(frozen=True, slots=True)
class Wire:
    """The two streams that the client holds the other ends of."""

    read: TextIOWrapper
    write: TextIOWrapper


def keep() -> Wire:
    """Move the wire to descriptors of its own; what prints from now on, children and native code too, goes to stderr.

    Called before the SDK and libraries are imported: the SDK does the same, but only once it serves.
    """
    read, write = _above_standard(0), _above_standard(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(_anywhere_else(), 1)
    sys.stdout = sys.stderr
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115 - stays open as long as the process
    if sys.platform == "win32":  # children take handles there, not descriptors
        from mcp.os.win32.utilities import rebind_std_handle_to_fd

        rebind_std_handle_to_fd(0)
        rebind_std_handle_to_fd(1)
    return Wire(
        read=TextIOWrapper(os.fdopen(read, "rb", closefd=False), encoding="utf-8", errors="replace"),
        write=TextIOWrapper(os.fdopen(write, "wb", closefd=False), encoding="utf-8", newline="\n"),
    )


def _anywhere_else() -> int:
    """Give stderr, or the null device where a client started us without one."""
    try:
        os.fstat(2)
    except OSError:
        nothing = os.open(os.devnull, os.O_WRONLY)
        if nothing != 2:
            os.dup2(nothing, 2)
    return 2


def _above_standard(descriptor: int) -> int:
    """Duplicate it to a number that no child inherits and that is none of the three standard ones."""
    below: list[int] = []
    copy = os.dup(descriptor)
    while copy <= 2:
        below.append(copy)
        copy = os.dup(descriptor)
    for each in below:
        os.close(each)
    os.set_inheritable(copy, False)
    return copy
