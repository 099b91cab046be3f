"""The development mailbox: takes every mail, keeps it, and shows it as Mailpit's API and a page do."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.mailer import mails
from services.mailer.config import Sender
from services.standalone.mail_files import MailFiles
from services.standalone.mailbox import Mailbox, open_mailbox
from tests.standalone.test_mail_files import ODD, SOME_ID, suffixes
from tests.support.eventually import eventually
from tests.support.mail_events import NOON, a_login_mail, a_message

ROOT = Path(__file__).parent.parent.parent
SENDER = Sender(name="Invoker", address="login@invoker.example")


@dataclass(slots=True)
class Reader:
    """An open mailbox, somebody who sends to it, and somebody who looks."""

    mailbox: Mailbox
    client: TestClient[Any, Any]

    async def send(self, raw: bytes | None = None, **texts: str) -> None:
        await deliver(raw or a_mail(**texts), self.mailbox.smtp_port)

    async def get(self, path: str) -> Any:
        answer = await self.client.get(path)
        assert answer.status == 200, await answer.text()
        return await answer.json()

    async def page(self, path: str) -> str:
        answer = await self.client.get(path)
        assert answer.status == 200
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        return await answer.text()


def a_mail(subject: str = "Hello", text: str = "How are you?", html: str = "<p>How are you?</p>") -> bytes:
    message = EmailMessage()
    message["From"] = "Invoker <login@invoker.example>"
    message["To"] = "Ada <ada@example.com>, bob@example.com"
    message["Reply-To"] = "grace@example.org"
    message["Subject"] = subject
    message["Message-ID"] = "<msg_1@invoker.example>"
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    return message.as_bytes()


async def deliver(raw: bytes, port: int) -> None:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False, local_hostname="test") as smtp:
        await smtp.sendmail("login@invoker.example", ["ada@example.com"], raw)


Open = Callable[[], Any]


@pytest.fixture
async def opening(tmp_path: Path) -> AsyncIterator[Open]:
    """Give a function that opens the mailbox, again too: always in the same directory."""
    async with AsyncExitStack() as stack:

        async def opened() -> Reader:
            mailbox = await stack.enter_async_context(open_mailbox(tmp_path / "mails"))
            return Reader(mailbox, await stack.enter_async_context(TestClient(TestServer(mailbox.app))))

        yield opened


@pytest.fixture
async def reader(opening: Open) -> Reader:
    opened: Reader = await opening()
    return opened


async def test_a_mail_is_listed_and_read_as_mailpit_does(reader: Reader) -> None:
    await reader.send()
    listed = await reader.get("/api/v1/messages")
    assert (listed["total"], listed["messages_count"], listed["start"]) == (1, 1, 0)
    (row,) = listed["messages"]
    mail = await reader.get(f"/api/v1/message/{row['ID']}")
    assert row.items() <= mail.items()
    assert set(row) == {"ID", "MessageID", "From", "To", "ReplyTo", "Subject", "Created", "Size", "Snippet"}
    assert row["From"] == {"Name": "Invoker", "Address": "login@invoker.example"}
    assert [one["Address"] for one in row["To"]] == ["ada@example.com", "bob@example.com"]
    assert row["ReplyTo"] == [{"Name": "", "Address": "grace@example.org"}]
    assert (row["Subject"], row["MessageID"], row["Snippet"]) == ("Hello", "msg_1@invoker.example", "How are you?")
    assert (mail["Text"].strip(), mail["HTML"].strip()) == ("How are you?", "<p>How are you?</p>")
    assert mail["Headers"]["Subject"] == ["Hello"]
    assert mail == await reader.get("/api/v1/message/latest")


async def test_mails_come_newest_first_by_start_and_limit(reader: Reader) -> None:
    for number in range(5):
        await reader.send(subject=str(number))
    listed = await reader.get("/api/v1/messages?start=1&limit=2")
    assert [mail["Subject"] for mail in listed["messages"]] == ["3", "2"]
    assert listed["total"] == 5
    assert (await reader.get("/api/v1/message/latest"))["Subject"] == "4"


@pytest.mark.parametrize(
    "query", ["start=-1", "start=x", "limit=", "limit=1e9", "limit=99999999999999999999", "start=٣"]
)
@pytest.mark.parametrize("path", ["/api/v1/messages", "/"])
async def test_a_wrong_start_or_limit_is_refused(reader: Reader, path: str, query: str) -> None:
    if path == "/" and "limit" in query:
        query = "start=no"
    answer = await reader.client.get(f"{path}?{query}")
    assert answer.status == 400


@pytest.mark.parametrize("name", ["latest", "x", SOME_ID, "..%2F..%2Fetc%2Fpasswd", "%00"])
async def test_a_mail_that_is_not_there_is_404(reader: Reader, name: str) -> None:
    for path in (f"/api/v1/message/{name}", f"/message/{name}", f"/message/{name}/html", f"/message/{name}/source"):
        answer = await reader.client.get(path)
        assert answer.status == 404


async def test_all_mails_or_the_named_ones_are_deleted(reader: Reader) -> None:
    for number in range(3):
        await reader.send(subject=str(number))
    first = (await reader.get("/api/v1/messages"))["messages"][0]["ID"]
    await reader.client.delete("/api/v1/messages", json={"IDs": [first]})
    assert (await reader.get("/api/v1/message/latest"))["Subject"] == "1"
    answer = await reader.client.delete("/api/v1/messages")
    assert await answer.text() == "ok"
    assert (await reader.get("/api/v1/messages"))["total"] == 0


async def test_deleting_something_unclear_deletes_nothing(reader: Reader) -> None:
    await reader.send()
    for body in ({"IDs": "all"}, {"IDs": [1]}, ["x", 1], "x"):
        answer = await reader.client.delete("/api/v1/messages", json=body)
        assert answer.status == 400
    assert (await reader.get("/api/v1/messages"))["total"] == 1


async def test_mails_are_there_after_a_restart(opening: Open) -> None:
    first, again = await opening(), None
    for number in range(3):
        await first.send(subject=str(number))
    again = await opening()
    assert await again.get("/api/v1/messages") == await first.get("/api/v1/messages")


SERVE = """
import asyncio, sys
from pathlib import Path
from services.standalone.mailbox import open_mailbox

