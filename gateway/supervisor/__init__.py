"""The running gateway: one process, or several that share the listening sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from gateway import counters, logs
from gateway.connections import Connections
from gateway.events import Event
from gateway.foundation import open_foundation, open_seal
from gateway.supervisor.reloading import tell_of
from gateway.supervisor.service import Role, Service, hold_back_reload
from gateway.supervisor.systemd import NOBODY, Systemd

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from gateway.clock import Clock
    from gateway.foundation import Foundation
    from gateway.settings import Settings

__all__ = ["Role", "Service", "Systemd", "hold_back_reload", "serve", "tell_of_new_database"]

_LATEST_MESSAGES = 1000
"""Whose keys are looked for at the start: more would keep a large database waiting. `liaison check` looks at all."""

log = structlog.get_logger()


def tell_of_new_database(file: Path | None) -> None:
    """At a first start it has to be so; at any other the database is lost."""
    log.warning(Event.DATABASE_MADE, file=str(file))


async def _tell_of_missing_keys(settings: Settings, foundation: Foundation, *, once: bool) -> None:
    """A key file that was lost, or is no longer named, would be noticed when somebody releases the first message.

    `once`: not by each worker; their parent does it.
    """
    if not once:
        return
    async with foundation.store.reading() as work:
        used = await work.messages.latest_keys(_LATEST_MESSAGES)
    for key in sorted(used - {"", *open_seal(settings).key_ids}):
        log.error(Event.DATA_KEY_MISSING, data_key=key, file=str(settings.store.key_file or ""))


async def serve(
    settings: Settings,
    role: Role,
    clock: Clock,
    ready: Callable[[str], None],
    reread: Callable[[], Settings],
    *,
    inherited: Sequence[int] = (),
    worker_command: Sequence[str] = (),
    slot: tuple[int, int] | None = None,
    part: tuple[int, int] | None = None,
    known: bytes | None = None,
    systemd: Systemd = NOBODY,
) -> None:
    """Run until SIGTERM or SIGINT. `ready` gets the line that says where it accepts, ports being the real ones.

    `reread` reads the configuration again at SIGHUP, in a thread; ConfigurationError leaves the old one in force.
    `inherited` are the numbers of listening sockets that a parent handed over; `worker_command` is the command line
    that starts one SMTP worker, to which `--inherit NUMBERS`, `--counters DESCRIPTOR:NUMBER` and the same for
    `--connections` are added. `slot` and `part` are these pairs: a parent's memory, and where this worker counts in it.
    A worker makes no database, nor takes another one for its parent's, whose secret is `known`.
    `systemd` is who started this process, if it is to be told how far we are.
    """
    if slot is not None:
        counters.join(*slot)
    tell_of(settings)
    async with open_foundation(settings, clock, makes=not inherited, known=known) as foundation:
        logs.hash_with(foundation.lasting.secret)
        await _tell_of_missing_keys(settings, foundation, once=not inherited)
        service = Service(
            settings,
            foundation,
            role,
            inherited=inherited,
            worker_command=worker_command,
            reread=reread,
            connections=Connections(*part) if part is not None else None,
            systemd=systemd,
        )
        try:
            await service.start()
            service.obey_signals()
            log.info(Event.STARTED, role=str(role))
            ready(service.where())
            systemd.ready(service.where())
            await service.run()
        finally:
            systemd.stopping()
            await service.stop()
            log.info(Event.STOPPED, role=str(role))
