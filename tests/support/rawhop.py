"""A next hop that misbehaves below the level of commands and replies."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_REPLIES = {
    "EHLO": "250-raw.example\r\n250-PIPELINING\r\n250-SMTPUTF8\r\n250 8BITMIME",
    "MAIL": "250 2.1.0 ok",
    "RCPT": "250 2.1.5 ok",
    "DATA": "354 go on",
    "RSET": "250 2.0.0 ok",
}


class RawHop:
    """`heard` are the octets behind the 354s of all connections, `ahead` what came before an answer was given."""

    def __init__(self, *, early: str, slow: str, stop_reading: bool, pipelining: bool) -> None:
        self.port = 0
        self.connections = 0
        self.heard = b""
        self.ahead: list[bytes] = []
        self._early, self._slow, self._stop_reading = early, slow, stop_reading
        self._replies = _REPLIES if pipelining else _REPLIES | {"EHLO": "250 raw.example"}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._talk(reader, writer)
        writer.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._say(writer, "220 raw.example ESMTP", slowly=self._slow == "banner")
        while True:
            verb = (await reader.readuntil(b"\r\n"))[:4].decode("latin-1").upper()
            await asyncio.sleep(0.01)
            self.ahead.append(bytes(reader._buffer))  # type: ignore[attr-defined]
            answer = self._replies.get(verb, "221 2.0.0 bye")
            await self._say(writer, answer, slowly=self._slow == "replies" and verb == "RCPT")
            if verb == "DATA":
                await self._content(reader, writer)

    async def _say(self, writer: asyncio.StreamWriter, line: str, *, slowly: bool = False) -> None:
        octets = line.encode() + b"\r\n"
        for octet in octets if slowly else ():
            writer.write(bytes([octet]))
            await asyncio.sleep(0.2)
        writer.write(b"" if slowly else octets)
        await writer.drain()

    async def _content(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not (self._early or self._stop_reading):
            self.heard += await reader.readuntil(b"\r\n.\r\n")
            await self._say(writer, "250 2.0.0 taken")
            return
        self.heard += await reader.read(1000)
        if self._stop_reading:
            await asyncio.sleep(3600)
        await self._say(writer, self._early)
        while octets := await reader.read(2**20):
            self.heard += octets


@asynccontextmanager
async def raw_hop(
    *, early: str = "", slow: str = "", stop_reading: bool = False, pipelining: bool = True
) -> AsyncIterator[RawHop]:
    """`early`: a reply in mid-content; `slow`: "banner" or "replies", an octet at a time."""
    hop = RawHop(early=early, slow=slow, stop_reading=stop_reading, pipelining=pipelining)
    tasks: set[asyncio.Task[None]] = set()

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        await hop.serve(reader, writer)

    server = await asyncio.start_server(served, "127.0.0.1", 0)
    hop.port = server.sockets[0].getsockname()[1]
    try:
        yield hop
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
