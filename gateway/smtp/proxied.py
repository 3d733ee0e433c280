"""The door of a listener behind proxies: whoever connects from a proxy's network must begin with a PROXY header.

It comes before our banner (HAProxy's proxy-protocol.txt §2). All others pass the door at once, and a PROXY line of
theirs is a command like any that does not exist.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import structlog

from gateway.counters import PROTOCOL_VIOLATIONS, count
from gateway.events import Event
from gateway.model.networks import is_within
from gateway.smtp.client_identity import Peer, peer_of
from gateway.smtp.proxy_protocol import ProxyHeaderError, read_proxy_header

if TYPE_CHECKING:
    from gateway.smtp.engine import Engine
    from gateway.smtp.server import SmtpServer

log = structlog.get_logger()


class ProxyDoor(asyncio.Protocol):
    """One connection until it is known whose it is; then the engine has it."""

    def __init__(self, server: SmtpServer, engine: Engine) -> None:
        self._server = server
        self._engine = engine
        self._peer = Peer()
        self._input = bytearray()
        self._wire: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._wire = cast("asyncio.Transport", transport)
        self._peer = peer_of(transport)
        if not is_within(self._peer.address, self._server.limits.proxy_protocol_from):
            self._open(self._peer)
        elif self._server.let_wait(self):
            within = self._server.limits.proxy_timeout  # for the whole header, however it trickles in
            self._timer = asyncio.get_running_loop().call_later(within, self._drop, "no PROXY header in time")
        else:
            self.close()

    def data_received(self, data: bytes) -> None:
        self._input += data
        try:
            header = read_proxy_header(bytes(self._input))
        except ProxyHeaderError as error:
            self._drop(str(error))
            return
        if header is None:
            return
        del self._input[: header.length]
        named = Peer(header.address, header.port)
        self._open(named if header.address else Peer(self._peer.address, self._peer.port, hidden=not header.local))

    def connection_lost(self, error: Exception | None) -> None:
        self._leave()

    def close(self) -> None:
        """Hang up without a word: before its header a proxy expects none."""
        self._leave()
        if self._wire is not None:
            self._wire.abort()

    def _drop(self, why: str) -> None:
        count(PROTOCOL_VIOLATIONS)
        log.warning(Event.PROTOCOL_VIOLATION, client=self._peer.address, what=why)
        self.close()

    def _leave(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._server.let_go(self)

    def _open(self, peer: Peer) -> None:
        """Hand the connection over to the engine, with what has come after the header."""
        self._leave()
        wire = self._wire
        if wire is None:
            return
        self._engine.presented = peer
        wire.set_protocol(self._engine)
        self._engine.connection_made(wire)
        if self._input:
            self._engine.data_received(bytes(self._input))
