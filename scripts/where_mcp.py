"""Print the command that starts the MCP server from this checkout, from any folder and through any shell."""

import shlex
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "clients" / "python" / "src"

if __name__ == "__main__":
    print(shlex.join(["env", f"PYTHONPATH={SOURCE}", sys.executable, "-m", "invoker_mcp.server.main"]))
