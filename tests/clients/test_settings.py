"""Settings: flags before the environment before what is usual, and no address that a key must not go to."""

from pathlib import Path

import pytest

from invoker_mcp.errors import ClientError
from invoker_mcp.settings import DEFAULT_API_URL, is_web_page, load


def test_a_flag_goes_before_the_environment() -> None:
    environ = {"INVOKER_API_URL": "https://one.example", "INVOKER_HOME": "/somewhere"}
    assert load(environ).api_url == "https://one.example"
    assert load(environ, api_url="https://two.example/api/").api_url == "https://two.example/api"
    assert load(environ).credentials_file == Path("/somewhere/credentials.json")
    assert load({}).api_url == DEFAULT_API_URL
    assert load({}).home == Path.home() / ".invoker"


def test_settings_do_not_show_their_key() -> None:
    assert "inv_secret" not in repr(load({"INVOKER_API_KEY": "inv_secret"}))


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example",
        "a.example",
        "file:///etc/passwd",
        "https://me:inv_secret@a.example",
        "https://",
        "http://a:b/",
        "https://a.example/?x=1",
        "https://a.example/#x",
        "https://a\x1b[31m.example",
        "javascript:alert(1)",
    ],
)
def test_an_address_that_is_no_api_is_refused(url: str) -> None:
    with pytest.raises(ClientError) as refused:
        load({"INVOKER_API_URL": url})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "http:///x",
        "https://good.example@evil.example/",
        "https://a.example/ --incognito",
        "https://a.example/\n",
        '-x "https://a"',
        "",
        None,
        5,
    ],
)
def test_a_browser_is_sent_to_web_pages_alone(url: object) -> None:
    assert not is_web_page(url)
    assert is_web_page("http://localhost:8080/login/ls_1")