async def main():
    async with open_mailbox(Path(sys.argv[1])) as mailbox:
        print(mailbox.smtp_port, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_a_mail_that_was_taken_survives_kill_9(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVE, str(tmp_path), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    port = int(await process.stdout.readline())
    await deliver(a_mail(subject="survivor"), port)
    process.kill()
    await process.communicate()
    (tmp_path / f"{SOME_ID}.part").write_bytes(b"half a ma")
    files = MailFiles(tmp_path)
    assert [mail.subject for mail in files.newest(0, 9)] == ["survivor"]
    assert suffixes(tmp_path) == [".eml"]


async def test_a_mail_that_cannot_be_written_is_not_taken(reader: Reader, tmp_path: Path) -> None:
    (tmp_path / "mails").rmdir()
    with pytest.raises(aiosmtplib.SMTPDataError, match="452"):
        await reader.send()
    assert (await reader.get("/api/v1/messages"))["total"] == 0


async def test_the_page_shows_the_login_code_at_once(reader: Reader) -> None:
    event = a_login_mail(code="042137")
    await reader.send(mails.to_bytes(mails.mail(a_message(event), event, sender=SENDER), sender=SENDER, now=NOON))
    listed = await reader.page("/")
    assert re.search(r'class="code"[^>]*>042137<', listed)
    mail_id = (await reader.get("/api/v1/message/latest"))["ID"]
    assert f'href="/mailbox/message/{mail_id}"' in listed
    shown = await reader.page(f"/message/{mail_id}")
    assert re.search(r'class="code big"[^>]*>042137<', shown)
    assert "This wasn" in shown


async def test_other_digits_are_no_login_code(reader: Reader) -> None:
    await reader.send(text="phone: 123456789\nzip: in 123456")
    assert 'class="code"' not in await reader.page("/")


async def test_an_empty_mailbox_says_what_will_appear(reader: Reader) -> None:
    assert "No mails yet" in await reader.page("/")


async def test_the_page_works_without_javascript(reader: Reader) -> None:
    for number in range(51):
        await reader.send(subject=f"mail {number}.")
    first, second = await reader.page("/"), await reader.page("/?start=50")
    assert '<noscript><meta http-equiv="refresh"' in first
    assert 'href="/mailbox?start=50"' in first
    assert "mail 0." in second
    assert "refresh" not in second


async def test_a_mails_html_runs_nothing_and_opens_links_outside(reader: Reader) -> None:
    await reader.send(html="<html><head></head><body><script>alert(1)</script><a href='https://x.example'>x</a>")
    mail_id = (await reader.get("/api/v1/message/latest"))["ID"]
    answer = await reader.client.get(f"/message/{mail_id}/html")
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src" not in policy
    assert "allow-scripts" not in policy
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert '<head><base target="_blank">' in await answer.text()
    assert 'sandbox="allow-popups' in await reader.page(f"/message/{mail_id}")


async def test_nothing_of_a_mail_becomes_markup_of_the_page(reader: Reader) -> None:
    await reader.send(subject="<script>1</script>", text="</pre><script>2</script>")
    mail_id = (await reader.get("/api/v1/message/latest"))["ID"]
    for path in ("/", f"/message/{mail_id}"):
        assert "<script>" not in await reader.page(path)


@pytest.mark.parametrize("raw", ODD)
async def test_an_odd_mail_is_shown_all_the_same(reader: Reader, raw: bytes) -> None:
    await reader.send(raw + b"\r\n")
    mail = await reader.get("/api/v1/message/latest")
    assert (await reader.get("/api/v1/messages"))["total"] == 1
    for path in ("/", f"/message/{mail['ID']}", f"/message/{mail['ID']}/html", f"/message/{mail['ID']}/source"):
        await reader.page(path)


async def test_a_client_that_stays_connected_does_not_hold_up_the_end(tmp_path: Path) -> None:
    smtp = aiosmtplib.SMTP(hostname="127.0.0.1", start_tls=False, local_hostname="test")
    async with open_mailbox(tmp_path) as mailbox:
        await smtp.connect(port=mailbox.smtp_port)
    await eventually(lambda: not smtp.is_connected)
