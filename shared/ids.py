"""Random identifiers: a prefix that names the kind, then base62 from a CSPRNG."""

import itertools
import secrets
import string
from typing import Final

#: `0-9A-Za-z`, in the order of the checksum's digits (contract: keys).
BASE62: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase

#: 16 base62 characters carry 95 bits: unguessable, and no collision in practice.
ID_LENGTH: Final = 16


#: The digit of each byte below 248, four bytes to a digit; the eight bytes above would favour some digits.
_DIGITS: Final = bytes(ord(BASE62[byte % 62]) for byte in range(248)) + bytes(8)
_REJECTED: Final = bytes(range(248, 256))


def random_base62(length: int) -> str:
    """Return `length` characters, each drawn independently and evenly from a CSPRNG."""
    text = ""
    while len(text) < length:
        # a third more than needed: one call is enough in nearly every case
        text += secrets.token_bytes(length + length // 3).translate(_DIGITS, _REJECTED).decode()
    return text[:length]


def new_id(prefix: str) -> str:
    """Return an id such as `dep_4fZ…`; `prefix` comes without the underscore."""
    return f"{prefix}_{random_base62(ID_LENGTH)}"


def is_id(text: str, prefix: str) -> bool:
    """Tell whether `text` has the form of an id of this kind, so that a look-up is worth making."""
    head, _, tail = text.partition("_")
    return head == prefix and ID_LENGTH <= len(tail) <= 2 * ID_LENGTH and tail.isascii() and tail.isalnum()


_requests: Final = itertools.count()
_process: Final = random_base62(10)


def new_request_id() -> str:
    """Return a request id: unique, short-lived and no secret, so a counter behind this process's random name will do.

    A service makes one for nearly every request; drawing each from a CSPRNG costs as much as parsing the request.
    """
    return f"req_{_process}{next(_requests):08x}"
