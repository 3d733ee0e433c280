"""The parts of one process: roles, signals, the order of start and stop.

Start: store, rulebook, sockets, then `ready` is said. Stop: no new connections, mail transactions in hand end, the
attempt of the outbox worker ends, then everything is closed; monitoring is answered to the last.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from enum import StrEnum
from typing import TYPE_CHECKING

import structlog

from gateway import counters
from gateway.connections import Connections
from gateway.errors import ConfigurationError
from gateway.events import Event
from gateway.smtp.server import SmtpServer, server_tls
from gateway.supervisor.monitoring import Monitoring, open_monitoring
from gateway.supervisor.sockets import address, allow_descriptors, bind
from gateway.supervisor.workers import Workers

if TYPE_CHECKING:
    import ssl
    from collections.abc import Coroutine, Sequence
    from typing import Any

    from gateway.assembly import Line
    from gateway.counters import Slots
    from gateway.sending import Sending
    from gateway.settings import Settings

STOP_WITHIN = 40.0
"""Seconds that an attempt of the outbox worker may take after SIGTERM."""

log = structlog.get_logger()


class Role(StrEnum):
    """What one process does."""

    ALL = "all"
    SMTP = "smtp"
    DISPATCH = "dispatch"

    @property
    def takes_mail(self) -> bool:
        """Whether it listens for SMTP."""
        return self is not Role.DISPATCH

    @property
    def sends_mail(self) -> bool:
        """Whether it works on the outbox."""
        return self is not Role.SMTP


class Service:
    """The parts of one process, started and stopped in order."""

    def __init__(
        self,
        settings: Settings,
        line: Line,
        role: Role,
        *,
        inherited: Sequence[int] = (),
        worker_command: Sequence[str] = (),
        connections: Connections | None = None,
    ) -> None:
        """`inherited` are listening sockets that a parent handed over; `worker_command` starts one SMTP worker.

        `connections` is the parent's count of them; None makes one.
        """
        self._settings = settings
        self._line = line
        self._inherited = inherited
        here = role.takes_mail and (bool(inherited) or settings.smtp.workers == 1)
        self._connections = connections or Connections.new(settings.smtp.max_connections, 1 + settings.smtp.workers)
        self._server = self._smtp_server(line) if here else None
        self._workers = Workers(worker_command, settings.smtp.workers) if role.takes_mail and not here else None
        self._outgoing = _open_sending(settings, line) if role.sends_mail else None
        self._slots: Slots | None = None
        self._monitoring: Monitoring | None = None
        self._sending: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._listening: list[str] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stopping = asyncio.Event()

    def _smtp_server(self, line: Line) -> SmtpServer:
        settings = self._settings
        return SmtpServer(line.intake, settings.smtp, settings.screening, _tls(settings), self._connections)

    def where(self) -> str:
        """The line that says where it accepts: `ready smtp=127.0.0.1:2525 metrics=127.0.0.1:9025`."""
        smtp = [f"smtp={','.join(self._listening)}"] if self._listening else []
        metrics = [f"metrics={self._monitoring.address}"] if self._monitoring is not None else []
        return " ".join(["ready", *smtp, *metrics])

    async def start(self) -> None:
        """Listen, follow the rulebook, work on the outbox, learn what the next hops offer, answer monitoring."""
        if not self._inherited:  # what workers count is exported by their parent
            self._slots = counters.begin(1 + (self._settings.smtp.workers if self._workers is not None else 0))
            self._monitoring = open_monitoring(self._settings.metrics)
        self._own(self._line.desk.rulebooks.follow())
        self._own(self._line.desk.tallying.keep())
        await self._listen()
        if self._outgoing is not None:
            self._sending = self._own(self._outgoing.worker.run())
        await self._answer_monitoring()

    async def _listen(self) -> None:
        """On sockets of our own or of a parent's, in this process or in workers that inherit them."""
        if self._server is None and self._workers is None:
            return
        if self._inherited:
            sockets = [socket.socket(fileno=number) for number in self._inherited]
        else:
            allow_descriptors(self._settings.smtp.max_connections)
            sockets = bind("smtp.listen", self._settings.smtp.listen)
        self._listening = [address(listening) for listening in sockets]
        if self._server is not None:
            await self._server.serve(sockets)
            for pool in self._line.routes.pools:
                self._server.own(pool.refresh())
        if self._workers is not None and self._slots is not None:
            await self._workers.start(sockets, self._slots, self._connections)
            self._watching = self._own(self._workers.watch())

    async def _answer_monitoring(self) -> None:
        if self._monitoring is None or self._slots is None:
            return
        workers = self._workers.process_ids if self._workers is not None else list[int | None]
        clock = self._line.intake.clock
        await self._monitoring.serve(self._line.desk, clock, self._slots, unready=self._unready, workers=workers)

    def _unready(self) -> str:
        """Why no mail is taken now, and what to do; "" while it is, or where none is to be taken."""
        if self._stopping.is_set():
            return "The gateway is stopping: start it again when it has ended."
        if self._workers is not None and not any(self._workers.process_ids()):
            return "No SMTP worker runs: they are started again; look for `worker_died` in the log."
        return ""

    def obey_signals(self) -> None:
        """SIGTERM and SIGINT stop, SIGHUP reads the certificate again."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload_certificate)
        if self._inherited:
            loop.add_reader(sys.stdin, self._orphaned)

    async def run(self) -> None:
        """Until a signal; or until a part that never should ends, whose trouble is then raised."""
        waiting = self._own(self._stopping.wait())
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done - {waiting}:
            task.result()

    async def stop(self) -> None:
        """No new connections; what is in hand ends; then everything is closed."""
        self._stopping.set()
        if self._watching is not None:
            self._watching.cancel()  # or it would replace the workers that are told to end
        if self._workers is not None:
            await self._workers.stop()
        if self._server is not None:
            await self._server.stop()
        if self._outgoing is not None and self._sending is not None:
            self._outgoing.worker.stop()
            await asyncio.wait({self._sending}, timeout=STOP_WITHIN)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._line.desk.tallying.flush()
        self._line.routes.close()
        if self._outgoing is not None:
            self._outgoing.node.mark.close()
        if self._monitoring is not None:
            await self._monitoring.stop()
        if self._slots is not None:
            self._slots.close()
        self._connections.close()

    def _orphaned(self) -> None:
        """The end of a worker's standard input means that its parent is gone."""
        asyncio.get_running_loop().remove_reader(sys.stdin)
        self._stopping.set()

    def _own(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        return task

    def _reload_certificate(self) -> None:
        """SIGHUP: the files are read again; an unusable certificate leaves the old one in force."""
        if self._workers is not None:
            self._workers.signal(signal.SIGHUP)
        if self._server is None or self._server.tls is None:
            return
        try:
            # A new context: loading into the old one would replace its certificate even when the key does not fit.
            self._server.secure_with(_tls(self._settings))
        except ConfigurationError as error:
            log.error(Event.TLS_FAILED, reason=f"the new certificate can't be used, the old one stays: {error}")
        else:
            log.info(Event.CONFIGURATION_RELOADED, what="certificate")


def _open_sending(settings: Settings, line: Line) -> Sending:
    from gateway.sending import open_sending  # the role's boundary: an SMTP process does without all this

    return open_sending(settings, line.clock, line.desk)


def _tls(settings: Settings) -> ssl.SSLContext | None:
    try:
        return server_tls(settings.smtp.tls_certificate, settings.smtp.tls_key)
    except OSError as error:
        raise ConfigurationError([f"smtp.tls_certificate: the certificate and key can't be used: {error}"]) from error
