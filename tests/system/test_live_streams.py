"""Server-sent events on their whole way: through the gateway at once, and through standalone, which stops for none."""

import asyncio
import time
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.support.client import Client, an_address
from tests.support.eventually import PATIENCE
from tests.support.fake_auth import TOKEN
from tests.support.servers.nginx import Services, running_gateway
from tests.support.standalone import PATIENT, running


@pytest.mark.parametrize("host, prefix", [("localhost", "/api"), ("api.localhost", "")])
async def test_the_gateway_passes_events_on_at_once(tmp_path: Path, host: str, prefix: str) -> None:
    held = asyncio.Event()

    async def stream(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: " + request.path_qs.encode() + b"\n\n")
        await held.wait()
        return response

    runner = web.ServerRunner(web.Server(stream, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"127.0.0.1:{runner.addresses[0][1]}"
    services = Services(deploy=[address], auth=address)
    with running_gateway(tmp_path, services, token=TOKEN, app_url="https://app.example") as gateway:
        async with (
            aiohttp.ClientSession(headers={"Host": host}) as session,
            session.get(f"{gateway.url}{prefix}/submissions/dep_x/events?seconds=5") as answer,
            asyncio.timeout(PATIENCE),
        ):
            assert await answer.content.readline() == b"data: /submissions/dep_x/events?seconds=5\n"
        held.set()
    await runner.cleanup()


async def test_standalone_tells_what_arrives_and_stops_while_it_is_listened_to(tmp_path: Path) -> None:
    with running(tmp_path / "data", module=PATIENT, INVOKER_RATE_LIMITS="off") as system:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            client = Client(session, system.target)
            key = (await client.login(an_address()))["api_key"]
            site = (await client.api("POST", "/deploy", key=key, json={"html": "x"})).json
            url, headers = f"{system.target.api}/submissions/{site['id']}/events", {"Authorization": f"Bearer {key}"}
            async with session.get(url, headers=headers) as stream, asyncio.timeout(PATIENCE):
                assert await stream.content.readuntil(b"\n\n") == b"retry: 2000\n\n"
                sent = await client.api("POST", f"/submit/{site['id']}", json={"a": 1})
                assert await stream.content.readline() == b"event: submission\n"
                assert await stream.content.readline() == f"id: {sent.json['id']}\n".encode()
                started = time.monotonic()
                assert await asyncio.to_thread(system.stop) == 0
                assert time.monotonic() - started < 9, "as long as a request may take to end"
