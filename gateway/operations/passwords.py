"""Passwords: argon2id (RFC 9106), in a thread because it is slow on purpose, and what may be one (NIST SP 800-63B)."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

from gateway.errors import RefusedError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST = 12
"""Characters. There are no rules of composition: length is what counts (NIST SP 800-63B §5.1.1.2)."""
LONGEST = 1024

_ONE_AT_A_TIME = ThreadPoolExecutor(1, "password")
"""Each takes 64 MiB and a tenth of a second: a flood of sign-ins must have neither the memory nor the processors."""


def check_new(password: str, name: str) -> None:
    """RefusedError if it can't be a password."""
    if len(password) < SHORTEST:
        raise RefusedError("A password has at least {least} characters; four words make a good one", least=SHORTEST)
    if len(password) > LONGEST:
        raise RefusedError("A password has at most {most} characters", most=LONGEST)
    if name and name in password.casefold():
        raise RefusedError("A password must not contain the account's name")
    if len(set(password)) < 4:
        raise RefusedError("A password of so few different characters is guessed at once")


async def hash_of(password: str) -> str:
    """What is stored of a password."""
    return await asyncio.get_running_loop().run_in_executor(_ONE_AT_A_TIME, _hash, password)


async def is_password(password: str, stored: str | None) -> bool:
    """Whether it is the one; it takes as long where there is no such account."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_ONE_AT_A_TIME, _verify, password[:LONGEST], stored) and stored is not None


def _hash(password: str) -> str:
    return _hasher().hash(password)


def _verify(password: str, stored: str | None) -> bool:
    from argon2.exceptions import Argon2Error, InvalidHashError  # noqa: PLC0415 -- only where people sign in

    try:
        return _hasher().verify(stored or _nobodys(), password)
    except (Argon2Error, InvalidHashError):
        return False


@cache
def _hasher() -> PasswordHasher:
    """The second recommended choice of RFC 9106 §4: 64 MiB, three passes."""
    from argon2 import PasswordHasher  # noqa: PLC0415 -- only where people sign in

    return PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)


@cache
def _nobodys() -> str:
    return _hasher().hash("a password that nobody has")
