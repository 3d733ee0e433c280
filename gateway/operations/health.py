"""The health strip: how every side of the gateway is, from what the process and the record know.

No page view opens a connection: next hops are asked twice a minute at most (`gateway.operations.probing`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from gateway.model import health
from gateway.model.measures import Measures
from gateway.relay.connection import NextHopError
from gateway.relay.opening import open_connection
from gateway.tls import certificate_end

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from gateway.clock import Clock
    from gateway.model.health import Answer, Fact
    from gateway.model.lateness import Lateness, Patience
    from gateway.operations.auditing import Auditing
    from gateway.operations.probing import Probing, Question
    from gateway.operations.rulebooks import Rulebooks
    from gateway.operations.running import Running
    from gateway.operations.watching import Watched, Watching
    from gateway.settings import Endpoint, Settings
    from gateway.store.unit_of_work import Store

REPORT_SENT = "report-sent"
"""The audit rows of reports that were accepted."""
HOP_WITHIN = 3.0
"""Seconds for one step of a next hop's welcome."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextHops:
    """The next hops of every route, and whether they answer."""

    settings: Settings
    probing: Probing

    async def answers(self) -> tuple[Answer, ...]:
        """One for each, in the order of the configuration."""
        return await self.probing.answers(self._questions())

    def _questions(self) -> dict[str, Question]:
        return {
            str(hop): partial(_answers, hop, tls=route.tls, hostname=self.settings.smtp.hostname)
            for route in self.settings.route
            for hop in route.next_hop
        }


async def _answers(hop: Endpoint, *, tls: str, hostname: str) -> str:
    """Why it doesn't, or ""."""
    try:
        connection = await open_connection(hop, hostname=hostname, tls=tls, timeout=HOP_WITHIN)
    except NextHopError as error:
        return str(error)
    connection.close()
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The question."""

    store: Store
    clock: Clock
    settings: Settings
    rulebooks: Rulebooks
    watching: Watching
    running: Running
    next_hops: NextHops
    auditing: Auditing
    patience: Patience
    certificate_soon: timedelta
    disk_low: int
    """Octets."""

    async def facts(self) -> tuple[Fact, ...]:
        """Every side, in the order in which they are shown. StoreError when the store is away."""
        recorded, backlog = await self._recorded(), await self.watching.backlog()
        now, settings, rulebook = self.clock.now(), self.settings, self.rulebooks.current
        certificate = settings.smtp.tls_certificate
        return (
            health.of_mode(rulebook.mode, settings.mode),
            self._smtp(),
            health.of_next_hops(await self.next_hops.answers()),
            health.of_outbound(
                backlog,
                now,
                configured=settings.outbound.smarthost is not None or settings.outbound.mx,
                delay=timedelta(seconds=settings.decline.delay),
            ),
            health.of_reports(backlog, recorded.last_report, recorded.lateness.reports, now),
            health.of_held(recorded.lateness.held),
            health.of_screening(recorded.lateness.unscreened),
            health.of_lists(
                version=rulebook.version,
                entries=len(rulebook.index.entries),
                since=recorded.list_since,
                stored=recorded.list_version,
            ),
            health.of_certificate(
                configured=certificate is not None,
                ends=await _certificate_end(certificate),
                now=now,
                soon=self.certificate_soon,
            ),
            health.of_disk(await asyncio.to_thread(self.store.disk_free), low=self.disk_low),
            health.of_audit(await self.auditing.verification(), now),
        )

    async def measures(self, watched: Watched | None) -> Measures:
        """The numbers behind the facts, for monitoring; `watched` is what the record says, None if it says nothing."""
        try:
            free = await asyncio.to_thread(self.store.disk_free)
        except OSError:
            free = None
        return Measures(
            certificate_ends=await _certificate_end(self.settings.smtp.tls_certificate),
            disk_free=free,
            verification=watched.verification if watched is not None else None,
            alerts=watched.alerts if watched is not None else None,
        )

    def _smtp(self) -> Fact:
        process = self.running.process
        return health.of_smtp(
            takes_mail=process is not None and process.takes_mail,
            where=process.listening() if process is not None else "",
            unready=process.unready() if process is not None else "",
            connections=self.running.connections,
            refused=self.running.turned_away,
        )

    async def _recorded(self) -> _Recorded:
        """Beside single rows what is late: the open cases, and the newest of a day, are looked through for it."""
        async with self.store.reading() as work:
            last = await work.audit.last(REPORT_SENT)
            version = await work.senders.version()
            lateness = await work.latenesses.lateness(self.clock.now(), self.patience)
            return _Recorded(
                last_report=last.at if last is not None else None,
                list_version=version,
                list_since=await work.senders.made_at(version),
                lateness=lateness,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recorded:
    """What the record says beside the backlog."""

    last_report: datetime | None
    list_version: int
    list_since: datetime | None
    lateness: Lateness


async def _certificate_end(certificate: Path | None) -> datetime | None:
    """None where there is none that can be read."""
    if certificate is None:
        return None
    try:
        return await asyncio.to_thread(certificate_end, certificate)
    except (OSError, ValueError):
        return None
