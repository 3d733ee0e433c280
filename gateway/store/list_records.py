"""What is known about the entries of the sender lists: which version said them first and last, and what they met.

Never changes the lists: that is `gateway.store.senders`'.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from sqlalchemy import case, func, insert, or_, select

from filters.lists import EntryKind, ListEntry
from gateway.model.list_table import EntryRecord, EntryRow, Hits, Stamp
from gateway.store.embedded import FEW, brief
from gateway.store.schema import case_entries, rulebook_versions, sender_entries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from gateway.model.case import CaseId
    from gateway.store.engine import Connection

_SLICE = 250
"""Rows that are read at one go."""
_FIELDS = tuple(field.name for field in fields(ListEntry))
_COLUMNS = [sender_entries.c[name] for name in _FIELDS]
_LIVE = sender_entries.c.removed_in.is_(None)
_MET = brief(insert(case_entries))

EntryKey = tuple[EntryKind, str]


class ListRecords:
    """What a unit of work sees of it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def meet(self, case_id: CaseId, entries: Sequence[ListEntry], at: datetime) -> None:
        """A case met these entries. The first are enough: a hostile message can name all of a list."""
        met = dict.fromkeys((entry.kind, entry.value) for entry in entries[:FEW])
        rows = [{"case_id": case_id, "kind": kind, "value": value, "received_at": at} for kind, value in met]
        if rows:
            await self._connection.execute(_MET, rows)

    async def hits(self, since: datetime) -> dict[EntryKey, Hits]:
        """How often each entry was met since then, and when for the last time. One pass over an index."""
        kind, value, at = case_entries.c.kind, case_entries.c.value, case_entries.c.received_at
        recent = func.sum(case((at >= since, 1), else_=0))
        statement = select(kind, value, recent, func.max(at)).group_by(kind, value)
        return {(row[0], row[1]): Hits(row[2], row[3]) for row in await self._connection.execute(statement)}

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
        statement = select(*_COLUMNS).where(wanted).order_by(sender_entries.c.id)
        rows = await self._connection.execute(statement)
        return tuple(ListEntry(**dict(zip(_FIELDS, row, strict=True))) for row in rows)

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
        statement = select(*_COLUMNS).where(_LIVE & (review_by <= today)).order_by(review_by, sender_entries.c.id)
        rows = await self._connection.execute(statement)
        return tuple(ListEntry(**dict(zip(_FIELDS, row, strict=True))) for row in rows)

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
