"""Cases with what hangs on them: deliveries, notes and holds, read together. Never writes."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from sqlalchemy import select

from gateway.model.case import Case, CaseFile, ContactKind
from gateway.model.case_list import EVERY_CASE
from gateway.store.case_filter import matching
from gateway.store.cases import case_of
from gateway.store.deliveries import delivery_of
from gateway.store.holds import hold_of
from gateway.store.notes import note_of
from gateway.store.records_schema import case_holds
from gateway.store.schema import cases, deliveries, notes

if TYPE_CHECKING:
    from sqlalchemy import Column, ColumnElement, RowMapping, Select, Table

    from gateway.model.case import CaseId
    from gateway.model.case_list import CaseFilter
    from gateway.store.engine import Connection

    RowsByCase = dict[CaseId | None, list[RowMapping]]


class CaseFiles:
    """The cases that a unit of work sees, as files."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def cases(self, wanted: CaseFilter = EVERY_CASE) -> list[Case]:
        """These cases, newest first."""
        return await self._matching(matching(wanted))

    async def matching(self, wanted: CaseFilter = EVERY_CASE) -> list[CaseFile]:
        """The same with deliveries, notes and holds: four queries, however many cases."""
        return await self._files(matching(wanted))

    async def of(self, reference: str) -> CaseFile | None:
        """One case with everything that hangs on it."""
        return next(iter(await self._files(cases.c.reference == reference)), None)

    async def recent_clients(self, most: int) -> list[str]:
        """The IP addresses that the last mails of cases came from, newest first; "" where there was none."""
        wanted = cases.c.kind == ContactKind.MAIL
        newest = (cases.c.received_at.desc(), cases.c.id.desc())
        rows = await self._connection.execute(select(cases.c.client_ip).where(wanted).order_by(*newest).limit(most))
        return list(rows.scalars())

    async def _files(self, wanted: ColumnElement[bool]) -> list[CaseFile]:
        found = await self._matching(wanted)
        ids = select(cases.c.id).where(wanted)
        deliveries_of = await self._hanging_on(ids, deliveries)
        notes_of = await self._hanging_on(ids, notes)
        holds_of = await self._hanging_on(ids, case_holds, case_holds.c.number)
        return [
            CaseFile(
                case=case,
                deliveries=tuple(delivery_of(row) for row in deliveries_of.get(case.id, ())),
                notes=tuple(note_of(row) for row in notes_of.get(case.id, ())),
                holds=tuple(hold_of(row) for row in holds_of.get(case.id, ())),
            )
            for case in found
        ]

    async def _hanging_on(self, ids: Select[CaseId], table: Table, order: Column[int] | None = None) -> RowsByCase:
        """The rows of a table that belong to these cases, in one query, by case and in the order in which they came."""
        came = table.c.id if order is None else order
        statement = select(table).where(table.c.case_id.in_(ids)).order_by(table.c.case_id, came)
        rows = (await self._connection.execute(statement)).mappings()
        return {case_id: list(group) for case_id, group in groupby(rows, key=itemgetter("case_id"))}

    async def _matching(self, wanted: ColumnElement[bool]) -> list[Case]:
        statement = select(cases).where(wanted).order_by(cases.c.received_at.desc(), cases.c.id.desc())
        return [case_of(row) for row in (await self._connection.execute(statement)).mappings()]
