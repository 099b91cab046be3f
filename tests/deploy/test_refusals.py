"""What a person sees whose form was not taken, and what a script gets."""

from typing import Any

import pytest

from tests.support.deploying import BROWSER, Deploy

A_FILE = b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n\r\nx\r\n--b--\r\n'

REFUSED = {
    "a file": (415, "does not take files", ("multipart/form-data; boundary=b", A_FILE)),
    "too long": (413, "too large", ("application/x-www-form-urlencoded", b"a=" + b"x" * 300_000)),
}


@pytest.fixture
async def site(deploy: Deploy, key: str) -> dict[str, Any]:
    """Give a site with a form."""
    return await deploy.publish(key)


@pytest.mark.parametrize("status,words,sent", REFUSED.values(), ids=REFUSED.keys())
async def test_a_person_is_told_on_a_page_why_nothing_was_sent(
    deploy: Deploy, site: dict[str, Any], status: int, words: str, sent: tuple[str, bytes]
) -> None:
    headers = {"Content-Type": sent[0], **BROWSER}
    answer = await deploy.call("POST", f"/submit/{site['id']}", data=sent[1], headers=headers)
    assert (answer.status, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert "Your message was not sent" in answer.text
    assert words in answer.text


async def test_a_form_that_is_gone_says_so_to_a_person(deploy: Deploy) -> None:
    answer = await deploy.call("POST", "/submit/dep_0000000000000000", data={"a": "b"}, headers=BROWSER)
    assert answer.status == 404
    assert "This form is not there any more." in answer.text


async def test_a_script_that_accepts_html_still_gets_the_error_object(deploy: Deploy, site: dict[str, Any]) -> None:
    headers = {"Content-Type": "application/json", **BROWSER}
    answer = await deploy.call("POST", f"/submit/{site['id']}", data=b"[]", headers=headers)
    assert (answer.status, answer.json["code"]) == (422, "invalid")
