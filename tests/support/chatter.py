"""Noise for a process whose stdout is not its own: copied as `sitecustomize`, it starts with the interpreter."""

import ctypes
import os
import subprocess
import sys
import threading
import time


def make_noise() -> None:
    """Print in every way there is, from the moment the program has put its stdout aside."""
    while "invoker_mcp.errors" not in sys.modules:
        time.sleep(0.001)
    library = ctypes.CDLL(None)
    while True:
        print("a library prints", flush=True)
        print("another one too", file=sys.__stdout__, flush=True)
        os.write(1, b"native code writes\n")
        library.puts(b"a native library prints")
        library.fflush(None)
        # What it would read is what the client says: it gets the end at once instead.
        subprocess.run(["/bin/sh", "-c", "echo a child prints; cat"], check=True, timeout=5)
        time.sleep(0.005)


threading.Thread(target=make_noise, daemon=True).start()
