"""The load: SMTP clients on loopback, as many as asked, each sending one message after the other.

    python -m bench.client '{"port": 2525, "messages": 1000, "connections": 20, ...}'

Prints one JSON object: seconds for all, and the seconds of each message, from its connection (or, when sessions are
reused, from its MAIL) to the answer to its final dot.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from dataclasses import dataclass
from typing import cast

import uvloop

ALL_WITHIN = 300.0
"""Seconds for the whole load: a relay that hangs fails its run."""
TOWNS = 997
"""Domains of clean mail; every message has a sender of its own at one of them."""
_LINE = b"The quick brown fox jumps over the lazy dog, and nobody knows what for now.\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """`per_session` messages go through one connection; every `flagged_every`th is from a listed sender (0: none).

    Messages are numbered from `first` on; no two numbers have the same sender. Listed ones are at `missions` domains.
    """

    port: int
    messages: int
    connections: int
    size: int
    first: int = 0
    per_session: int = 1
    flagged_every: int = 0
    missions: int = 20
    tls: bool = False


def sender_of(load: Load, number: int) -> bytes:
    """Flagged mail comes from another person each time: who was declined once is not declined again so soon."""
    if load.flagged_every and number % load.flagged_every == 0:
        turn = number // load.flagged_every
        return b"officer.%d@mission%05d.example" % (turn, turn % load.missions)
    return b"resident.%d@town%d.example" % (number, number % TOWNS)


def message(size: int, sender: bytes, number: int) -> bytes:
    """A message of about that many octets, with the header of ordinary mail, ready for DATA."""
    header = (
        b"".join(
            b"Received: from mx%d.town.example (mx%d.town.example [192.0.2.%d])\r\n"
            b"\tby relay.town.example with ESMTPS id 4Xy%d; Tue, 24 Nov 2026 10:00:00 +0000\r\n" % (hop, hop, hop, hop)
            for hop in range(3)
        )
        + b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d="
        + sender.partition(b"@")[2]
        + b"; s=k1;\r\n"
        b"\th=from:to:subject:date; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\r\n\tb=" + b"A" * 340 + b"\r\n"
        b"From: Resident No. %d <" % number + sender + b">\r\nTo: Desk <desk@police.example>\r\n"
        b"Subject: Parking on Main Street\r\nDate: Tue, 24 Nov 2026 10:00:00 +0000\r\n"
        b"Message-ID: <%d.%d@town.example>\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n\r\n" % (number, time.monotonic_ns())
    )
    return header + _LINE * max(1, (size - len(header)) // len(_LINE)) + b".\r\n"


class Client(asyncio.Protocol):
    """One connection: `say()` sends, and returns when the last line of the answer is there."""

    def __init__(self) -> None:
        self._input = b""
        self._answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._input += data
        if self._input.endswith(b"\r\n"):
            last = self._input[:-2].rpartition(b"\r\n")[2]
            if last[3:4] != b"-" and not self._answer.done():
                self._input = b""
                self._answer.set_result(last)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._answer.done():
            self._answer.set_exception(ConnectionError(f"the relay hung up ({exc})"))
            self._answer.exception()

    async def expect(self, code: bytes) -> None:
        """The answer to what was said; RuntimeError if it is another one."""
        answer = await self._answer
        if not answer.startswith(code):
            raise RuntimeError(f"expected {code.decode()}, heard {answer.decode('utf-8', 'replace')}")

    async def say(self, octets: bytes, code: bytes) -> None:
        """Send, and wait for the answer."""
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(octets)
        await self.expect(code)


async def _connect(load: Load, context: ssl.SSLContext | None) -> Client:
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(Client, "127.0.0.1", load.port)
    await client.expect(b"220")
    await client.say(b"EHLO client.town.example\r\n", b"250")
    if context is not None:
        await client.say(b"STARTTLS\r\n", b"220")
        secured = await loop.start_tls(client.transport, client, context, server_hostname="mx.police.example")
        client.transport = cast("asyncio.Transport", secured)
        await client.say(b"EHLO client.town.example\r\n", b"250")
    return client


async def _send(load: Load, numbers: list[int], context: ssl.SSLContext | None, seconds: list[float]) -> None:
    client: Client | None = None
    for sent, number in enumerate(numbers, start=1):
        sender = sender_of(load, number)
        octets = message(load.size, sender, number)
        began = time.perf_counter()
        if client is None:
            client = await _connect(load, context)
        await client.say(b"MAIL FROM:<%b> SIZE=%d\r\n" % (sender, len(octets)), b"250")
        await client.say(b"RCPT TO:<desk@police.example>\r\n", b"250")
        await client.say(b"DATA\r\n", b"354")
        await client.say(octets, b"250")
        seconds.append(time.perf_counter() - began)
        if sent % load.per_session == 0:
            await client.say(b"QUIT\r\n", b"221")
            client.transport.close()
            client = None
    if client is not None:
        await client.say(b"QUIT\r\n", b"221")
        client.transport.close()


async def _run(load: Load) -> dict[str, object]:
    context = None
    if load.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    seconds: list[float] = []
    numbers = range(load.first, load.first + load.messages)
    shares = [list(numbers[place :: load.connections]) for place in range(load.connections)]
    began = time.perf_counter()
    async with asyncio.timeout(ALL_WITHIN):
        await asyncio.gather(*(_send(load, share, context, seconds) for share in shares))
    return {"seconds": time.perf_counter() - began, "each": seconds}


def main() -> None:
    """Send the load that the argument describes."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(_run(Load(**json.loads(sys.argv[1]))))))


if __name__ == "__main__":
    main()
