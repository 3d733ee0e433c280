"""A gateway as a process of its own under hostile load: its memory is read, and ordinary mail goes on meanwhile."""

from __future__ import annotations

import asyncio
import itertools
import re
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.dialogue import Dialogue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from tests.support.mta import ScriptedMTA
    from tests.support.served import Served

MIB = 2**20
MOST_MEMORY = 300 * MIB
"""Of one process, at its peak (issue: RSS under attack)."""
PAUSE = 0.1
"""Seconds between two ordinary mails."""


@dataclass
class Siege:
    """One gateway under attack."""

    served: Served
    next_hop: ScriptedMTA
    seconds: list[float] = field(default_factory=list)
    """What each ordinary mail took."""
    over: bool = False

    async def client(self, hello: str | None = "client.example") -> Dialogue:
        return await Dialogue.open(self.served.port, hello=hello)

    async def data(self, reverse_path: str) -> Dialogue:
        """A client that may send content."""
        client = await self.client()
        await client.say(f"MAIL FROM:<{reverse_path}>", "250")
        await client.say("RCPT TO:<desk@police.example>", "250")
        await client.say("DATA", "354")
        return client

    async def message(self, reverse_path: str, pieces: Iterable[bytes], within: float = 60.0) -> str:
        """Send the content, which needs no dots stuffed, in pieces; the answer to its final dot."""
        client = await self.data(reverse_path)
        for piece in pieces:
            await client.push(piece)
        await client.push(b"\r\n.\r\n")
        reply = await client.hear(within=within)
        await client.close()
        return reply

    async def ordinary_mail(self) -> None:
        """One after the other, for as long as the siege lasts."""
        while not self.over:
            began = time.monotonic()
            await self.served.send()
            self.seconds.append(time.monotonic() - began)
            await asyncio.sleep(PAUSE)

    def peak(self) -> int:
        """The most memory that the process ever had resident, in octets."""
        status = Path(f"/proc/{self.served.process.pid}/status").read_text(encoding="ascii")
        found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
        assert found is not None
        return int(found[1]) * 1024


@asynccontextmanager
async def besieged(served: Served, next_hop: ScriptedMTA) -> AsyncIterator[Siege]:
    """Ordinary mail passes before, meanwhile and afterwards, and memory stays within its bound."""
    siege = Siege(served, next_hop)
    await served.send()
    passing = asyncio.ensure_future(siege.ordinary_mail())
    try:
        yield siege
    finally:
        siege.over = True
        await passing
    await served.send()
    sys.stdout.write(
        f"peak {siege.peak() / MIB:.0f} MiB, {len(siege.seconds)} ordinary mails, slowest {max(siege.seconds):.2f} s\n"
    )
    assert siege.peak() < MOST_MEMORY


def header(author: str, *fields: bytes) -> bytes:
    """A header section and the empty line below it."""
    return b"\r\n".join([f"From: {author}".encode(), *fields, b"", b""])


def repeated(piece: bytes, octets: int) -> Iterable[bytes]:
    """The piece, over and over, until there are about so many octets; in pieces of some size."""
    large = piece * max(1, 65_536 // len(piece))
    return itertools.repeat(large, max(1, octets // len(large)))
