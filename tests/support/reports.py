"""Reports of bounces and complaints as mail systems send them."""


def bounce(
    message_id: str,
    *,
    status: str = "5.1.1",
    action: str = "failed",
    said: str = "smtp; 550 5.1.1 <ada@example.com>: no such user",
    address: str = "ada@example.com",
    headers_only: bool = True,
) -> bytes:
    """Return a delivery status notification (RFC 3464)."""
    kind = "text/rfc822-headers" if headers_only else "message/rfc822"
    body = "" if headers_only else "\r\nhello\r\n"
    return f"""\
From: MAILER-DAEMON@mx.example.com\r
To: login@invoker.example\r
Subject: Undelivered Mail Returned to Sender\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r
\r
--b\r
Content-Type: text/plain\r
\r
I'm sorry to have to inform you.\r
\r
--b\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mx.example.com\r
Arrival-Date: Mon, 23 Nov 2026 12:00:00 +0000\r
\r
Final-Recipient: rfc822; {address}\r
Action: {action}\r
Status: {status}\r
Diagnostic-Code: {said}\r
\r
--b\r
Content-Type: {kind}\r
\r
From: Invoker <login@invoker.example>\r
To: {address}\r
Message-ID: <{message_id}@invoker.example>\r
{body}\r
--b--\r
""".encode()


def complaint(message_id: str, *, kind: str = "abuse") -> bytes:
    """Return a feedback report (RFC 5965); who complained is left out, as most providers do."""
    return f"""\
From: <abusedesk@example.com>\r
To: <login@invoker.example>\r
Subject: FW: Your login code\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r
\r
--b\r
Content-Type: text/plain\r
\r
This is an email abuse report.\r
\r
--b\r
Content-Type: message/feedback-report\r
\r
Feedback-Type: {kind}\r
User-Agent: SomeGenerator/1.0\r
Version: 1\r
\r
--b\r
Content-Type: message/rfc822\r
Content-Disposition: inline\r
\r
From: Invoker <login@invoker.example>\r
To: redacted@example.com\r
Subject: Your login code\r
Message-ID: <{message_id}@invoker.example>\r
\r
hello\r
--b--\r
""".encode()
