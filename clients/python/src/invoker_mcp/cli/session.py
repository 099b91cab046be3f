"""What a command runs in: the flags that every command has, its key, its output, and one way to end."""

import asyncio
import functools
import inspect
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec

import typer

from invoker_mcp import credentials, renewal, settings, sites
from invoker_mcp.api import Api, not_logged_in
from invoker_mcp.cli import codes
from invoker_mcp.cli.output import Output
from invoker_mcp.credentials import Credential
from invoker_mcp.errors import ClientError
from invoker_mcp.project import Project
from invoker_mcp.settings import Settings

P = ParamSpec("P")

#: How long a key's renewal may go on when the command is over.
RENEWAL_PATIENCE = 5.0

FLAGS = {
    "as_json": Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")],
    "api_key": Annotated[
        str | None, typer.Option("--api-key", help="Use this key, not that of INVOKER_API_KEY or the login.")
    ],
    "api_url": Annotated[
        str | None, typer.Option("--api-url", help="Where the API is, not where INVOKER_API_URL says.")
    ],
}
DEFAULTS = {"as_json": False, "api_key": None, "api_url": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One run of one command."""

    settings: Settings
    output: Output
    flag_key: str | None = field(default=None, repr=False)

    @property
    def credential(self) -> Credential | None:
        return credentials.find(self.settings, self.flag_key)

    @asynccontextmanager
    async def api(self, *, anonymous: bool = False, optional: bool = False) -> AsyncIterator[Api]:
        """Give the API, called with the person's key; an old key is replaced meanwhile."""
        credential = None if anonymous else self.credential
        if credential is None and not (anonymous or optional):
            raise self._no_key()
        async with Api(self.settings, credential, client="invoker-cli") as api:
            task = renewal.start(api)
            try:
                yield api
            finally:
                if task is not None:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(RENEWAL_PATIENCE):
                            await task

    def _no_key(self) -> ClientError:
        error = not_logged_in()
        if other := credentials.elsewhere(self.settings):
            error.hint = (
                f"You are at {other}: set INVOKER_API_URL to it, or run invoker login for {self.settings.api_url}."
            )
        return error

    async def site(self, api: Api, named: str | None) -> str:
        """Return the id of the site that is named, else of the one made last from this folder."""
        if named:
            return await sites.site_id(api, named)
        if remembered := Project(self.settings, Path()).site():
            return remembered
        raise codes.Usage("Which site?", hint="Name it by its slug or id; invoker sites lists them.")


Command = Callable[Concatenate[Session, P], Awaitable[None]]


def command(app: typer.Typer, name: str) -> Callable[[Command[P]], Command[P]]:
    """Make an async function a command of this name, with the flags that all of them have."""

    def register(function: Command[P]) -> Command[P]:
        _, *own = inspect.signature(function, eval_str=True).parameters.values()
        common = [
            inspect.Parameter(flag, inspect.Parameter.KEYWORD_ONLY, default=DEFAULTS[flag], annotation=annotation)
            for flag, annotation in FLAGS.items()
        ]
        parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own] + common

        def run(**given: Any) -> None:
            _run(function, given)

        functools.update_wrapper(run, function)
        del run.__wrapped__  # type: ignore[attr-defined]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in parameters}
        app.command(name)(run)
        return function

    return register


def _run(function: Callable[..., Awaitable[None]], given: dict[str, Any]) -> None:
    output = Output(as_json=given.pop("as_json"))
    flag_key, api_url = given.pop("api_key"), given.pop("api_url")
    try:
        session = Session(settings=settings.load(os.environ, api_url=api_url), output=output, flag_key=flag_key)
        asyncio.run(_awaited(function(session, **given)))
        sys.stdout.flush()
    except ClientError as error:
        output.failure(error)
        raise typer.Exit(codes.of(error)) from None
    except KeyboardInterrupt:
        raise typer.Exit(codes.INTERRUPTED) from None
    except BrokenPipeError:
        # Whoever read has enough: `invoker sites | head`. Python would complain of it once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(codes.REFUSED) from None


async def _awaited(awaitable: Awaitable[None]) -> None:
    await awaitable
