"""Listreading: the sender lists as people look at them, what each entry met, and what of them waits for somebody."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from gateway.errors import RefusedError
from gateway.model.list_table import NO_HITS, EntryFilter, Reminders, ends_soon, matching_rows, page_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from filters.lists import EntryKind
    from gateway.clock import Clock
    from gateway.model.list_table import EntryPage, EntryRecord, EntryRow
    from gateway.store.unit_of_work import Store

HIT_WINDOW = timedelta(days=30)
"""In which the hits of an entry are counted, as in the ledger's replays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listreading:
    """The questions."""

    store: Store
    clock: Clock

    async def rows(self, wanted: EntryFilter | None = None) -> list[EntryRow]:
        """Every row that is wanted, in its order."""
        rows = await self._rows()
        return await asyncio.to_thread(matching_rows, rows, wanted or EntryFilter(), self.clock.now().date())

    async def page(self, wanted: EntryFilter, number: int = 1) -> EntryPage:
        """One page of what is wanted; `number` counts from 1."""
        rows = await self._rows()
        return await asyncio.to_thread(page_of, rows, wanted, self.clock.now().date(), number)

    async def record(self, kind: EntryKind, value: str) -> EntryRecord:
        """One entry, also one that is no more on the list. RefusedError for what never was."""
        async with self.store.reading() as work:
            record = await work.list_records.record(kind, value, self.clock.now() - HIT_WINDOW)
        if record is None:
            raise RefusedError("{value} is not on the list", value=value)
        return record

    async def texts(self, versions: Iterable[int]) -> dict[int, str]:
        """What these versions say that they changed, by number."""
        async with self.store.reading() as work:
            return await work.list_records.texts(versions)

    async def reminders(self) -> Reminders:
        """Entries due for review, and exemptions that end soon."""
        now = self.clock.now()
        async with self.store.reading() as work:
            due = await work.list_records.due(now.date())
            exemptions = await work.senders.exemptions(now)
        return Reminders(due=due, ending=tuple(one for one in exemptions if ends_soon(one, now)))

    async def _rows(self) -> list[EntryRow]:
        async with self.store.reading() as work:
            rows = await work.list_records.rows()
            hits = await work.list_records.hits(self.clock.now() - HIT_WINDOW)
        return [replace(row, hits=hits.get((row.entry.kind, row.entry.value), NO_HITS)) for row in rows]
