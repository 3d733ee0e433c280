"""The status for IT: versions, workers, queues, servers that we depend on. What this process knows, and the record."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

from filters.authentication import DnsStatus
from gateway.counters import (
    FAULTS,
    LOG_LINES_LOST,
    SCREENING_FAILURES,
    STORE_FAILURES,
    VERIFICATION_FAILURES,
    WORKERS_DIED,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from gateway.clock import Clock
    from gateway.model.backlog import Backlog
    from gateway.model.health import Answer
    from gateway.operations.health import NextHops
    from gateway.operations.probing import Probing
    from gateway.operations.running import Running
    from gateway.operations.watching import Watching
    from gateway.settings import Settings
    from gateway.store.unit_of_work import Database, Store
    from gateway.verify.resolver import Resolver

DNS_WITHIN = 4.0
"""Seconds: two name servers of two seconds each."""

TROUBLES: Mapping[str, int] = {
    "faults": FAULTS,
    "store_failures": STORE_FAILURES,
    "screening_failures": SCREENING_FAILURES,
    "verification_failures": VERIFICATION_FAILURES,
    "workers_died": WORKERS_DIED,
    "log_lines_lost": LOG_LINES_LOST,
}
"""Counters that should stay at zero, by the names that monitoring knows them by, without `liaison_` and `_total`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """What runs."""

    program: str
    python: str
    system: str
    database: Database


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """Everything, at `now`. `workers` are process ids, None for one that is being replaced."""

    now: datetime
    versions: Versions
    role: str
    started_at: datetime | None
    listening: str
    configuration: str
    workers: Sequence[int | None]
    connections: int
    backlog: Backlog | None
    next_hops: tuple[Answer, ...]
    name_servers: tuple[str, ...]
    dns: Answer
    troubles: Mapping[str, int]
    """Since the start."""
    offers_tls: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The question."""

    store: Store
    clock: Clock
    settings: Settings
    watching: Watching
    running: Running
    next_hops: NextHops
    probing: Probing
    resolver: Resolver

    async def report(self) -> StatusReport:
        """Everything that IT asks. StoreError when the store is away."""
        process = self.running.process
        totals = process.totals() if process is not None else ()
        return StatusReport(
            now=self.clock.now(),
            versions=Versions(
                program=version("liaison-gateway"),
                python=platform.python_version(),
                system=f"{platform.system()} {platform.release()}",
                database=await self.store.describe(),
            ),
            role=process.role if process is not None else "",
            started_at=process.started_at if process is not None else None,
            listening=process.listening() if process is not None else "",
            configuration=str(self.settings.file),
            workers=tuple(process.workers()) if process is not None else (),
            connections=self.running.connections,
            backlog=await self.watching.backlog(),
            next_hops=await self.next_hops.answers(),
            name_servers=(await self.resolver.name_servers()).addresses,
            dns=await self._dns(),
            troubles={name: totals[cell] if totals else 0 for name, cell in TROUBLES.items()},
            offers_tls=self.settings.smtp.tls_certificate is not None,
        )

    async def _dns(self) -> Answer:
        (answer,) = await self.probing.answers({"dns": partial(_asks_for, self.resolver, self.settings.smtp.hostname)})
        return answer


async def _asks_for(resolver: Resolver, name: str) -> str:
    """Why the name servers don't answer, or "". That there is no such name is an answer."""
    answer = await resolver.ask(name, "A", DNS_WITHIN)
    return answer.reason if answer.status is DnsStatus.FAILED else ""
