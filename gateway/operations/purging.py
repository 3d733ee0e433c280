"""Purge: disposes of cases whose time is over, slice by slice, and certifies what went.

Each slice is one unit of work, small enough that mail does not wait for it. A purge may be broken off at any moment:
what it has done stays done and on record, and the next purge writes its certificate first.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from gateway import tokens
from gateway.errors import RefusedError
from gateway.model.certificate import certificate
from gateway.model.disposal import DisposedCase, Due, PurgeRun
from gateway.model.slicing import slices
from gateway.model.tracking import untracked
from gateway.operations.recording import GATEWAY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from gateway.clock import Clock
    from gateway.model.case import CaseId
    from gateway.model.disposal import ClosedCase
    from gateway.model.retention import Schedule
    from gateway.model.tracking import Track
    from gateway.store.unit_of_work import Store, Work

PAGE = 500
"""Cases that are looked through at one go."""
SLICE = 20
SLICE_OCTETS = 4 * 1024 * 1024
"""Cases, and octets of their messages, that one unit of work disposes of."""
REST = 0.02
"""Seconds between slices, in which others write."""
MOST_A_DAY = 5000
"""Cases that the daily purge disposes of at a time."""
BROKEN_OFF_AFTER = timedelta(minutes=10)
"""A purge that has done nothing for so long has nobody who runs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """What came of a purge. `erased` is False where the log of an SQLite file could not be cut off."""

    certificate: dict[str, Any]
    erased: bool

    @property
    def id(self) -> str:
        """Of the certificate."""
        return str(self.certificate["certificate"])

    @property
    def cases(self) -> int:
        """How many went."""
        return len(self.certificate["cases"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Purging:
    """The verbs. `authority` is what the agency disposes of records by; `automatic` whether there is a daily purge."""

    store: Store
    clock: Clock
    schedule: Schedule
    agency: str
    authority: str
    automatic: bool

    async def due(self, before: datetime | None = None, most: int | None = None) -> Due:
        """What a purge would do now: all cases whose time is over, of those that closed before that moment."""
        now, found = self.clock.now(), Due()
        until = self.schedule.first_closing(now)
        last: ClosedCase | None = None
        while until is not None:
            async with self.store.reading() as work:
                cases = await work.disposals.closed(until, last, PAGE)
            for case in cases:
                if case.is_due(self.schedule, now, before):
                    found.add(case)
            if len(cases) < PAGE or (most is not None and len(found.going) >= most):
                break
            last = cases[-1]
        if most is not None:
            del found.going[most:]
        return found

    async def purge(
        self, due: Due, *, actor: str, before: datetime | None = None, track: Track = untracked, run_id: str = ""
    ) -> Purged:
        """Dispose of what was found due and still is. Broken off midway, what went is certified all the same."""
        run = await self._begin(actor, run_id)
        try:
            for one in track(slices(due.going, most=SLICE, octets=SLICE_OCTETS), "Disposing"):
                await self._dispose(run, one, before)
                await asyncio.sleep(REST)
        finally:
            document = await asyncio.shield(self._certify(run))
        return Purged(certificate=document, erased=await self.store.erase_traces())

    async def finish_broken_off(self) -> list[dict[str, Any]]:
        """Certificates for purges that ended without one: the process was killed, or the machine went down."""
        async with self.store.reading() as work:
            left = await work.disposals.broken_off(self.clock.now() - BROKEN_OFF_AFTER)
        return [await self._certify(run) for run in left]

    async def purge_daily(self) -> Purged | None:
        """Today's purge, if it is switched on, and no node has begun it."""
        if not self.automatic:
            return None
        await self.finish_broken_off()
        run_id = f"D{self.clock.now():%Y%m%d}-daily"
        async with self.store.reading() as work:
            if await work.disposals.run(run_id) is not None:
                return None
        due = await self.due(most=MOST_A_DAY)
        if not due.going:
            return None
        return await self.purge(due, actor=GATEWAY, run_id=run_id)

    async def runs(self) -> list[PurgeRun]:
        """Every purge that there was, the newest first."""
        async with self.store.reading() as work:
            return await work.disposals.runs()

    async def certificate(self, run_id: str) -> dict[str, Any]:
        """The certificate of a purge."""
        async with self.store.reading() as work:
            run = await work.disposals.run(run_id)
        if run is None:
            raise RefusedError("There is no certificate {certificate}", certificate=run_id)
        if not run.document:
            raise RefusedError("The purge {certificate} has not ended; the next purge ends it", certificate=run_id)
        found: dict[str, Any] = json.loads(run.document)
        return found

    async def _begin(self, actor: str, run_id: str) -> PurgeRun:
        now = self.clock.now()
        run_id = run_id or f"D{now:%Y%m%d}-{tokens.item_id()[:8]}"
        run = PurgeRun(id=run_id, begun_at=now, seen_at=now, actor=actor, ended_at=None, document="")
        async with self.store.begin() as work:
            if not await work.disposals.begin(run):
                raise RefusedError("The purge {certificate} was begun already", certificate=run_id)
            days = {str(kept_as): str(number) for kept_as, number in self.schedule.days.items()}
            await work.audit.append(actor, "purge-begun", run_id, {**days, "authority": self.authority})
        return run

    async def _dispose(self, run: PurgeRun, ids: Sequence[CaseId], before: datetime | None) -> None:
        async with self.store.begin() as work:
            gone = [one for case_id in ids if (one := await self._dispose_of(work, case_id, before)) is not None]
            if not await work.disposals.keep(run.id, gone, self.clock.now()):
                raise _ended_by_another(run)
            for one in gone:  # last, as the log's head is everybody's
                detail = {"sha256": one.sha256, "class": one.kept_as, "certificate": run.id}
                await work.audit.append(run.actor, "case-disposed", one.reference, detail)

    async def _dispose_of(self, work: Work, case_id: CaseId, before: datetime | None) -> DisposedCase | None:
        """One case, in its turn; None where somebody has taken it up again, or put it on hold, meanwhile."""
        reference = await work.disposals.reference(case_id)
        if reference is None or await work.cases.in_turn(reference) is None:
            return None
        case, now = await work.disposals.closed_case(reference), self.clock.now()
        if case is None or case.on_hold or case.unfinished or not case.is_due(self.schedule, now, before):
            return None
        await work.disposals.remove(case.id)
        return DisposedCase(
            reference=case.reference,
            kind=case.kind,
            sha256=case.sha256,
            size=case.size,
            kept_as=case.kept_as,
            days=self.schedule.days[case.kept_as],
            received_at=case.received_at,
            closed_at=case.closed_at,
            disposed_at=now,
        )

    async def _certify(self, run: PurgeRun) -> dict[str, Any]:
        database = (await self.store.describe()).kind
        async with self.store.begin() as work:
            now = self.clock.now()
            document = certificate(
                run,
                await work.disposals.disposed(run.id),
                ended_at=now,
                agency=self.agency,
                authority=self.authority,
                version=version("liaison-gateway"),
                database=database,
            )
            if not await work.disposals.end(run.id, json.dumps(document), now):
                raise _ended_by_another(run)
            detail = {"sha256": document["sha256"], "cases": str(len(document["cases"]))}
            await work.audit.append(run.actor, "disposal-certified", run.id, detail)
        return document


def _ended_by_another(run: PurgeRun) -> RefusedError:
    """It did nothing for so long that another node has certified what it did until then."""
    return RefusedError("The purge {certificate} was ended by somebody else", certificate=run.id)
