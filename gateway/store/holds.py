"""Legal holds: placed and lifted one by one. Never decides what a hold forbids; a purge asks `is_on_hold`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import exists, insert, select, update

from gateway.model.hold import Hold
from gateway.store.columns import named
from gateway.store.embedded import brief
from gateway.store.records_schema import case_holds
from gateway.store.schema import cases

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, RowMapping

    from gateway.model.case import CaseId
    from gateway.store.engine import Connection


def is_on_hold() -> ColumnElement[bool]:
    """Of a row of `cases`: whether a hold stands."""
    return exists().where(case_holds.c.case_id == cases.c.id, case_holds.c.lifted_at.is_(None))


class Holds:
    """The holds that a unit of work sees."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def place(self, case_id: CaseId, hold: Hold) -> None:
        """Put a hold on a case; its number is the next one of the case."""
        await self._connection.execute(brief(insert(case_holds)), {"case_id": case_id, **named(hold)})

    async def lift(self, case_id: CaseId, number: int, at: datetime) -> None:
        """The hold stands no more."""
        this = (case_holds.c.case_id == case_id) & (case_holds.c.number == number)
        await self._connection.execute(brief(update(case_holds).where(this)), {"lifted_at": at})

    async def of(self, case_id: CaseId) -> list[Hold]:
        """Every hold that was ever placed on a case, in order."""
        statement = select(case_holds).where(case_holds.c.case_id == case_id).order_by(case_holds.c.number)
        return [hold_of(row) for row in (await self._connection.execute(brief(statement))).mappings()]


def hold_of(row: RowMapping) -> Hold:
    """The hold of a row."""
    return Hold(**{name: row[name] for name in Hold.__slots__})
