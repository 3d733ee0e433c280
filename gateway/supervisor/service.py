"""The parts of one process: roles, signals, the order of start and stop.

Start: store, rulebook, sockets, then `ready` is said. SIGHUP: another configuration, under the same sockets. Stop: no
new connections, mail transactions in hand and the attempts of the outbox worker end, then everything is closed;
monitoring is answered to the last.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING

import structlog

from gateway import counters
from gateway.connections import Connections
from gateway.errors import ConfigurationError
from gateway.events import Event
from gateway.foundation import foundation_of, governing
from gateway.operations.running import Process
from gateway.settings import needs_restart, until_restart
from gateway.smtp.server import SmtpServer
from gateway.supervisor.alerting import keep_looking
from gateway.supervisor.console import open_console
from gateway.supervisor.descriptors import allow_descriptors
from gateway.supervisor.handover import Parent
from gateway.supervisor.monitoring import Monitoring, open_monitoring
from gateway.supervisor.purging import keep_purging
from gateway.supervisor.reloading import Reloading, in_force, refused_aloud, tell_of
from gateway.supervisor.sockets import address, bind
from gateway.supervisor.systemd import NOBODY, Systemd
from gateway.supervisor.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from typing import Any

    from gateway.assembly import Line
    from gateway.console.office import Office
    from gateway.counters import Slots
    from gateway.desk import Desk
    from gateway.dispatch.worker import Means, Worker
    from gateway.foundation import Foundation
    from gateway.sending import Node
    from gateway.settings import Settings
    from gateway.supervisor.console import Console
    from gateway.supervisor.reloading import InForce

MOST_CONNECTIONS = 1_000_000
"""In one process, whatever a reload allows: what is never used of that memory is none."""
LEDGER_WITHIN = 5.0
"""Seconds for the ledger to be written at the end."""
STOP_WITHIN = 40.0
"""Seconds that the attempts of the outbox worker may take after SIGTERM."""

_RIGHT = (
    "; name an address of this machine and a port that nobody has; below 1024 the account needs the right to bind it"
)

log = structlog.get_logger()


class Role(StrEnum):
    """What one process does."""

    ALL = "all"
    SMTP = "smtp"
    DISPATCH = "dispatch"
    CONSOLE = "console"

    @property
    def takes_mail(self) -> bool:
        """Whether it listens for SMTP."""
        return self in {Role.ALL, Role.SMTP}

    @property
    def sends_mail(self) -> bool:
        """Whether it works on the outbox."""
        return self in {Role.ALL, Role.DISPATCH}

    @property
    def shows_pages(self) -> bool:
        """Whether it is the console."""
        return self in {Role.ALL, Role.CONSOLE}


def hold_back_reload() -> None:
    """SIGHUP would end a process that does not obey it yet: it waits for `Service.obey_signals`."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})


