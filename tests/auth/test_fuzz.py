"""R90: what the description allows, and what it forbids, made up by Schemathesis and sent to a running auth.

`INVOKER_FUZZ_CASES=200` makes it thorough: that many cases of each kind for each operation.
"""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from shared import credentials, ids, openapi
from tests.support import processes
from tests.support.minted import minted

CASES = int(os.environ.get("INVOKER_FUZZ_CASES", "4"))
HOST = "app.example.com"
COOKIE = "__Host-invoker_session"
#: Refuse what is well-formed and wrong, as nobody guesses a code or the account's address.
GUESSED = {"/auth/verify", "/auth/email/confirm", "/auth/account"}
METHODS = ("get", "post", "put", "patch", "delete")


def operations() -> list[Any]:
    """Return method, path, scope and kind of data for what auth does."""
    found = []
    for path, item in openapi.load("auth")["paths"].items():
        for method in item.keys() & set(METHODS):
            described = item[method]
            scope = None if described.get("security") == [] else described["x-scope"]
            takes = {"parameters", "requestBody"} & (item.keys() | described.keys())
            for mode in GenerationMode if takes else [GenerationMode.POSITIVE]:
                name = f"{described['operationId']}-{mode.value}"
                found.append(pytest.param(method, path, scope, mode, id=name))
    return sorted(found, key=lambda param: str(param.id))


@dataclass(slots=True)
class Fuzzed:
    """A running auth, its description, and ever new accounts."""

    system: processes.System
    dsn: str
    schema: Any
    session: requests.Session

    def caller(self, scope: str | None) -> tuple[dict[str, Any], dict[str, str]]:
        """Return what a caller with a fresh account sends along, and the ids of another key and of a browser."""
        given: dict[str, Any] = {"headers": {"Host": HOST, "Sec-Fetch-Site": "same-origin"}}
        account, (key, other) = asyncio.run(minted(self.dsn, 2))
        session_id, cookie = asyncio.run(log_in(self.dsn, account))
        if scope == "session":
            given["cookies"] = {COOKIE: cookie}
        elif scope is not None:
            given["headers"]["Authorization"] = f"Bearer {key.key}"
        return given, {"keys": other.id, "auth": session_id}


async def log_in(dsn: str, account: str) -> tuple[str, str]:
    """Give an account a browser, and return its id and its cookie."""
    session_id, cookie = ids.new_id("ses"), f"ses_{ids.random_base62(43)}"
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute(
            "INSERT INTO auth.sessions (id, account_id, digest, ip, client, expires_at)"
            " VALUES ($1, $2, $3, '::1', 'test', now() + interval '1 day')",
            session_id, account, credentials.digest(cookie),
        )  # fmt: skip
    finally:
        await conn.close()
    return session_id, cookie


@pytest.fixture(scope="module")
def fuzzed(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: Any, migrated_template: str, rabbitmq_server: Any
) -> Iterator[Fuzzed]:
    """Start auth, and deploy, which it asks about usage."""
    name = f"invoker_fuzz_{os.getpid()}"
    postgres_server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{migrated_template}"')
    dsn = postgres_server.url(name)
    directory: Path = tmp_path_factory.mktemp("fuzz")
    system = processes.System(
        directory,
        database_url=dsn,
        amqp_url=rabbitmq_server.url,
        smtp_url="smtp://127.0.0.1:1?tls=none",
        INVOKER_AMQP_PREFIX=name,
        INVOKER_APP_URL=f"https://{HOST}",
        INVOKER_API_URL="https://api.example.com",
        INVOKER_SITES_URL="https://{slug}.example.net",
    )
    try:
        system.auth.start()
        system.deploy.start()
        schema = schemathesis.openapi.from_dict(openapi.merged("https://api.example.com"))
        with requests.Session() as session:
            yield Fuzzed(system, dsn, schema, session)
    finally:
        system.auth.close()
        system.deploy.close()
        postgres_server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.mark.parametrize("method, path, scope, mode", operations())
def test_r90_an_answer_is_what_the_description_says(
    fuzzed: Fuzzed, method: str, path: str, scope: str | None, mode: GenerationMode
) -> None:
    """R90: all checks of Schemathesis: no server error, no ignored credential, no undescribed answer."""
    operation = fuzzed.schema[path][method.upper()]

    @settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy(mode), known=st.booleans())
    def send(case: Any, *, known: bool) -> None:
        given, known_ids = fuzzed.caller(scope)
        if mode is GenerationMode.POSITIVE:
            # it may be any text, and has to be one that the list gave out
            (case.query or {}).pop("cursor", None)
        if known and "id" in (case.path_parameters or {}):
            case.path_parameters["id"] = known_ids[path.split("/")[1]]
        excluded = [positive_data_acceptance] if path in GUESSED else []
        case.call_and_validate(
            base_url=fuzzed.system.auth.url, session=fuzzed.session, excluded_checks=excluded, **given
        )

    send()
