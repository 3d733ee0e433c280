"""The running gateway: one process, or several that share the listening sockets."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import structlog

from gateway import counters, logs
from gateway.assembly import open_desk, open_line
from gateway.events import Event
from gateway.settings import example_values, exposed_files, refuse_false_safety, without_effect
from gateway.supervisor.service import Role, Service

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.clock import Clock
    from gateway.settings import Settings

__all__ = ["Role", "Service", "serve"]

log = structlog.get_logger()


async def serve(
    settings: Settings,
    role: Role,
    clock: Clock,
    ready: Callable[[str], None],
    *,
    inherited: Sequence[int] = (),
    worker_command: Sequence[str] = (),
    slot: tuple[int, int] | None = None,
) -> None:
    """Run until SIGTERM or SIGINT. `ready` gets the line that says where it accepts, ports being the real ones.

    `inherited` are the numbers of listening sockets that a parent handed over; `worker_command` is the command line
    that starts one SMTP worker, to which `--inherit NUMBERS` and `--counters DESCRIPTOR:NUMBER` are added. `slot` is
    that pair: the parent's memory of counters, and where this worker counts in it.
    """
    refuse_false_safety(settings)
    if slot is not None:
        counters.join(*slot)
    _warn(settings)
    async with open_desk(settings, clock) as desk:
        logs.hash_with(desk.gate.secret)
        line = open_line(settings, clock, desk)
        service = Service(settings, line, role, inherited=inherited, worker_command=worker_command)
        try:
            await service.start()
            service.obey_signals()
            log.info(Event.STARTED, role=str(role))
            ready(service.where())
            await service.run()
        finally:
            await service.stop()
            log.info(Event.STOPPED, role=str(role))


def _warn(settings: Settings) -> None:
    """What runs all the same, and should not stay so."""
    for key in without_effect(settings):
        log.warning(Event.KEY_WITHOUT_EFFECT, key=key)
    for key in example_values(settings):
        log.warning(Event.EXAMPLE_IN_USE, key=key)
    for exposed in exposed_files(settings):
        log.warning(Event.SECRET_EXPOSED, key=exposed.key, file=str(exposed.file))
    if os.geteuid() == 0:
        log.warning(Event.RUNS_AS_ROOT)
