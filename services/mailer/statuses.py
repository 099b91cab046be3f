"""What a mail server's answer says of an address: that it has no mailbox, or anything else. Pure functions."""

import re
from typing import Final

#: Of RFC 3463 and 5248: no such mailbox or system, an address that cannot be one, a mailbox that has moved, a domain
#: that takes no mail.
NO_MAILBOX: Final = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"})
#: Of RFC 5321, where nothing more exact is said: no such mailbox, not one of ours, a name that is not allowed.
_BASIC: Final = frozenset({550, 551, 553})

_ENHANCED: Final = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_CODE: Final = re.compile(r"(?<!\d)([245]\d\d)(?!\d)")
#: Refusals of the sender, the mail or the moment, by servers that say 550 to all of them.
_OTHERWISE: Final = re.compile(
    r"spam|block|black ?list|listed|policy|prohibit|relay|denied|reject|reputation|spf|dkim|dmarc|content|virus|malware"
    r"|size|large|quota|full|over limit|temporar|later|rate|too many|authenticat|log ?in|sender|helo|ehlo|ptr|reverse"
    r"|tls|dns",
    re.IGNORECASE,
)


def enhanced(text: str) -> str | None:
    """Return the enhanced status in a text: `5.1.1`."""
    found = _ENHANCED.search(text)
    return found[0] if found else None


def basic(text: str) -> int | None:
    """Return the reply code in a text: 550."""
    found = _CODE.search(text)
    return int(found[1]) if found else None


def no_mailbox(code: int, text: str) -> bool:
    """Tell whether an answer to RCPT means that no mail will ever reach this address.

    When in doubt it does not: an address that is wrongly given up gets no login codes.
    """
    if code < 500:
        return False
    if (status := enhanced(text)) is not None:
        return status in NO_MAILBOX
    return code in _BASIC and _OTHERWISE.search(text) is None
