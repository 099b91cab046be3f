"""`invoker-mcp`: the MCP server over stdio, or with `--http` over Streamable HTTP."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from invoker_mcp.server import stdout

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from invoker_mcp.settings import Settings


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until the client goes; give the process's exit code."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    # Options are rare, and reading them costs a start that every conversation waits for.
    options = parsed(arguments) if arguments else None
    if sys.stdin is not None and sys.stdin.isatty() and not (options and options.http):
        print("This is for an AI assistant, which starts it itself. Ctrl-C ends it.", file=sys.stderr)  # noqa: T201
    wire = None if options and options.http else stdout.keep()
    from invoker_mcp.errors import ClientError

    try:
        settings = _settings(options)
    except ClientError as error:
        print(f"{error.message}. {error.hint or ''}", file=sys.stderr)  # noqa: T201 - for whoever configured it
        return 2
    try:
        if wire is not None:
            from invoker_mcp.server.serving import over_stdio

            over_stdio(settings, wire)
        elif options is not None:
            from invoker_mcp.server.serving import over_http

            over_http(settings, options.host, options.port, options.allow_host, options.allow_origin)
    except KeyboardInterrupt:
        return 130
    return 0


def _settings(options: argparse.Namespace | None) -> Settings:
    import os

    from invoker_mcp.settings import load

    return load(os.environ, api_url=options.api_url if options else None)


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    import argparse

    from invoker_mcp import __version__

    parser = argparse.ArgumentParser(
        prog="invoker-mcp", description="The MCP server of Invoker; over stdio by default."
    )
    parser.add_argument(
        "--http", action="store_true", help="serve Streamable HTTP at /mcp; the key comes with each request"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on, with --http (%(default)s)")
    parser.add_argument("--port", type=int, default=8765, help="port to listen on, with --http (%(default)s)")
    parser.add_argument("--allow-host", action="append", default=[], metavar="NAME", help="a Host that clients may use")
    parser.add_argument(
        "--allow-origin", action="append", default=[], metavar="URL", help="an Origin of a page that may call"
    )
    parser.add_argument("--api-url", help="address of the API (INVOKER_API_URL)")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
