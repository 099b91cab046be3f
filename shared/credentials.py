"""What a key looks like, and what is kept of it: checksum, digest, hint. Pure functions.

`inv_`, 30 characters from a CSPRNG (178 bits), and 6 that are the CRC32 of the 34 before them in base62: a typo or an
invention is refused without asking anybody, and a scanner can tell a real key offline (R42).
"""

import hashlib
import re
import zlib
from typing import Final

from shared.ids import BASE62, random_base62

PREFIX: Final = "inv_"
_FORM: Final = re.compile(r"inv_[0-9A-Za-z]{36}")
_SECRET_LENGTH: Final = 30
_CHECKSUM_LENGTH: Final = 6
_LENGTH: Final = len(PREFIX) + _SECRET_LENGTH + _CHECKSUM_LENGTH


def mint() -> str:
    """Return a new key. The plaintext must leave the process in exactly one answer."""
    head = PREFIX + random_base62(_SECRET_LENGTH)
    return head + _checksum(head)


def plausible(key: str) -> bool:
    """Tell cheaply whether `key` could be one; `well_formed` decides."""
    return len(key) == _LENGTH and key.isascii() and key.startswith(PREFIX)


def well_formed(key: str) -> bool:
    """Tell whether `key` has the form of a key and a right checksum."""
    return _FORM.fullmatch(key) is not None and key[-_CHECKSUM_LENGTH:] == _checksum(key[:-_CHECKSUM_LENGTH])


def digest(secret: str) -> str:
    """Return the lowercase hex SHA-256 under which a secret is known.

    One round is right for at least 128 random bits (ASVS 5.0, 11.5.1).
    """
    # a cookie may hold any bytes; those that are no UTF-8 are nobody's secret, and no failure of ours
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def hint(key: str) -> str:
    """Return what lists show of a key, `inv_a1b2…wxyz`: enough to recognise it, too little to guess the rest."""
    return f"{key[:8]}…{key[-4:]}"


def _checksum(head: str) -> str:
    number = zlib.crc32(head.encode())
    digits = ""
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    return digits
