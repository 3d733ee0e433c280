"""Cases, one row each, and the case files that are shown.

Never decides what a case is; finds it again by its intake key (decision 3).
"""

from __future__ import annotations

from dataclasses import fields
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Literal, TypeAlias

from sqlalchemy import select, true, update

from gateway.errors import StoreError
from gateway.model.case import Case, CaseFile, CaseStatus
from gateway.model.outbox import Purpose
from gateway.store.deliveries import delivery_of
from gateway.store.engine import insert_new
from gateway.store.notes import note_of
from gateway.store.schema import cases, deliveries, notes

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, RowMapping, Select, Table

    from filters.disposition import Tier
    from gateway.model.case import ActionState, CaseId, Disposal
    from gateway.store.asynchronous import AsyncConnection

CaseAction = Literal[Purpose.DECLINE, Purpose.REPORT]
"""The purposes that a case has a state for."""

CaseList = list[Case]
CaseFileList = list[CaseFile]
RowsByCase: TypeAlias = "dict[CaseId | None, list[RowMapping]]"

_FIELDS = tuple(field.name for field in fields(Case))


class Cases:
    """The cases that a unit of work sees."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def insert_or_find(self, case: Case) -> tuple[Case, bool]:
        """The stored case of this intake key, and whether it is new; `case.id` is ignored.

        A second transaction with the same key waits for the first one's end, then finds its case.
        """
        values = {name: getattr(case, name) for name in _FIELDS if name != "id"}
        statement = insert_new(self._connection, cases).values(values)
        once = statement.on_conflict_do_nothing(index_elements=[cases.c.intake_key]).returning(*cases.c)
        row = (await self._connection.execute(once)).mappings().one_or_none()
        if row is not None:
            return _case_of(row), True
        found = await self._one(cases.c.intake_key == case.intake_key)
        if found is None:
            raise StoreError("The case of this message went away while it was looked up")
        return found, False

    async def by_reference(self, reference: str) -> Case | None:
        """The case "LG-XXXXX-XXXXX"."""
        return await self._one(cases.c.reference == reference)

    async def by_id(self, case_id: CaseId) -> Case | None:
        """The case of this row."""
        return await self._one(cases.c.id == case_id)

    async def by_intake_key(self, intake_key: str) -> Case | None:
        """The case of this message, if it was recorded."""
        return await self._one(cases.c.intake_key == intake_key)

    async def set_action(self, case_id: CaseId, action: CaseAction, state: ActionState) -> None:
        """How far the decline or report is. While it has an outbox item, `Outbox` keeps this by itself."""
        await self._connection.execute(update(cases).where(cases.c.id == case_id).values({action.value: state}))

    async def set_reasons(self, case_id: CaseId, *, decline: tuple[str, ...], report: tuple[str, ...]) -> None:
        """Why decline and report were not started by the gateway."""
        reasons = {"decline_reasons": decline, "report_reasons": report}
        await self._connection.execute(update(cases).where(cases.c.id == case_id).values(reasons))

    async def silence(self, case_id: CaseId) -> bool:
        """No decline from now on; False if that was so already."""
        loud = (cases.c.id == case_id) & ~cases.c.silenced
        return (await self._connection.execute(update(cases).where(loud).values(silenced=True))).rowcount == 1

    async def reopen(self, case_id: CaseId) -> bool:
        """Take a case up again; False if it is open."""
        closed = (cases.c.id == case_id) & (cases.c.status == CaseStatus.CLOSED)
        opened = update(cases).where(closed).values(status=CaseStatus.OPEN, disposal=None, closed_at=None)
        return (await self._connection.execute(opened)).rowcount == 1

    async def close(self, case_id: CaseId, disposal: Disposal, at: datetime) -> bool:
        """Close an open case; False if it is closed already or not there."""
        is_open = (cases.c.id == case_id) & (cases.c.status == CaseStatus.OPEN)
        closing = update(cases).where(is_open).values(status=CaseStatus.CLOSED, disposal=disposal, closed_at=at)
        return (await self._connection.execute(closing)).rowcount == 1

    async def list(self, *, status: CaseStatus | None = None, tier: Tier | None = None) -> CaseList:
        """Every case, or those of a status and tier, newest first."""
        return await self._matching(_filter(status, tier))

    async def files(self, *, status: CaseStatus | None = None, tier: Tier | None = None) -> CaseFileList:
        """The same with deliveries and notes: three queries, however many cases."""
        return await self._files(_filter(status, tier))

    async def file(self, reference: str) -> CaseFile | None:
        """One case with everything that hangs on it."""
        return next(iter(await self._files(cases.c.reference == reference)), None)

    async def _files(self, wanted: ColumnElement[bool]) -> CaseFileList:
        found = await self._matching(wanted)
        ids = select(cases.c.id).where(wanted)
        deliveries_of = await self._hanging_on(ids, deliveries)
        notes_of = await self._hanging_on(ids, notes)
        return [
            CaseFile(
                case=case,
                deliveries=tuple(delivery_of(row) for row in deliveries_of.get(case.id, ())),
                notes=tuple(note_of(row) for row in notes_of.get(case.id, ())),
            )
            for case in found
        ]

    async def _hanging_on(self, ids: Select[CaseId], table: Table) -> RowsByCase:
        """The rows of a table that belong to these cases, in one query, by case and in the order in which they came."""
        statement = select(table).where(table.c.case_id.in_(ids)).order_by(table.c.case_id, table.c.id)
        rows = (await self._connection.execute(statement)).mappings()
        return {case_id: list(group) for case_id, group in groupby(rows, key=itemgetter("case_id"))}

    async def _matching(self, wanted: ColumnElement[bool]) -> CaseList:
        statement = select(cases).where(wanted).order_by(cases.c.received_at.desc(), cases.c.id.desc())
        return [_case_of(row) for row in (await self._connection.execute(statement)).mappings()]

    async def _one(self, wanted: ColumnElement[bool]) -> Case | None:
        row = (await self._connection.execute(select(cases).where(wanted))).mappings().one_or_none()
        return None if row is None else _case_of(row)


def _filter(status: CaseStatus | None, tier: Tier | None) -> ColumnElement[bool]:
    wanted: ColumnElement[bool] = true()
    if status is not None:
        wanted &= cases.c.status == status
    if tier is not None:
        wanted &= cases.c.tier == tier
    return wanted


def _case_of(row: RowMapping) -> Case:
    """Columns carry the names of the fields, and their types give the fields' values."""
    return Case(**{name: row[name] for name in _FIELDS})
