"""Random identifiers: a prefix that names the kind, then base62 from a CSPRNG."""

import secrets
import string
from typing import Final

#: `0-9A-Za-z`, in the order of the checksum's digits (contract: keys).
BASE62: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase

#: 16 base62 characters carry 95 bits: unguessable, and no collision in practice.
ID_LENGTH: Final = 16


def random_base62(length: int) -> str:
    """Return `length` characters, each drawn independently from a CSPRNG."""
    return "".join(secrets.choice(BASE62) for _ in range(length))


def new_id(prefix: str) -> str:
    """Return an id such as `dep_4fZ…`; `prefix` comes without the underscore."""
    return f"{prefix}_{random_base62(ID_LENGTH)}"


def is_id(text: str, prefix: str) -> bool:
    """Tell whether `text` has the form of an id of this kind, so that a look-up is worth making."""
    head, _, tail = text.partition("_")
    return head == prefix and ID_LENGTH <= len(tail) <= 2 * ID_LENGTH and tail.isascii() and tail.isalnum()
