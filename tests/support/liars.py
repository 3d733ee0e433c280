"""A name server that lies, in octets that no honest one sends: over UDP and TCP, each lie to every question."""

from __future__ import annotations

import asyncio
import struct
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

TRUTH = "192.0.2.1"
FALSE = "198.51.100.66"


def _reply(query: dns.message.Message, *sets: tuple[str, str, list[str]]) -> dns.message.Message:
    response = dns.message.make_response(query)
    response.answer = [dns.rrset.from_text(name, 60, "IN", kind, *values) for name, kind, values in sets]
    return response


def _name(query: dns.message.Message) -> str:
    return query.question[0].name.to_text()


def _false(query: dns.message.Message) -> dns.message.Message:
    """An answer of the kind that was asked for, which nobody must believe."""
    values = {"A": [FALSE], "TXT": ['"v=spf1 +all"'], "MX": ["10 evil.example."]}
    kind = dns.rdatatype.to_text(query.question[0].rdtype)
    return _reply(query, (_name(query), kind, values[kind])) if kind in values else _reply(query)


def _wrong_id(query: dns.message.Message) -> bytes:
    response = _false(query)
    response.id = (response.id + 1) % 0x10000
    return response.to_wire()


def _wrong_question(query: dns.message.Message) -> bytes:
    other = dns.message.make_query("evil.example.", query.question[0].rdtype, id=query.id)
    return _false(other).to_wire()


def _wrong_owner(query: dns.message.Message) -> bytes:
    response = _false(query)
    for records in response.answer:
        records.name = dns.name.from_text("evil.example.")
    return response.to_wire()


def _question_echoed(query: dns.message.Message) -> bytes:
    return query.to_wire()


def _rcode(code: dns.rcode.Rcode) -> Callable[[dns.message.Message], bytes]:
    def refuse(query: dns.message.Message) -> bytes:
        response = _false(query)  # whatever it says beside the code
        response.set_rcode(code)
        return response.to_wire()

    return refuse


def _truncated(query: dns.message.Message) -> bytes:
    response = _reply(query)
    response.flags |= dns.flags.TC
    return response.to_wire()


def _loop(query: dns.message.Message) -> bytes:
    name = _name(query)
    return _reply(query, (name, "CNAME", ["b.example."]), ("b.example.", "CNAME", [name])).to_wire()


def _chain(query: dns.message.Message) -> bytes:
    links = [(f"n{at}.example." if at else _name(query), "CNAME", [f"n{at + 1}.example."]) for at in range(60)]
    return _reply(query, *links, ("n60.example.", "A", [FALSE])).to_wire()


def _pointer_loop(query: dns.message.Message) -> bytes:
    return struct.pack("!6H", query.id, 0x8180, 1, 1, 0, 0) + b"\xc0\x0c\0\x01\0\x01" * 2


LIES: dict[str, Callable[[dns.message.Message], bytes]] = {
    "wrong id": _wrong_id,
    "wrong question": _wrong_question,
    "wrong owner": _wrong_owner,
    "question echoed": _question_echoed,
    "SERVFAIL": _rcode(dns.rcode.SERVFAIL),
    "REFUSED": _rcode(dns.rcode.REFUSED),
    "NOTIMP": _rcode(dns.rcode.NOTIMP),
    "FORMERR": _rcode(dns.rcode.FORMERR),
    "truncated for ever": _truncated,
    "CNAME loop": _loop,
    "CNAME chain": _chain,
    "compression loop": _pointer_loop,
    "garbage": lambda _query: b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "nothing in it": lambda _query: b"",
    "header alone": lambda query: query.to_wire()[:12],
    "silence": lambda _query: b"\0",
}
"""What a question is answered with, to its octets."""


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, lie: Callable[[dns.message.Message], bytes], *, then_the_truth: bool) -> None:
        self._lie, self._then_the_truth = lie, then_the_truth
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        assert self._transport is not None
        query = dns.message.from_wire(data)
        self._transport.sendto(self._lie(query), source)
        if self._then_the_truth:
            self._transport.sendto(_reply(query, (_name(query), "A", [TRUTH])).to_wire(), source)


@asynccontextmanager
async def liar(lie: str, *, then_the_truth: bool = False) -> AsyncIterator[int]:
    """The port of one that tells this lie; `then_the_truth`: over UDP the true address comes just behind it."""

    async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            size = int.from_bytes(await reader.readexactly(2))
            wire = LIES[lie](dns.message.from_wire(await reader.readexactly(size)))
            writer.write(len(wire).to_bytes(2) + wire)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        writer.close()

    loop = asyncio.get_running_loop()
    server = await asyncio.start_server(stream, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Datagrams(LIES[lie], then_the_truth=then_the_truth), local_addr=("127.0.0.1", port)
    )
    try:
        yield port
    finally:
        transport.close()
        server.close()
        await asyncio.sleep(0)
