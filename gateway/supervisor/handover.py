"""What a parent tells its SMTP workers, over their standard input: which database is ours, and the configuration.

A worker never reads the file by itself: it may have been changed, or be wrong, when one that died is started again.
The end of the input means that the parent is gone.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.settings import Settings

_LENGTH = 4
"""Octets of the number that stands before whatever is told."""


def opening(secret: bytes) -> bytes:
    """What is told once, before any configuration: the secret that the database is known by."""
    return len(secret).to_bytes(_LENGTH, "big") + secret


def written(settings: Settings) -> bytes:
    """One configuration, as it is told."""
    plain = pickle.dumps(replace(settings, policy=dict(settings.policy)))
    return len(plain).to_bytes(_LENGTH, "big") + plain


def _read(plain: bytes) -> Settings:
    settings: Settings = pickle.loads(plain)  # noqa: S301 -- the pipe has one writer, and that is our parent
    return replace(settings, policy=MappingProxyType(settings.policy))


def first_told() -> tuple[bytes, Settings]:
    """The secret of the database and the configuration that a worker starts with. Waits for them.

    EOFError if its parent is gone already.
    """
    secret = _next()
    return secret, _read(_next())


def _next() -> bytes:
    return _exactly(int.from_bytes(_exactly(_LENGTH), "big"))


def _exactly(octets: int) -> bytes:
    """From the pipe itself: what Python would read ahead, the event loop would miss."""
    got = b""
    while len(got) < octets:
        more = os.read(sys.stdin.fileno(), octets - len(got))
        if not more:
            raise EOFError("the parent of this worker is gone")
        got += more
    return got


class Parent:
    """What comes later, in the event loop."""

    def __init__(self) -> None:
        self._reader = asyncio.StreamReader()

    async def listen(self) -> None:
        """Begin; before `told()`."""
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(self._reader), sys.stdin
        )

    async def told(self) -> Settings | None:
        """The next configuration; None when the parent is gone."""
        try:
            length = int.from_bytes(await self._reader.readexactly(_LENGTH), "big")
            return _read(await self._reader.readexactly(length))
        except asyncio.IncompleteReadError:
            return None
