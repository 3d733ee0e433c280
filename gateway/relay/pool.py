"""Persistent connections to the next hops of one route, and what those last offered.

A connection is used by one mail transaction at a time. Retired after 421, 10 refusals without a delivery,
100 transactions or 60 s of idleness, so that a next hop's own limits are never what ends it in mid-transaction.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import structlog

from gateway.counters import NEXT_HOP_FAILED, NEXT_HOP_OPENED, count
from gateway.events import Event
from gateway.relay.connection import Capabilities, Connection, NextHopError, NobodyThereError
from gateway.relay.opening import open_connection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.model.reply import Reply
    from gateway.settings import Route

MAX_TRANSACTIONS = 100
MAX_REFUSALS = 10
MAX_IDLE = 60.0
"""Seconds."""

log = structlog.get_logger()


class Pool:
    """The connections of one route. Opens as many as there are transactions at once; keeps those that come back."""

    def __init__(self, route: Route, hostname: str) -> None:
        self.route = route
        self.capabilities: Capabilities | None = None
        """What the next hop offered last; None until one answered."""
        self.hostname = hostname
        self._idle: list[Connection] = []
        self._closed = False

    def idle(self) -> Connection | None:
        """A pooled connection that looks alive, the most recently used first, or None."""
        while self._idle:
            connection = self._idle.pop()
            if connection.usable and connection.rested <= MAX_IDLE:
                return connection
            connection.close()
        return None

    async def open(self) -> Connection:
        """A new connection to the first next hop that takes one; NobodyThereError with every reason if none does."""
        reasons = []
        for endpoint in self.route.next_hop:
            try:
                connection = await open_connection(
                    endpoint, hostname=self.hostname, tls=self.route.tls, timeout=self.route.timeout
                )
            except NextHopError as error:
                reasons.append(str(error))
                count(NEXT_HOP_FAILED)
                log.warning(Event.NEXT_HOP_FAILED, reason=str(error))
            else:
                count(NEXT_HOP_OPENED)
                self.capabilities = connection.capabilities
                return connection
        raise NobodyThereError("; ".join(reasons))

    def release(self, connection: Connection) -> None:
        """Give back a connection on which no mail transaction is open; it is kept if it may serve again."""
        worn = connection.transactions >= MAX_TRANSACTIONS or connection.refusals >= MAX_REFUSALS
        if self._closed or worn or connection.introduced or not connection.usable:
            connection.close()
            return
        connection.rest()
        self._idle.append(connection)

    def reset_and_release(self, connection: Connection) -> None:
        """RSET what is still open on the connection; it comes back when that is answered."""
        connection.ask(b"RSET\r\n", 1, partial(self._was_reset, connection))

    def _was_reset(self, connection: Connection, heard: Sequence[Reply] | NextHopError) -> None:
        if isinstance(heard, NextHopError):
            return  # it is closed already
        if heard[0].positive:
            self.release(connection)
        else:
            connection.close()

    def sweep(self) -> None:
        """Close what has been idle for too long. Called about once a second."""
        stale = [connection for connection in self._idle if not connection.usable or connection.rested > MAX_IDLE]
        for connection in stale:
            self._idle.remove(connection)
            connection.close()

    async def refresh(self) -> None:
        """Learn what the next hop offers, without a mail transaction; quietly gives up when it is down."""
        try:
            self.release(await self.open())
        except NextHopError:
            return  # logged by open(); the next transaction tries again

    def close(self) -> None:
        """Close the idle connections; those in use are closed when they come back."""
        self._closed = True
        for connection in self._idle:
            connection.close()
        self._idle.clear()
