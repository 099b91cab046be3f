"""Contract, section 1: errors, request ids, hosts, bad bodies; on standalone and on compose alike."""

import socket
from urllib.parse import urlsplit

import pytest

from tests.support.client import Client, Target


async def test_everything_answers_ready(client: Client) -> None:
    assert (await client.call("GET", f"{client.target.app}/readyz")).status == 200


async def test_every_error_is_the_error_object(client: Client) -> None:
    answer = await client.api("GET", "/keys")
    assert answer.status == 401
    assert answer.json["error"] == "Unauthorized"
    assert answer.json["code"] == "unauthorized"
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]


@pytest.mark.parametrize("path", ["/deploy", "/keys", "/auth/me", "/submissions/dep_0000000000000000"])
async def test_no_key_is_401_on_every_service(client: Client, path: str) -> None:
    assert (await client.api("GET", path)).json["error"] == "Unauthorized"


@pytest.mark.parametrize("path", ["/nothing", "/deploy/x/y/z", "/auth/nothing"])
async def test_an_unknown_path_of_the_api_is_404_in_json(client: Client, path: str) -> None:
    answer = await client.api("GET", path)
    assert answer.status == 404
    assert answer.json["error"]


async def test_a_well_formed_request_id_is_kept(client: Client) -> None:
    answer = await client.api("GET", "/keys", headers={"X-Request-ID": "caller-chose-this-1"})
    assert answer.headers["X-Request-ID"] == "caller-chose-this-1"


async def test_a_strange_request_id_is_replaced(client: Client) -> None:
    answer = await client.api("GET", "/keys", headers={"X-Request-ID": "<script>" * 40})
    assert "<" not in answer.headers["X-Request-ID"]


@pytest.mark.parametrize("path", ["/deploy", "/keys"])
async def test_what_is_not_json_is_400(client: Client, key: str, path: str) -> None:
    answer = await client.api("POST", path, key=key, data=b"{", headers={"Content-Type": "application/json"})
    assert (answer.status, answer.json["code"]) == (400, "bad_request")


@pytest.mark.parametrize("path", ["/deploy", "/keys"])
@pytest.mark.parametrize("body", [b"[]", b'"text"', b"17", b"null"])
async def test_json_of_the_wrong_shape_is_422(client: Client, key: str, path: str, body: bytes) -> None:
    answer = await client.api("POST", path, key=key, data=body, headers={"Content-Type": "application/json"})
    assert answer.status == 422, answer.text


@pytest.mark.parametrize("path", ["/deploy", "/keys"])
async def test_an_unreadable_content_type_is_415(client: Client, key: str, path: str) -> None:
    answer = await client.api("POST", path, key=key, data=b"<a/>", headers={"Content-Type": "application/xml"})
    assert answer.status == 415


async def test_invalid_utf8_is_400(client: Client, key: str) -> None:
    answer = await client.api("POST", "/deploy", key=key, data=b'{"html": "\xff\xfe"}')
    assert answer.status == 400


async def test_a_body_past_the_limit_is_413(client: Client, key: str) -> None:
    answer = await client.api("POST", "/keys", key=key, data=b'{"name": "' + b"x" * 70_000 + b'"}')
    assert answer.status == 413


async def test_a_wrong_method_is_405_and_names_the_right_ones(client: Client, key: str) -> None:
    answer = await client.api("PUT", "/keys", key=key, json={})
    assert answer.status == 405
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("host", ["nobody.example", "evil.localhost", "intranet", "192.0.2.1", "sites.localhost"])
@pytest.mark.parametrize("path", ["/", "/deploy", "/keys"])
async def test_an_unknown_host_is_a_friendly_404_page(client: Client, host: str, path: str) -> None:
    answer = await client.call("GET", client.target.app + path, headers={"Host": host})
    assert answer.status == 404
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("key", ["inv_short", "inv_" + "a" * 36, "Bearer", "x" * 5000, "inv_" + "ä" * 36])
async def test_a_malformed_key_is_401(client: Client, key: str) -> None:
    answer = await client.call(
        "GET", f"{client.target.api}/keys", headers={"Authorization": f"Bearer {key}".encode().decode("latin-1")}
    )
    assert (answer.status, answer.json["error"]) == (401, "Unauthorized")


async def test_the_api_answers_on_its_own_host_too(client: Client) -> None:
    host = f"api.localhost:{urlsplit(client.target.app).port}"
    answer = await client.call("GET", f"{client.target.app}/keys", headers={"Host": host})
    assert (answer.status, answer.json["error"]) == (401, "Unauthorized")


async def test_openapi_describes_both_services(client: Client) -> None:
    document = (await client.api("GET", "/openapi.json")).json
    assert document["openapi"].startswith("3.1")
    assert {"/keys", "/auth/session", "/deploy", "/submit/{deployId}"} <= set(document["paths"])


RAW = {
    "two hosts": b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "header too long": b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"a" * 40_000 + b"\r\n\r\n",
    "NUL in a header": b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: a\0b\r\n\r\n",
    "length and chunks": (
        b"POST /api/keys HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\n"
    ),
    "no HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
}


@pytest.mark.parametrize("raw", RAW.values(), ids=RAW.keys())
def test_bytes_that_are_not_valid_http_are_refused(target: Target, raw: bytes) -> None:
    port = urlsplit(target.app).port
    assert port is not None
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(raw)
        answer = sock.recv(4096)
    assert answer.split(b" ", 2)[1][:1] == b"4", answer
    assert b"X-Request-ID: " in answer
    assert b"aiohttp" not in answer
