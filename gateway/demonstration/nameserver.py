"""A name server on loopback that knows a handful of names: what it doesn't know does not exist.

Speaks DNS over UDP and TCP (RFC 1035 §4.2). It is no resolver: nothing is asked of the outside world.
"""

from __future__ import annotations

import asyncio
import struct
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

_TRIES = 20
_LONGEST_CHAIN = 8


def asked(query: dns.message.Message) -> tuple[str, str]:
    """The name and the type in question, as keys of `NameServer.records`."""
    question = query.question[0]
    return _words(question.name), dns.rdatatype.to_text(question.rdtype)


def _words(name: dns.name.Name) -> str:
    return b".".join(name.labels[:-1]).decode("latin-1").lower()


class NameServer:
    """`records` maps (name, type) to records in presentation format: ("a.example", "MX") to ["10 mx.a.example."].

    Each holds for `ttl` seconds; for none, whoever changes them is heard at once.
    """

    def __init__(self, records: Mapping[tuple[str, str], Sequence[str]], *, ttl: int = 0) -> None:
        self.records = {(name.lower().rstrip("."), kind): tuple(values) for (name, kind), values in records.items()}
        self.ttl = ttl
        self.port = 0
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen at `port`, the same for UDP and TCP; 0: at any that is free."""
        loop = asyncio.get_running_loop()
        wanted = self.port
        for _ in range(_TRIES):
            self._tcp = await asyncio.start_server(self._serve_tcp, "127.0.0.1", wanted)
            self.port = self._tcp.sockets[0].getsockname()[1]
            try:
                self._udp, _ = await loop.create_datagram_endpoint(
                    lambda: _Datagrams(self), local_addr=("127.0.0.1", self.port)
                )
            except OSError:  # somebody else's UDP port
                self._tcp.close()
            else:
                return
        raise OSError("no port is free for a name server")

    async def stop(self) -> None:
        """Listen no more."""
        if self._udp is not None:
            self._udp.close()
        if self._tcp is not None:
            self._tcp.close()

    def answer(self, query: dns.message.Message) -> dns.message.Message | None:
        """The response; None says nothing at all."""
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA | dns.flags.RA
        name, kind = asked(query)
        owner = query.question[0].name
        values: tuple[str, ...] = ()
        for _ in range(_LONGEST_CHAIN):
            alias = self.records.get((name, "CNAME"), ())
            values = self.records.get((name, kind), ())
            if not alias or values:
                break
            response.answer.append(dns.rrset.from_text_list(owner, self.ttl, dns.rdataclass.IN, "CNAME", alias))
            owner = dns.name.from_text(alias[0])
            name = _words(owner)
        if values:
            response.answer.append(dns.rrset.from_text_list(owner, self.ttl, dns.rdataclass.IN, kind, values))
            return response
        if not self._exists(name):
            response.set_rcode(dns.rcode.NXDOMAIN)
        response.authority.append(self._start_of_authority())
        return response

    def _start_of_authority(self) -> dns.rrset.RRset:
        """For how long it holds that there is no such thing (RFC 2308 §2)."""
        numbers = f"1 3600 600 86400 {self.ttl}"
        return dns.rrset.from_text(dns.name.root, self.ttl, dns.rdataclass.IN, "SOA", f"ns.example. . {numbers}")

    def _exists(self, name: str) -> bool:
        """Also when only a name below it has records (RFC 8020)."""
        return any(f".{known}".endswith(f".{name}") for known, _ in self.records)

    def respond(self, octets: bytes, *, limit: int | None) -> bytes | None:
        """The packet to send back; an answer over `limit` octets comes truncated (RFC 2181 §9)."""
        try:
            query = dns.message.from_wire(octets)
        except dns.exception.DNSException:
            return None
        response = self.answer(query)
        if response is None:
            return None
        size = 65_535 if limit is None else max(512, min(query.payload or 512, limit))
        try:
            return response.to_wire(max_size=size)
        except dns.exception.TooBig:
            response.answer.clear()
            response.flags |= dns.flags.TC
            return response.to_wire()

    async def _serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            packet = self.respond(await reader.readexactly(length), limit=None)
            if packet is not None:
                writer.write(struct.pack("!H", len(packet)) + packet)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


Server = TypeVar("Server", bound=NameServer)


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[Server]:
    """The name server answers until the block ends."""
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        packet = self._server.respond(data, limit=1232)
        if packet is not None and self._transport is not None:
            self._transport.sendto(packet, addr)