class Service:
    """The parts of one process, started and stopped in order."""

    def __init__(
        self,
        settings: Settings,
        foundation: Foundation,
        role: Role,
        *,
        inherited: Sequence[int] = (),
        worker_command: Sequence[str] = (),
        reread: Callable[[], Settings] | None = None,
        connections: Connections | None = None,
        systemd: Systemd = NOBODY,
    ) -> None:
        """`inherited` are listening sockets that a parent handed over; `worker_command` starts one SMTP worker.

        `reread` reads the configuration again at SIGHUP, in a thread. A worker's comes from its parent instead.
        `connections` is the parent's count of them; None makes one. `systemd` is told of each reload.
        """
        self._role = role
        self._systemd = systemd
        self._inherited = inherited
        self._shows_pages = role.shows_pages and settings.console.listen is not None
        self._node = _take_node_name(settings) if role.sends_mail else None
        self._now = self._begin(settings, foundation)
        here = role.takes_mail and (bool(inherited) or settings.smtp.workers == 1)
        self._connections = connections or Connections.new(MOST_CONNECTIONS, 1 + settings.smtp.workers)
        self._server = self._open_server() if here else None
        secret = foundation.lasting.secret
        self._workers = Workers(worker_command, settings, secret) if role.takes_mail and not here else None
        self._outbox = _open_worker(self._now.means) if self._now.means is not None else None
        self._reloading = Reloading(reread, self.obey, systemd) if reread is not None and not inherited else None
        self._slots: Slots | None = None
        self._monitoring: Monitoring | None = None
        self._console: Console | None = None
        self._sending: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._listening: list[str] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stopping = asyncio.Event()

    def _begin(self, settings: Settings, foundation: Foundation) -> InForce:
        """The first configuration; who refuses it gives the node's name back."""
        try:
            return self._in_force(settings, foundation)
        except ConfigurationError:
            self._give_name_back()
            raise

    def _in_force(self, settings: Settings, foundation: Foundation) -> InForce:
        return in_force(
            settings,
            foundation,
            takes_mail=self._role.takes_mail,
            node=self._node_name,
            pages=self._shows_pages,
        )

    @property
    def _node_name(self) -> str | None:
        """Of this process among those that send mail; None if it does not."""
        return self._node.name if self._node is not None else None

    def _give_name_back(self) -> None:
        if self._node is not None:
            self._node.mark.close()

    def _open_server(self) -> SmtpServer:
        settings = self._now.settings
        return SmtpServer(self._line().intake, settings.smtp, settings.screening, self._now.tls, self._connections)

    def where(self) -> str:
        """The line that says where it accepts: `ready smtp=127.0.0.1:2525 metrics=127.0.0.1:9025`."""
        smtp = [f"smtp={','.join(self._listening)}"] if self._listening else []
        console = [f"console={self._console.address}"] if self._console is not None else []
        metrics = [f"metrics={self._monitoring.address}"] if self._monitoring is not None else []
        return " ".join(["ready", *smtp, *console, *metrics])

    async def start(self) -> None:
        """Listen, follow the rulebook, work on the outbox, learn what the next hops offer, answer monitoring."""
        allow_descriptors(self._now.settings.smtp.max_connections)
        if not self._inherited:  # what workers count is exported by their parent
            self._slots = counters.begin(1 + (self._now.settings.smtp.workers if self._workers is not None else 0))
            self._monitoring = open_monitoring(self._now.settings.metrics)
        if self._shows_pages:
            self._console = open_console(self._now.settings.console)
        self._own(self._now.foundation.rulebooks.follow())
        self._own(self._now.foundation.tallying.keep())
        await self._listen()
        if self._outbox is not None:
            self._sending = self._own(self._outbox.run())
            self._own(keep_purging(lambda: self._desk().purging))
        self._tell_what_runs()
        await self._answer_monitoring()
        if self._shows_pages or self._outbox is not None:
            self._own(self._now.foundation.lasting.chain_watch.keep())
            self._own(keep_looking(lambda: self._desk().alerting))
        if self._console is not None:
            await self._console.serve(self._office, self._now.settings.smtp)
        if self._reloading is not None:
            self._own(self._reloading.run())
        if self._systemd.watches:
            self._own(self._systemd.keep_alive())
        if self._inherited:
            self._own(self._heed_parent())

    async def _listen(self) -> None:
        """On sockets of our own or of a parent's, in this process or in workers that inherit them."""
        if self._server is None and self._workers is None:
            return
        if self._inherited:
            sockets = [socket.socket(fileno=number) for number in self._inherited]
        else:
            sockets = bind("smtp.listen", self._now.settings.smtp.listen, _RIGHT)
        self._listening = [address(listening) for listening in sockets]
        if self._server is not None:
            await self._server.serve(sockets)
            self._server.ask_what_is_offered()
        if self._workers is not None and self._slots is not None:
            await self._workers.start(sockets, self._slots, self._connections)
            self._watching = self._own(self._workers.watch())

    async def _answer_monitoring(self) -> None:
        if self._monitoring is None or self._slots is None:
            return
        workers = self._workers.process_ids if self._workers is not None else list[int | None]
        await self._monitoring.serve(lambda: self._now.foundation, self._slots, unready=self._unready, workers=workers)

    def _tell_what_runs(self) -> None:
        """To the pages about this process."""
        lasting, slots = self._now.foundation.lasting, self._slots
        process = Process(
            role=str(self._role),
            started_at=lasting.clock.now(),
            takes_mail=bool(self._listening),
            sends_mail=self._outbox is not None,
            listening=lambda: ", ".join(self._listening),
            unready=self._unready,
            workers=self._workers.process_ids if self._workers is not None else list,
            totals=slots.totals if slots is not None else list,
        )
        lasting.running.begin(process)

    def _line(self) -> Line:
        if self._now.line is None:
            raise AssertionError("only a process that takes mail has a line")
        return self._now.line

    def _desk(self) -> Desk:
        if self._now.desk is None:
            raise AssertionError("only a process that sends mail or shows pages has a desk")
        return self._now.desk

    def _office(self) -> Office:
        if self._now.office is None:
            raise AssertionError("only a process that shows pages has an office")
        return self._now.office

    def _unready(self) -> str:
        """Why no mail is taken now, and what to do; "" while it is, or where none is to be taken."""
        if self._stopping.is_set():
            return "The gateway is stopping: start it again when it has ended."
        if self._workers is not None and not any(self._workers.process_ids()):
            return "No SMTP worker runs: they are started again; look for `worker_died` in the log."
        return ""

    def obey_signals(self) -> None:
        """SIGTERM and SIGINT stop, SIGHUP reads the configuration again; a worker leaves that to its parent."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        if self._reloading is not None:
            loop.add_signal_handler(signal.SIGHUP, self._reloading.ask)
        else:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})  # one that came during the start is obeyed now

    def obey(self, read: Settings) -> None:
        """Put another configuration in force, whole; or raise ConfigurationError, and leave the old one as it is."""
        old, settings = self._now, until_restart(self._now.settings, read)
        lasting = old.foundation.lasting
        new = self._in_force(settings, foundation_of(settings, lasting))
        govern = governing(lasting, settings)
        allow_descriptors(settings.smtp.max_connections)
        self._now = new  # from here on nothing can fail
        govern()
        if self._server is not None:
            self._server.obey(self._line().intake, settings.smtp, settings.screening, new.tls)
            self._server.ask_what_is_offered()
        if self._workers is not None:
            self._workers.tell(settings)
        if self._outbox is not None and new.means is not None:
            self._outbox.work_with(new.means)
        if self._console is not None:
            self._console.renew(settings.smtp)
        if old.line is not None:
            old.line.routes.close()
        for key in needs_restart(old.settings, read):
            log.warning(Event.KEY_NEEDS_RESTART, key=key)
        tell_of(settings)
        log.info(Event.CONFIGURATION_RELOADED, file=str(settings.file))

    async def _heed_parent(self) -> None:
        """Obey each configuration that the parent sends, and stop when it is gone."""
        parent = Parent()
        await parent.listen()
        while (settings := await parent.told()) is not None:
            with refused_aloud():
                self.obey(settings)
        self._stopping.set()

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
        await asyncio.gather(self._stop_taking_mail(), self._stop_sending_mail())
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._write_the_ledger()
        if self._now.line is not None:
            self._now.line.routes.close()
        self._give_name_back()
        if self._console is not None:
            await self._console.stop()
        if self._monitoring is not None:
            await self._monitoring.stop()
        if self._slots is not None:
            self._slots.close()
        self._connections.close()

    async def _write_the_ledger(self) -> None:
        """A last time; a database that hangs must not hold up the end for a minute's counts."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LEDGER_WITHIN):
                await self._now.foundation.tallying.flush()

    async def _stop_taking_mail(self) -> None:
        if self._workers is not None:
            await self._workers.stop()
        if self._server is not None:
            await self._server.stop()

    async def _stop_sending_mail(self) -> None:
        if self._outbox is not None and self._sending is not None:
            self._outbox.stop()
            await asyncio.wait({self._sending}, timeout=STOP_WITHIN)

    def _own(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        return task


def _take_node_name(settings: Settings) -> Node:
    from gateway.sending import take_node_name  # the role's boundary: an SMTP process does without all this

    return take_node_name(settings)


def _open_worker(means: Means) -> Worker:
    from gateway.dispatch.worker import Worker

    return Worker(means)
