"""The SMTP server: listening sockets, sessions and their limits, the tasks that they own, the end of the service."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import structlog

from gateway.connections import TooMany
from gateway.counters import (
    CONNECTIONS_ACCEPTED,
    CONNECTIONS_FULL,
    CONNECTIONS_FULL_FOR_CLIENT,
    CONNECTIONS_OPEN,
    CONNECTIONS_STOPPING,
    FAULTS,
    count,
)
from gateway.events import Event
from gateway.model.reply import Reply
from gateway.smtp import replies
from gateway.smtp.client_identity import ClientIdentity
from gateway.smtp.proxied import ProxyDoor
from gateway.smtp.session import Session
from gateway.smtp.template import engine_class
from gateway.spool import Memory

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Coroutine, Sequence

    from gateway.connections import Connections
    from gateway.operations.intake import Intake
    from gateway.relay.transaction import Answered
    from gateway.settings import Screening, Smtp
    from gateway.smtp.client_identity import Peer
    from gateway.smtp.engine import Engine

SWEEP_INTERVAL = 1.0
"""Seconds."""

log = structlog.get_logger()


class SmtpServer:
    """Accepts connections on sockets that are handed to it; `serve()` once, `stop()` at the end."""

    def __init__(
        self,
        intake: Intake,
        limits: Smtp,
        screening: Screening,
        tls: ssl.SSLContext | None,
        connections: Connections,
    ) -> None:
        """`connections` are counted over all processes that take mail at these sockets."""
        self.memory = Memory(limits.max_memory, limits.max_in_flight)
        """What the messages of all sessions may hold."""
        self.obey(intake, limits, screening, tls)
        self.log = log.bind()
        """Bound once: a lazy logger would look for its own set-up at every message."""
        self.draining = False
        self._connections = connections
        self._engines: dict[Engine, int] = {}
        """Open sessions, and the place that each has among all connections."""
        self._doors: dict[ProxyDoor, int] = {}
        """Connections whose PROXY header is still to come, and their places."""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._servers: list[asyncio.Server] = []
        self._engine_class: type[Engine] | None = None
        self._loop: asyncio.AbstractEventLoop

    def obey(self, intake: Intake, limits: Smtp, screening: Screening, tls: ssl.SSLContext | None) -> None:
        """Another configuration. Sessions go on, and so does the mail transaction that is open in one."""
        self.intake = intake
        self.limits = limits
        self.screening = screening
        self.memory.allow(limits.max_memory, limits.max_in_flight)
        self.tls = tls
        self.hostname = limits.hostname
        self.greeting = replies.octets(Reply(220, "", f"{limits.hostname} ESMTP"))

    def ask_what_is_offered(self) -> None:
        """Learn it from the next hops, before a client wants to know."""
        for pool in self.intake.routes.pools:
            self.own(pool.refresh())

    async def serve(self, sockets: Sequence[socket.socket]) -> None:
        """Start accepting."""
        self._loop = loop = asyncio.get_running_loop()
        self._engine_class = engine_class(self, loop)
        for listening in sockets:
            server = await loop.create_server(self._receive, sock=listening, backlog=1024)
            self._servers.append(server)
        self.own(self._sweep())

    async def stop(self) -> None:
        """Stop accepting, let mail transactions in hand finish, close everything else with 421 (RFC 5321 §3.8)."""
        self.draining = True
        for server in self._servers:
            server.close()
        deadline = asyncio.get_running_loop().time() + self.limits.stop_timeout
        while self._engines and asyncio.get_running_loop().time() < deadline:
            for engine in list(self._engines):
                engine.drain()
            await asyncio.sleep(0.05)
        for door in list(self._doors):
            door.close()
        for engine in list(self._engines):
            engine.close_with(replies.SERVICE_CLOSING)
        await self._end_tasks()

    async def _end_tasks(self) -> None:
        while self._tasks:  # ending a mail transaction owns a task of its own: it gives the connection back
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _receive(self) -> asyncio.BaseProtocol:
        if self._engine_class is None:
            raise RuntimeError("serve() was not called")
        engine = self._engine_class.__new__(self._engine_class)
        return ProxyDoor(self, engine) if self.limits.proxy_protocol_from else engine

    # --- for the engines and their doors ------------------------------------------------------------------------------

    def admit(self, engine: Engine) -> Reply | None:
        """Count a new connection in, or say why not."""
        client = engine.client_ip
        if self.draining:
            count(CONNECTIONS_STOPPING)
            return replies.SERVICE_CLOSING
        place = self._connections.enter(client, self.limits.max_connections, self.limits.max_connections_per_client)
        if isinstance(place, TooMany):
            log.warning(Event.CONNECTION_REFUSED, client=client, why=place.value)
            count(CONNECTIONS_FULL if place is TooMany.IN_ALL else CONNECTIONS_FULL_FOR_CLIENT)
            return replies.TOO_MANY_CONNECTIONS
        self._engines[engine] = place
        count(CONNECTIONS_ACCEPTED)
        count(CONNECTIONS_OPEN)
        return None

    def let_wait(self, door: ProxyDoor) -> bool:
        """Count a connection in whose PROXY header is awaited; False when there is no room for it."""
        if self.draining:
            count(CONNECTIONS_STOPPING)
            return False
        place = self._connections.enter(None, self.limits.max_connections, self.limits.max_connections)
        if isinstance(place, TooMany):
            log.warning(Event.CONNECTION_REFUSED, client="a proxy", why=place.value)
            count(CONNECTIONS_FULL)
            return False
        self._doors[door] = place
        return True

    def let_go(self, door: ProxyDoor) -> None:
        """Its header is there, or it has left."""
        place = self._doors.pop(door, None)
        if place is not None:
            self._connections.leave(place)

    def dismiss(self, engine: Engine) -> None:
        """Count a closed connection out."""
        place = self._engines.pop(engine, None)
        if place is not None:
            count(CONNECTIONS_OPEN, -1)
            self._connections.leave(place)

    def now(self) -> float:
        """The event loop's time: to ask for the loop first costs a system call each time (Python 3.11)."""
        return self._loop.time()

    def converse(self, peer: Peer, answered: Answered) -> Session:
        """The session of a connection that was admitted; `answered` is told what it had to wait for."""
        return Session(self, ClientIdentity(peer, self.limits), answered)

    def answer(self, work: Coroutine[Any, Any, Reply], answered: Answered) -> None:
        """Run it as a task of this server's, which lets it finish at shutdown, and tell its reply."""
        self.own(self._answer(work, answered))

    @staticmethod
    async def _answer(work: Coroutine[Any, Any, Reply], answered: Answered) -> None:
        try:
            reply = await work
        except Exception:  # our own trouble is never permanent (RFC 5321 §4.2.1), and never a traceback for the peer
            count(FAULTS)
            log.exception(Event.FAULT)
            reply = replies.OUR_FAULT
        answered(reply)

    def own(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run it as a task that this server keeps until it ends."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            count(FAULTS)
            log.error(Event.FAULT, exc_info=error)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_INTERVAL)
            try:
                self._sweep_once(asyncio.get_running_loop().time())
            except Exception:  # one connection that can't be swept must not end the sweeping of all others
                count(FAULTS)
                log.exception(Event.FAULT)

    def _sweep_once(self, now: float) -> None:
        for engine in list(self._engines):
            engine.sweep(now)
        self.intake.routes.sweep()
