"""The command line, `invoker`."""


def main() -> None:
    """Run it; what it is made of is loaded when it runs."""
    from invoker_mcp.cli.app import run

    run()
