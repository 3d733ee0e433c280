"""A mail server that does what a test tells it to: the network's edge, with real sockets.

It records every message exactly as it came over the wire (dots unstuffed, nothing else), and can be told to answer
any stage differently, to hang, or to drop the connection there.
"""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

DROP = "drop"
HANG = "hang"
TAKE_AND_HANG = "take and hang"
"""After the final dot: the message is taken, and nobody is told so."""

Script = Callable[[str, "Link"], "str | None"]
"""(command line or stage, the connection) to a reply line, DROP, HANG, TAKE_AND_HANG, or None for the usual answer.

Stages that are no command: "connect", "content" (the final dot has come), "octets" (content has begun to come).
"""


_TRIES = 100


@dataclass
class Message:
    """One message that was taken."""

    reverse_path: str
    recipients: list[str]
    content: bytes
    mail_line: str

    @property
    def behind_received(self) -> bytes:
        """The content after its first header field, which must be Received."""
        assert self.content.startswith(b"Received: "), self.content[:80]
        lines = self.content.split(b"\r\n")
        end = next(index for index, line in enumerate(lines[1:], 1) if not line.startswith((b" ", b"\t")))
        return b"\r\n".join(lines[end:])


@dataclass
class Link:
    """One connection."""

    number: int
    commands: list[str] = field(default_factory=list)
    tls: bool = False


class ScriptedMTA:
    """Listens on loopback; `messages` are what it took, `links` its connections."""

    def __init__(
        self, script: Script | None = None, *, keywords: tuple[str, ...] = (), tls: ssl.SSLContext | None = None
    ) -> None:
        self.script: Script = script or (lambda _stage, _link: None)
        self.keywords = keywords or ("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 52428800", "ENHANCEDSTATUSCODES")
        self.tls = tls
        self.messages: list[Message] = []
        self.links: list[Link] = []
        self.port = 0
        self.delay = 0.0
        """Seconds before each answer to a command."""
        self._server: asyncio.Server | None = None
        self._stopped = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._arrived = asyncio.Event()

    async def start(self, port: int = 0) -> ScriptedMTA:
        """On a port of the system's choice; or again on this one, which a connection may use for a moment meanwhile."""
        self._stopped = False
        for patience in range(_TRIES, -1, -1):
            try:
                self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=2**27)
                break
            except OSError as error:
                if error.errno != errno.EADDRINUSE or not patience:
                    raise
                await asyncio.sleep(0.1)
        assert self._server is not None
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        self._stopped = True
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0)

    @property
    def open_links(self) -> int:
        """How many connections are open."""
        return len(self._writers)

    def drop_links(self) -> None:
        """Close every open connection, as a restarting server would."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def arrived(self, count: int = 1, within: float = 10.0) -> list[Message]:
        """Wait until so many messages are there."""
        async with asyncio.timeout(within):
            while len(self.messages) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return self.messages

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._stopped:  # it had been accepted, and is heard of only now
            writer.transport.abort()
            return
        link = Link(len(self.links))
        self.links.append(link)
        self._writers.add(writer)
        try:
            await _Dialogue(self, link, reader, writer).run()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def take(self, message: Message) -> None:
        self.messages.append(message)
        self._arrived.set()


class _Dialogue:
    def __init__(
        self, mta: ScriptedMTA, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.mta, self.link, self.reader, self.writer = mta, link, reader, writer
        self.mail_line = ""
        self.recipients: list[str] = []

    async def run(self) -> None:
        await self.say("connect", "220 sink.example ESMTP")
        while True:
            line = (await self.reader.readuntil(b"\r\n"))[:-2].decode("utf-8", "surrogateescape")
            self.link.commands.append(line)
            if not await self.command(line):
                return

    async def say(self, stage: str, usual: str) -> str:
        answer = self.mta.script(stage, self.link)
        await asyncio.sleep(self.mta.delay)
        await self.fail_if_told(answer)
        said = usual if answer is None else answer
        self.writer.write(said.encode() + b"\r\n")
        await self.writer.drain()
        return said

    async def fail_if_told(self, answer: str | None) -> None:
        if answer == DROP:
            self.writer.transport.abort()
            raise ConnectionResetError
        if answer in (HANG, TAKE_AND_HANG):
            await asyncio.sleep(3600)

    async def command(self, line: str) -> bool:
        verb = line.split(" ", 1)[0].split(":", 1)[0].upper()
        if verb == "EHLO":
            keywords = [*self.mta.keywords, *(["STARTTLS"] if self.mta.tls and not self.link.tls else [])]
            lines = ["sink.example", *keywords]
            await self.say(line, "\r\n".join([*(f"250-{one}" for one in lines[:-1]), f"250 {lines[-1]}"]))
        elif verb == "MAIL":
            self.mail_line, self.recipients = line, []
            if not (await self.say(line, "250 2.1.0 ok")).startswith("2"):
                self.mail_line = ""
        elif verb == "RCPT":
            if (await self.say(line, "250 2.1.5 ok")).startswith("2"):
                self.recipients.append(line[line.index("<") + 1 : line.rindex(">")])
        elif verb == "DATA":
            await self.data(line)
        elif verb == "STARTTLS" and self.mta.tls:
            await self.say(line, "220 2.0.0 go")
            await self.secure(self.mta.tls)
        elif verb == "QUIT":
            await self.say(line, "221 2.0.0 bye")
            return False
        else:
            await self.say(line, "250 2.0.0 ok")
        return True

    async def secure(self, context: ssl.SSLContext) -> None:
        plain = self.writer.transport
        try:
            await self.writer.start_tls(context)
        except AttributeError:  # the client left in mid-handshake, and asyncio's streams are not made for that
            self.writer._transport = plain  # type: ignore[attr-defined]
            raise ConnectionResetError from None
        self.link.tls = True

    async def data(self, line: str) -> None:
        if not self.recipients:
            await self.say(line, "554 5.5.1 no recipients")
            return
        if not (await self.say(line, "354 go on")).startswith("354"):
            return
        wire = await self.reader.readexactly(1)
        await self.fail_if_told(self.mta.script("octets", self.link))
        if wire == b".":
            wire += await self.reader.readuntil(b"\r\n")
            if wire != b".\r\n":
                wire += await self.reader.readuntil(b"\r\n.\r\n")
        else:
            wire += await self.reader.readuntil(b"\r\n.\r\n")
        content = (b"\r\n" + wire[:-3]).replace(b"\r\n.", b"\r\n")[2:]
        message = Message(
            reverse_path=self.mail_line[self.mail_line.index("<") + 1 : self.mail_line.rindex(">")],
            recipients=list(self.recipients),
            content=content,
            mail_line=self.mail_line,
        )
        answer = self.mta.script("content", self.link)
        if answer is None or answer == TAKE_AND_HANG or answer.startswith("2"):
            self.mta.take(message)
        await self.fail_if_told(answer)
        self.writer.write((answer or "250 2.0.0 taken").encode() + b"\r\n")
        await self.writer.drain()
