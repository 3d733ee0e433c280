"""A raw SMTP client: says octets, hears replies. No library stands between the test and the wire."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import Self


class Dialogue:
    """One connection to the gateway."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port: int, *, hello: str | None = "client.example") -> Self:
        """Connected and, unless `hello` is None, past the banner and EHLO."""
        dialogue = cls(*await asyncio.open_connection("127.0.0.1", port, limit=2**22))
        if hello is not None:
            try:
                await dialogue.hear("220")
                await dialogue.say(f"EHLO {hello}", "250")
            except BaseException:
                await dialogue.close()
                raise
        return dialogue

    async def say(self, line: str | bytes, expect: str = "") -> str:
        """Send one line and return the whole reply; it must begin with `expect`."""
        self.send((line if isinstance(line, bytes) else line.encode()) + b"\r\n")
        return await self.hear(expect)

    def send(self, octets: bytes) -> None:
        """Send octets and wait for nothing."""
        self._writer.write(octets)

    def end(self) -> None:
        """Say no more, and listen on."""
        self._writer.write_eof()

    async def push(self, octets: bytes) -> None:
        """Send octets, as fast as they are taken."""
        self._writer.write(octets)
        await self._writer.drain()

    async def hear(self, expect: str = "", within: float = 20.0) -> str:
        """The next reply, all its lines."""
        lines = []
        async with asyncio.timeout(within):
            while True:
                line = (await self._reader.readuntil(b"\r\n")).decode()
                lines.append(line.rstrip("\r\n"))
                if line[3:4] != "-":
                    break
        reply = "\n".join(lines)
        assert reply.startswith(expect), f"expected {expect!r}, heard {reply!r}"
        return reply

    async def mail(
        self,
        reverse_path: str,
        recipients: list[str],
        content: bytes,
        *,
        parameters: str = "",
        expect: str = "",
        within: float = 20.0,
    ) -> str:
        """A whole mail transaction; the answer to its final dot. The content is dot-stuffed here."""
        await self.say(f"MAIL FROM:<{reverse_path}>{parameters}", "250")
        for recipient in recipients:
            await self.say(f"RCPT TO:<{recipient}>", "250")
        return await self.content(content, expect, within)

    async def content(self, content: bytes, expect: str = "", within: float = 20.0) -> str:
        """DATA and the content."""
        await self.say("DATA", "354")
        stuffed = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]
        self.send(stuffed + b".\r\n")
        return await self.hear(expect, within)

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """STARTTLS and the handshake."""
        await self.say("STARTTLS", "220")
        await self._writer.start_tls(context, server_hostname="localhost")

    async def closed(self, within: float = 10.0) -> bytes:
        """What else comes until the peer closes, also when it then resets the connection."""
        heard = b""
        async with asyncio.timeout(within):
            with suppress(ConnectionError):
                while octets := await self._reader.read(2**16):
                    heard += octets
        return heard

    async def close(self) -> None:
        self._writer.transport.abort()
        try:
            await self._writer.wait_closed()
        except (ConnectionError, ssl.SSLError):
            return
