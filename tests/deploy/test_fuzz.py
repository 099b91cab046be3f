"""R90: what the description allows, and what it forbids, made up by Schemathesis and sent to a running deploy.

`INVOKER_FUZZ_CASES=200` makes it thorough: that many cases of each kind for each operation.
"""

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from shared import openapi
from tests.support import dns_server, fake_auth, servers
from tests.support.deploying import FORM
from tests.support.dns_server import NameServer
from tests.support.fake_auth import FakeAuth
from tests.support.processes import Process
from tests.support.publishing import digest, named

CASES = int(os.environ.get("INVOKER_FUZZ_CASES", "2"))
METHODS = ("get", "post", "put", "patch", "delete", "options")
#: Refuse what is well-formed and wrong, as nobody guesses a token, a digest, a version, a text of a page, a domain
#: that is free, a path that has no escape in it, or which cursor a list gave, or an address.
GUESSED = {
    "claimDeployment", "putBlob", "publishVersion", "editDeployment", "createDeployment", "replaceDeployment",
    "addWebhook", "changeWebhook", "rotateWebhook", "testWebhook", "replayDelivery", "replayFailed", "removeWebhook",
    "listDeliveries", "changeSettings", "addDomain", "verifyDomain", "removeDomain", "submit", "restoreDeployment",
    "addRecipient",
}  # fmt: skip
BYTES = b"some bytes that a version waits for"


def operations() -> list[Any]:
    """Return method, path, described operation and kind of data for what deploy does."""
    found = []
    for path, item in openapi.load("deploy")["paths"].items():
        for method in item.keys() & set(METHODS):
            described = item[method]
            takes = {"parameters", "requestBody"} & (item.keys() | described.keys())
            if method == "options":
                # a preflight is answered the same whatever its path names
                takes = set()
            for mode in GenerationMode if takes else [GenerationMode.POSITIVE]:
                name = f"{described['operationId']}-{mode.value}"
                found.append(pytest.param(method, path, described, mode, id=name))
    return sorted(found, key=lambda param: str(param.id))


@dataclass(slots=True)
class Fuzzed:
    """A running deploy, its description, and ever new accounts."""

    process: Process
    auth: FakeAuth
    schema: Any
    session: requests.Session

    def caller(self, described: dict[str, Any], path: str) -> tuple[dict[str, Any], dict[str, str]]:
        """Return what a fresh account sends along, and what its site's paths have in them."""
        headers = {"Authorization": f"Bearer {self.auth.key()}"}
        files: Any = {"files": named({"a.bin": BYTES})}
        url = f"{self.process.url}/deploy"
        made = self.session.post(url, headers=headers, json={"html": FORM}, timeout=10).json()
        self.session.put(f"{url}/{made['id']}", headers=headers, json=files, timeout=10)
        sent = self.session.post(f"{self.process.url}/submit/{made['id']}", json={"a": "b"}, timeout=10).json()
        known = {
            "id": made["id"], "deployId": made["id"], "sha256": digest(BYTES), "submissionId": sent["id"],
            "recipient": f"rcp_{made['id'][4:]}",
        }  # fmt: skip
        if "{webhookId}" in path:
            known |= self.webhook(made["id"], headers)
        return ({} if described.get("security") == [] else {"headers": headers}), known

    def webhook(self, site: str, headers: dict[str, str]) -> dict[str, str]:
        """Give a site a webhook, with a delivery to a name that nobody knows."""
        url, body = f"{self.process.url}/webhooks/{site}", {"url": "https://hooks.example.com/"}
        webhook = self.session.post(url, headers=headers, json=body, timeout=10).json()["id"]
        self.session.post(f"{self.process.url}/submit/{site}", json={}, timeout=10)
        listed = self.session.get(f"{url}/{webhook}/deliveries", headers=headers, timeout=10).json()
        return {"webhookId": webhook, "deliveryId": listed["deliveries"][0]["delivery_id"]}


@contextmanager
def others_in_a_thread() -> Iterator[tuple[FakeAuth, NameServer]]:
    """Run a fake auth, and a name server that knows no name, beside what blocks this thread."""
    running: list[tuple[FakeAuth, NameServer]] = []
    started, loop, over = threading.Event(), asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        async with fake_auth.running() as auth, dns_server.serving() as names:
            running.append((auth, names))
            started.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert started.wait(10)
        yield running[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
        loop.close()


@pytest.fixture(scope="module")
def fuzzed(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: servers.Postgres, migrated_template: str
) -> Iterator[Fuzzed]:
    """Start deploy, as a process: Hypothesis watches what happens in this one."""
    name, home = f"invoker_fuzz_deploy_{os.getpid()}", tmp_path_factory.mktemp("fuzz")
    postgres_server.clone(migrated_template, name)
    with others_in_a_thread() as (auth, names), requests.Session() as session:
        process = Process(
            "deploy",
            home,
            INVOKER_DATABASE_URL=postgres_server.url(name),
            INVOKER_AMQP_URL="amqp://guest:guest@127.0.0.1:1/",
            INVOKER_SERVICE_TOKEN=fake_auth.TOKEN,
            INVOKER_AUTH_INTERNAL_URL=auth.url,
            INVOKER_BLOBS_URL=(home / "blobs").as_uri(),
            INVOKER_RATE_LIMITS="off",
            # no webhook leads anywhere
            INVOKER_DNS_SERVERS="{}:{}".format(*names.address),
        )
        try:
            process.start()
            yield Fuzzed(process, auth, schemathesis.openapi.from_dict(openapi.load("deploy")), session)
        finally:
            process.close()
            postgres_server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.mark.parametrize("method, path, described, mode", operations())
def test_r90_an_answer_is_what_the_description_says(
    fuzzed: Fuzzed, method: str, path: str, described: dict[str, Any], mode: GenerationMode
) -> None:
    """R90: all checks of Schemathesis: no server error, no ignored credential, no undescribed answer."""
    operation = fuzzed.schema[path][method.upper()]

    @settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy(mode), known=st.booleans())
    def send(case: Any, *, known: bool) -> None:
        given, names = fuzzed.caller(described, path)
        # beside a JSON body the query says nothing, and is not looked at
        assume(mode is GenerationMode.POSITIVE or "requestBody" not in described or not case.query)
        # it may be any text, and has to be one that the list gave out
        (case.query or {}).pop("cursor", None)
        if described["operationId"] == "streamSubmissions" and mode is GenerationMode.POSITIVE:
            # or it is read for as long as it says
            case.query = {**(case.query or {}), "seconds": 1}
        if described["operationId"] == "testForm" and mode is GenerationMode.POSITIVE and isinstance(case.body, dict):
            case.body = case.body | {"wait": 0}
        if known and mode is GenerationMode.POSITIVE:
            case.path_parameters = {
                name: names.get(name, value) for name, value in (case.path_parameters or {}).items()
            }
        excluded: list[Any] = [positive_data_acceptance] if described["operationId"] in GUESSED else []
        answer = case.call(base_url=fuzzed.process.url, session=fuzzed.session, **given)
        if answer.status_code == 413:
            # a refusal as well
            excluded.append(negative_data_rejection)
        case.validate_response(answer, excluded_checks=excluded, **given)

    send()
