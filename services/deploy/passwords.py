"""Passwords of sites, as argon2id digests; each takes a thread some 50 ms, a few at a time."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

#: OWASP's second choice: a third of the library's memory, of which visitors make us use much.
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
#: Passwords looked at together.
_THREADS: Final = ThreadPoolExecutor(max_workers=2, thread_name_prefix="passwords")


async def hash(password: str) -> str:  # noqa: A001 - the field's word for it
    """Return what is kept of a password."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _HASHER.hash, password)


async def verify(kept: str, password: str) -> bool:
    """Tell whether this is the password."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _verify, kept, password)


def _verify(kept: str, password: str) -> bool:
    try:
        return _HASHER.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False
