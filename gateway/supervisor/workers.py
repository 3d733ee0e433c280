"""SMTP workers: processes that inherit the listening sockets, so that the kernel shares connections among them.

A worker that dies is started again; its backlog lives on in the socket. Each is told by its parent which database is
ours, and the configuration; one whose parent dies stops by itself (`gateway.supervisor.handover`). Each counts in a
slot of its own, in which the worker in its place goes on; what a dead one had open is taken out of the count of
connections.
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from gateway.counters import WORKERS_DIED, count
from gateway.errors import LiaisonError
from gateway.events import Event
from gateway.supervisor import handover

if TYPE_CHECKING:
    import socket
    from asyncio.subprocess import Process
    from collections.abc import Sequence

    from gateway.connections import Connections
    from gateway.counters import Slots
    from gateway.settings import Settings

READY_WITHIN = 60.0
"""Seconds for a worker to accept mail."""
RESTART_PAUSE = 1.0
"""Seconds before a worker that died is started again."""
STOP_GRACE = 5.0
"""Seconds past `smtp.stop_timeout` for a worker to end."""

log = structlog.get_logger()


class Workers:
    """Processes of `command`, as many as the settings say, kept alive until `stop()`."""

    def __init__(self, command: Sequence[str], settings: Settings, secret: bytes) -> None:
        """`secret` is that of the database: one that starts later takes no other for it than those that run."""
        self._command = tuple(command)
        self._settings = settings
        self._secret = secret
        self._sockets: list[socket.socket] = []
        self._processes: list[Process] = []
        self._slots: Slots
        self._connections: Connections

    async def start(self, sockets: Sequence[socket.socket], slots: Slots, connections: Connections) -> None:
        """Start all, and return when all accept; LiaisonError if one does not get that far."""
        self._sockets, self._slots, self._connections = list(sockets), slots, connections
        self._processes = [await self._spawn(index) for index in range(self._settings.smtp.workers)]

    def process_ids(self) -> list[int | None]:
        """Of each worker; None while one is replaced."""
        return [process.pid if process.returncode is None else None for process in self._processes]

    async def watch(self) -> None:
        """Replace every worker that ends; for as long as the service runs."""
        while True:
            ends = [asyncio.ensure_future(process.wait()) for process in self._processes]
            try:
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for end in ends:
                    end.cancel()
            await asyncio.sleep(RESTART_PAUSE)
            await self._replace_the_dead()

    async def _replace_the_dead(self) -> None:
        for index, process in enumerate(self._processes):
            if process.returncode is None:
                continue
            count(WORKERS_DIED)
            log.error(Event.WORKER_DIED, pid=process.pid, status=process.returncode)
            self._slots.vacate(_slot_of(index))
            self._connections.vacate(_slot_of(index))
            try:
                self._processes[index] = await self._spawn(index)
            except (LiaisonError, OSError) as error:
                log.error(Event.WORKER_DIED, reason=str(error))

    def tell(self, settings: Settings) -> None:
        """Another configuration, for those that run and for those that will be started."""
        self._settings = settings
        for process in self._processes:
            _tell(process, handover.written(settings))

    async def stop(self) -> None:
        """Let all finish what is in hand; kill what does not end."""
        for listening in self._sockets:  # each worker closes its own: then nobody waits to be accepted
            listening.close()
        for process in self._processes:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
        await asyncio.gather(*(self._end_of(process) for process in self._processes))

    async def _end_of(self, process: Process) -> None:
        try:
            async with asyncio.timeout(self._settings.smtp.stop_timeout + STOP_GRACE):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _spawn(self, index: int) -> Process:
        """A worker that accepts; LiaisonError if it does not get that far."""
        settings = self._settings
        process = await self._begin(index)
        _tell(process, handover.opening(self._secret))
        _tell(process, handover.written(settings))
        if not await _is_ready(process):
            raise LiaisonError(f"an SMTP worker was not ready in time; its status is {await process.wait()}")
        if settings is not self._settings:  # another one came in meanwhile, and was told to all others
            _tell(process, handover.written(self._settings))
        return process

    async def _begin(self, index: int) -> Process:
        numbers = [listening.fileno() for listening in self._sockets]
        return await asyncio.create_subprocess_exec(
            *self._command,
            "--inherit",
            ",".join(map(str, numbers)),
            "--counters",
            f"{self._slots.descriptor}:{_slot_of(index)}",
            "--connections",
            f"{self._connections.descriptor}:{_slot_of(index)}",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=[*numbers, self._slots.descriptor, self._connections.descriptor],
        )


def _tell(process: Process, what: bytes) -> None:
    """One that has died meanwhile is told nothing; it is replaced."""
    if process.stdin is not None and process.returncode is None:
        process.stdin.write(what)


def _slot_of(index: int) -> int:
    return index + 1  # the first is the parent's


async def _is_ready(process: Process) -> bool:
    """Whether it said so in time; it is killed if not."""
    said = b""
    if process.stdout is not None:
        with suppress(TimeoutError):
            async with asyncio.timeout(READY_WITHIN):
                said = await process.stdout.readline()
    if not said.startswith(b"ready") and process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
    return said.startswith(b"ready")
