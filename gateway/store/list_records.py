"""What is known about the sender lists: what each version changed, who said an entry, what it met, exemptions gone by.

Never changes the lists: that is `gateway.store.senders`'.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, func, or_, select

from filters.lists import EntryKind, ListEntry
from gateway.model.list_change import ListChange, ListVersion
from gateway.model.list_table import EndedExemption, EntryRecord, EntryRow, Hits, Stamp
from gateway.store.schema import case_entries, exemptions, rulebook_versions, sender_entries
from gateway.store.senders import exemption_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from sqlalchemy import Column, ColumnElement

    from gateway.store.engine import Connection

_SLICE = 250
"""Rows that are read at one go."""
_FIELDS = tuple(field.name for field in fields(ListEntry))
_COLUMNS = [sender_entries.c[name] for name in _FIELDS]
_LIVE = sender_entries.c.removed_in.is_(None)

EntryKey = tuple[EntryKind, str]


class ListRecords:
    """What a unit of work sees of it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def hits(self, since: datetime) -> dict[EntryKey, Hits]:
        """How often each entry was met since then, and when for the last time. One pass over an index."""
        kind, value, at = case_entries.c.kind, case_entries.c.value, case_entries.c.received_at
        recent = func.sum(case((at >= since, 1), else_=0))
        statement = select(kind, value, recent, func.max(at)).group_by(kind, value)
        return {(row[0], row[1]): Hits(row[2], row[3]) for row in await self._connection.execute(statement)}

    async def history(self) -> list[ListVersion]:
        """Every version, newest first."""
        added = await self._counts(sender_entries.c.added_in)
        removed = await self._counts(sender_entries.c.removed_in)
        versions = await self._connection.execute(select(rulebook_versions).order_by(rulebook_versions.c.number.desc()))
        return [
            ListVersion(
                number=version.number,
                at=version.at,
                actor=version.actor,
                text=version.text,
                added=added.get(version.number, 0),
                removed=removed.get(version.number, 0),
            )
            for version in versions
        ]

    async def texts(self, numbers: Iterable[int]) -> dict[int, str]:
        """What these versions say that they changed, by number."""
        version = rulebook_versions.c
        statement = select(version.number, version.text).where(version.number.in_(list(numbers)))
        return {row.number: row.text for row in await self._connection.execute(statement)}

    async def change_of(self, number: int) -> ListChange | None:
        """What a version changed; None when there was no such version."""
        known = select(rulebook_versions.c.number).where(rulebook_versions.c.number == number)
        if (await self._connection.execute(known)).scalar() is None:
            return None
        return ListChange(
            added=await self._entries(sender_entries.c.added_in == number),
            removed=await self._entries(sender_entries.c.removed_in == number),
        )

    async def ended_exemptions(self, now: datetime, most: int) -> list[EndedExemption]:
        """Those that are over, on their date or before it, the newest end first; so many."""
        end = func.coalesce(exemptions.c.ended_at, exemptions.c.until)
        over = select(exemptions, end.label("end")).where(end <= now).order_by(end.desc(), exemptions.c.id)
        rows = await self._connection.execute(over.limit(most))
        return [EndedExemption(exemption_of(row), row.end) for row in rows]

    async def rows(self) -> list[EntryRow]:
        """Every entry in force with its versions, in the order of the list; no hits yet."""
        first = await self._first_versions()
        version = rulebook_versions.c
        statement = (
            select(*_COLUMNS, version.number, version.at, version.actor)
            .join(rulebook_versions, sender_entries.c.added_in == version.number)
            .where(_LIVE)
            .order_by(sender_entries.c.id)
        )
        rows: list[EntryRow] = []
        async with self._connection.stream(statement) as result:
            async for some in result.partitions(_SLICE):
                for one in some:
                    entry = ListEntry(**dict(zip(_FIELDS, one, strict=False)))
                    changed = Stamp(*one[len(_FIELDS) :])
                    rows.append(
                        EntryRow(entry=entry, added=first.get((entry.kind, entry.value), changed), changed=changed)
                    )
        return rows

    async def as_of(self, number: int) -> tuple[ListEntry, ...]:
        """The entries that were in force under a version."""
        removed = sender_entries.c.removed_in
        wanted = (sender_entries.c.added_in <= number) & or_(removed.is_(None), removed > number)
        return await self._entries(wanted)

    async def record(self, kind: EntryKind, value: str, since: datetime) -> EntryRecord | None:
        """All that an entry has said since it was first listed, and what it met since then; None for no entry."""
        added, removed = rulebook_versions.c, rulebook_versions.alias().c
        statement = (
            select(added.number, added.at, added.actor, removed.number, removed.at, removed.actor, *_COLUMNS)
            .select_from(sender_entries)
            .join(rulebook_versions, sender_entries.c.added_in == added.number)
            .outerjoin(removed.number.table, sender_entries.c.removed_in == removed.number)
            .where((sender_entries.c.kind == kind) & (sender_entries.c.value == value))
            .order_by(sender_entries.c.id.desc())
        )
        rows = list(await self._connection.execute(statement))
        if not rows:
            return None
        said = ((Stamp(*row[:3]), ListEntry(**dict(zip(_FIELDS, row[6:], strict=True)))) for row in rows)
        return EntryRecord(
            said=tuple(said),
            removed=None if rows[0][3] is None else Stamp(*rows[0][3:6]),
            hits=await self._hits_of(kind, value, since),
        )

    async def _hits_of(self, kind: EntryKind, value: str, since: datetime) -> Hits:
        at = case_entries.c.received_at
        met = select(func.count().filter(at >= since), func.max(at)).where(
            (case_entries.c.kind == kind) & (case_entries.c.value == value)
        )
        return Hits(*(await self._connection.execute(met)).one())

    async def due(self, today: date) -> tuple[ListEntry, ...]:
        """The entries in force that were to be looked at again by this day, the longest overdue first."""
        review_by = sender_entries.c.review_by
        return await self._entries(_LIVE & (review_by <= today), review_by)

    async def _first_versions(self) -> dict[EntryKey, Stamp]:
        """The first version of those entries that were said more than once."""
        kind, value = sender_entries.c.kind, sender_entries.c.value
        often = (
            select(kind, value, func.min(sender_entries.c.added_in).label("number"))
            .group_by(kind, value)
            .having(func.count() > 1)
            .subquery()
        )
        version = rulebook_versions.c
        statement = select(often.c.kind, often.c.value, version.number, version.at, version.actor).join(
            rulebook_versions, often.c.number == version.number
        )
        return {(row[0], row[1]): Stamp(*row[2:]) for row in await self._connection.execute(statement)}

    async def _counts(self, version: Column[int]) -> dict[int, int]:
        """How many entries this happened to, by version."""
        statement = select(version, func.count()).where(version.is_not(None)).group_by(version)
        return {row[0]: row[1] for row in await self._connection.execute(statement)}

    async def _entries(self, wanted: ColumnElement[bool], *order: Column[Any]) -> tuple[ListEntry, ...]:
        """In this order, and in that of the list."""
        statement = select(*_COLUMNS).where(wanted).order_by(*order, sender_entries.c.id)
        rows = await self._connection.execute(statement)
        return tuple(ListEntry(**dict(zip(_FIELDS, row, strict=True))) for row in rows)
