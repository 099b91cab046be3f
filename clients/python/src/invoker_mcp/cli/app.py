"""The commands of `invoker`, put together."""

from typing import Annotated

import typer

from invoker_mcp import __version__
from invoker_mcp.cli import account, codes, deploys, keys, sites, submissions, webhooks

app = typer.Typer(
    name="invoker",
    help="Put sites live, and see what their forms received.",
    epilog=codes.TOLD,
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # a traceback with its variables would have keys in it
    context_settings={"help_option_names": ["-h", "--help"]},
)

for module in (account, deploys, sites, submissions):
    module.register(app)
app.add_typer(keys.app, name="keys")
app.add_typer(webhooks.app, name="webhooks")


def _version(asked: bool) -> None:  # noqa: FBT001 - typer's way
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Put sites live, and see what their forms received."""


def run() -> None:
    """Run the command of this process."""
    app(prog_name="invoker")
