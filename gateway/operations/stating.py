"""The system-integrity statement: asks everything that it says, and writes down that it was made."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from gateway.model.audit import AuditFilter
from gateway.model.case_list import CaseFilter
from gateway.model.statement import Period, Surroundings, statement

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from gateway.clock import Clock
    from gateway.model.audit import AuditEntry
    from gateway.operations.auditing import ChainWatch
    from gateway.operations.modes import Modes
    from gateway.store.unit_of_work import Store, Work

ACTIONS = ("mode", "database-backed-up", "database-restored", "disposal-certified", "export-made")
MOST = 10_000
"""Rows of one action, the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stating:
    """The question. `sealed` says whether messages are encrypted at rest."""

    store: Store
    clock: Clock
    modes: Modes
    chain_watch: ChainWatch
    agency: str
    sealed: bool

    async def statement(self, since: datetime | None, until: datetime | None, *, actor: str) -> dict[str, Any]:
        """What is true now, and what is on record of a period. The whole chain is verified for it."""
        chain = await self.chain_watch.verify()
        around = await self._surroundings()
        async with self.store.reading() as work:
            period = await self._period(work, since, until)
            people = await work.people.list()
        made = statement(around, period, chain, people, made_at=self.clock.now(), made_by=actor)
        async with self.store.begin() as work:
            await work.audit.append(actor, "integrity-stated", "audit", {"sha256": made["sha256"]})
        return made

    async def _surroundings(self) -> Surroundings:
        database = await self.store.describe()
        return Surroundings(
            agency=self.agency,
            gateway=version("liaison-gateway"),
            python=platform.python_version(),
            system=f"{platform.system()} {platform.release()}",
            database=f"{database.kind} {database.version}",
            schema=database.revision,
            octets=database.octets,
            sealed=self.sealed,
            clock_ahead=await self.store.clock_ahead(),
            mode=await self.modes.current(),
        )

    async def _period(self, work: Work, since: datetime | None, until: datetime | None) -> Period:
        versions = await work.list_records.history()
        return Period(
            since=since,
            until=until,
            cases=await work.case_list.count(CaseFilter(since=since, until=until)),
            cases_on_hold=await work.case_list.count(CaseFilter(on_hold=True)),
            rows={action: await _rows(work, action, since, until) for action in ACTIONS},
            lists=[one for one in versions if (not since or one.at >= since) and (not until or one.at < until)],
        )


async def _rows(work: Work, action: str, since: datetime | None, until: datetime | None) -> Sequence[AuditEntry]:
    wanted = AuditFilter(action=action, since=since, until=until)
    return (await work.audit.page(wanted, before=None, most=MOST))[::-1]
