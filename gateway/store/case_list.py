"""The list of cases: pages, numbers and what filters offer, read from the narrow indexes alone.

Each question but that for the lines of a page goes through an index that has all it needs. Never changes anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, case, func, select

from filters.disposition import Tier
from gateway.model.case_list import NEEDS, PAGE, CaseLine, CaseOrder, ListedMission, Need, Needed
from gateway.store.case_filter import matching
from gateway.store.embedded import brief
from gateway.store.schema import cases, deliveries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement, RowMapping, Select

    from gateway.model.case import CaseId, DeliveryState
    from gateway.model.case_list import CaseFilter
    from gateway.store.engine import Connection

_FIELDS = (
    *("reference", "kind", "tier", "status", "disposal", "received_at", "reverse_path", "header_from", "subject"),
    *("entry", "mission_en", "mission_fr", "decline", "report", "assigned_to"),
)
_NEWEST = (cases.c.received_at.desc(), cases.c.id.desc())
_RANK = case({tier.value: rank for rank, tier in enumerate(Tier)}, value=cases.c.tier)
_ORDERS: Mapping[CaseOrder, tuple[ColumnElement[Any], ...]] = {
    CaseOrder.NEWEST: _NEWEST,
    CaseOrder.OLDEST: (cases.c.received_at, cases.c.id),
    CaseOrder.TIER: (_RANK, *_NEWEST),
    CaseOrder.MISSION: (cases.c.mission_en, *_NEWEST),
}

_THESE = bindparam("these", expanding=True)
_LINES = select(cases.c.id, *(cases.c[name] for name in _FIELDS)).where(cases.c.id.in_(_THESE))
_DELIVERIES = (
    select(
        deliveries.c.case_id, deliveries.c.state, func.count().label("number"), func.min(deliveries.c.recipient).label("one")
    )
    .where(deliveries.c.case_id.in_(_THESE))
    .group_by(deliveries.c.case_id, deliveries.c.state)
)


class CaseListing:
    """The list that a unit of work sees."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def count(self, wanted: CaseFilter) -> int:
        """How many cases these are."""
        counted = select(func.count()).select_from(cases).where(matching(wanted))
        number: int = (await self._connection.execute(counted)).scalar_one()
        return number

    async def lines(self, wanted: CaseFilter, order: CaseOrder, *, skip: int, most: int = PAGE) -> list[CaseLine]:
        """So many of them in this order, after so many others."""
        ids = select(cases.c.id).where(matching(wanted)).order_by(*_ORDERS[order]).limit(most).offset(skip)
        return await self._lines(list((await self._connection.execute(ids)).scalars()))

    async def references(self, wanted: CaseFilter, *, after: int, upto: int, most: int) -> list[tuple[int, str]]:
        """Row and reference of the next of these cases, by their rows: whatever becomes of the ones before."""
        these = select(cases.c.id).where(matching(wanted), cases.c.id > after, cases.c.id <= upto)
        slice_of = select(cases.c.id, cases.c.reference).where(
            cases.c.id.in_(these.order_by(cases.c.id).limit(most).scalar_subquery())
        )
        return [tuple(row) for row in await self._connection.execute(slice_of.order_by(cases.c.id))]

    async def last_row(self) -> int:
        """The newest case's, 0 without any."""
        last: int | None = (await self._connection.execute(select(func.max(cases.c.id)))).scalar_one()
        return last or 0

    async def needs(self) -> dict[Need, Needed]:
        """What needs a person. Two questions: what is held stands in another table."""
        found = {Need.HELD: await self._held()}
        others = [need for need in Need if need is not Need.HELD]
        numbers = (column for need in others for column in _numbers(NEEDS[need]))
        row = (await self._connection.execute(select(*numbers).select_from(cases))).one()
        for place, need in enumerate(others):
            found[need] = Needed(cases=row[2 * place], oldest=row[2 * place + 1])
        return found

    async def missions(self) -> list[ListedMission]:
        """Every entry that decided about a case, with its mission, by the missions' names."""
        named = (cases.c.mission_en, cases.c.mission_fr, cases.c.entry)
        grouped = select(*named, func.count().label("number")).group_by(*named).order_by(*named)
        return [
            ListedMission(name_en=row.mission_en, name_fr=row.mission_fr, entry=row.entry, cases=row.number)
            for row in await self._connection.execute(grouped)
        ]

    async def _held(self) -> Needed:
        held = select(func.count(), func.min(cases.c.received_at)).where(matching(NEEDS[Need.HELD]))
        number, oldest = (await self._connection.execute(held)).one()
        return Needed(cases=number, oldest=oldest)

    async def _lines(self, ids: Sequence[CaseId]) -> list[CaseLine]:
        rows = {row["id"]: row for row in (await self._connection.execute(_LINES, {"these": ids})).mappings()}
        copies: dict[CaseId, list[RowMapping]] = {}
        for row in (await self._connection.execute(_DELIVERIES, {"these": ids})).mappings():
            copies.setdefault(row["case_id"], []).append(row)
        return [_line(rows[case_id], copies.get(case_id, [])) for case_id in ids]


def _numbers(wanted: CaseFilter) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    return (
        func.count().filter(matching(wanted)),
        func.min(cases.c.received_at).filter(matching(wanted)),
    )


def _line(row: RowMapping, copies: Sequence[RowMapping]) -> CaseLine:
    states: dict[DeliveryState, int] = {copy["state"]: copy["number"] for copy in copies}
    return CaseLine(
        **{name: row[name] for name in _FIELDS},
        recipient=min((copy["one"] for copy in copies), default=""),
        deliveries=states,
    )
