"""The list of cases: pages, numbers and what filters offer, read from the narrow indexes alone.

Each question but that for the lines of a page goes through an index that has all it needs. Never changes anything.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, assert_never

from sqlalchemy import and_, bindparam, case, func, literal, or_, select, tuple_

from filters.disposition import Tier
from gateway.model.case import CaseStatus
from gateway.model.case_list import EVERY_CASE, NEEDS, PAGE, CaseLine, CaseOrder, CasePage, ListedMission, Need, Needed
from gateway.store.case_filter import matching
from gateway.store.case_search import has_words
from gateway.store.holds import is_on_hold
from gateway.store.schema import case_search, cases, deliveries

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import BindParameter, ColumnElement, RowMapping, Select
    from sqlalchemy.engine import Row

    from gateway.model.case import CaseId, DeliveryState
    from gateway.model.case_list import CaseFilter
    from gateway.store.engine import Connection

_FIELDS = (
    *("reference", "kind", "tier", "status", "disposal", "received_at", "reverse_path", "header_from", "subject"),
    *("entry", "mission_en", "mission_fr", "decline", "report", "assigned_to", "answer"),
)
_NEWEST = (cases.c.received_at.desc(), cases.c.id.desc())
_RANK = case({tier.value: rank for rank, tier in enumerate(Tier)}, value=cases.c.tier)
_NAMELESS = case((cases.c.mission_en == "", 1), else_=0)
_ORDERS: Mapping[CaseOrder, tuple[ColumnElement[Any], ...]] = {
    CaseOrder.NEWEST: _NEWEST,
    CaseOrder.OLDEST: (cases.c.received_at, cases.c.id),
    CaseOrder.MISSION: (_NAMELESS, cases.c.mission_en, *_NEWEST),
    CaseOrder.TIER: (_RANK, *_NEWEST),
}

_TIERS = tuple(Tier)
_PLACE = select(cases.c.received_at, cases.c.id, cases.c.tier, cases.c.mission_en).where(
    cases.c.reference == bindparam("reference")
)
_NEEDY = or_(*(matching(replace(need, status=CaseStatus.OPEN), dense=True) for need in NEEDS.values()))

_ELSEWHERE = (Need.HELD, Need.ANSWER_RECEIVED)
"""Held copies stand in another table, answers in an index of their own."""
DENSE = 5000
"""From so many cases on, those of a page are found soonest by going through all in order."""

_THESE: BindParameter[Any] = bindparam("these", expanding=True)
_LINES = select(cases.c.id, *(cases.c[name] for name in _FIELDS)).where(cases.c.id.in_(_THESE))
_DELIVERIES = (
    select(
        deliveries.c.case_id,
        deliveries.c.state,
        func.count().label("number"),
        func.min(deliveries.c.recipient).label("one"),
    )
    .where(deliveries.c.case_id.in_(_THESE))
    .group_by(deliveries.c.case_id, deliveries.c.state)
)
_ON_HOLD = select(cases.c.id).where(cases.c.id.in_(_THESE), is_on_hold())


class CaseListing:
    """The list that a unit of work sees."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def count(self, wanted: CaseFilter) -> int:
        """How many cases these are."""
        if not wanted.words:
            return await self._number(select(func.count()).select_from(cases).where(matching(wanted)))
        hits = await self._number(select(func.count()).select_from(case_search).where(has_words(wanted.words)))
        if replace(wanted, words=()) == EVERY_CASE:
            return hits
        condition = matching(wanted, dense=hits > DENSE)
        return await self._number(select(func.count()).select_from(cases).where(condition))

    async def page(self, wanted: CaseFilter, order: CaseOrder, number: int) -> CasePage:
        """A page of these cases, counted from 1; past the end it is the last one."""
        total = await self.count(wanted)
        number = max(1, min(number, -(-total // PAGE)))
        ids = await self._ids(wanted, order, dense=total > DENSE, skip=(number - 1) * PAGE, most=PAGE)
        return CasePage(lines=tuple(await self._lines(ids)), number=number, total=total)

    async def first(self, wanted: CaseFilter, order: CaseOrder, most: int) -> list[CaseLine]:
        """The first of these cases."""
        return await self._lines(await self._ids(wanted, order, dense=False, skip=0, most=most))

    async def following(self, wanted: CaseFilter, order: CaseOrder, reference: str) -> str:
        """The case of these that comes behind that one, which needs not be one of them; "" where none does."""
        place = (await self._connection.execute(_PLACE, {"reference": reference})).one_or_none()
        number = await self.count(wanted) if place else 0
        if place is None or not number:
            return ""
        these = matching(wanted, dense=number > DENSE)
        for behind, first in _behind(order, place):
            sought = select(cases.c.reference).where(these, behind).order_by(*first).limit(1)
            found = (await self._connection.execute(sought)).scalar_one_or_none()
            if found is not None:
                return str(found)
        return ""

    async def oldest_in_need(self, *, instead_of: str) -> str:
        """The open case that has needed a person for longest, that one apart; "" where none does."""
        needy = select(cases.c.reference).where(_NEEDY, cases.c.reference != instead_of)
        found = await self._connection.execute(needy.order_by(*_ORDERS[CaseOrder.OLDEST]).limit(1))
        return found.scalar_one_or_none() or ""

    async def references(self, wanted: CaseFilter, most: int) -> list[str]:
        """The references of the oldest of these cases, so many."""
        ids = await self._ids(wanted, CaseOrder.OLDEST, dense=False, skip=0, most=most)
        named = select(cases.c.id, cases.c.reference).where(cases.c.id.in_(_THESE))
        found = {row.id: row.reference for row in await self._connection.execute(named, {"these": ids})}
        return [found[case_id] for case_id in ids]

    async def needs(self) -> dict[Need, Needed]:
        """What needs a person. What the index of the list does not have is asked for by itself."""
        found = {need: await self._needed(need) for need in _ELSEWHERE}
        others = [need for need in Need if need not in _ELSEWHERE]
        numbers = (column for need in others for column in _numbers(NEEDS[need]))
        row = (await self._connection.execute(select(*numbers).select_from(cases))).one()
        for place, need in enumerate(others):
            found[need] = Needed(cases=row[2 * place], oldest=row[2 * place + 1])
        return {need: found[need] for need in Need}

    async def missions(self) -> list[ListedMission]:
        """Every entry that decided about a case, with its mission, by the missions' names."""
        named = (cases.c.mission_fr, cases.c.mission_en, cases.c.entry)
        grouped = select(*named, func.count().label("number")).group_by(*named)
        found = [
            ListedMission(name_en=row.mission_en, name_fr=row.mission_fr, entry=row.entry, cases=row.number)
            for row in await self._connection.execute(grouped)
        ]
        return sorted(found, key=lambda mission: (mission.name_en, mission.entry))

    async def _number(self, statement: Select[int]) -> int:
        number: int = (await self._connection.execute(statement)).scalar_one()
        return number

    async def _ids(self, wanted: CaseFilter, order: CaseOrder, *, dense: bool, skip: int, most: int) -> list[CaseId]:
        ids = select(cases.c.id).where(matching(wanted, dense=dense)).order_by(*_ORDERS[order])
        return list((await self._connection.execute(ids.limit(most).offset(skip))).scalars())

    async def _needed(self, need: Need) -> Needed:
        counted = select(func.count(), func.min(cases.c.received_at)).where(matching(NEEDS[need]))
        number, oldest = (await self._connection.execute(counted)).one()
        return Needed(cases=number, oldest=oldest)

    async def _lines(self, ids: Sequence[CaseId]) -> list[CaseLine]:
        rows = {row["id"]: row for row in (await self._connection.execute(_LINES, {"these": ids})).mappings()}
        copies: dict[CaseId, list[RowMapping]] = {}
        for row in (await self._connection.execute(_DELIVERIES, {"these": ids})).mappings():
            copies.setdefault(row["case_id"], []).append(row)
        kept = set((await self._connection.execute(_ON_HOLD, {"these": ids})).scalars())
        return [_line(rows[case_id], copies.get(case_id, []), on_hold=case_id in kept) for case_id in ids]


def _numbers(wanted: CaseFilter) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    return (
        func.count().filter(matching(wanted)),
        func.min(cases.c.received_at).filter(matching(wanted)),
    )


def _behind(
    order: CaseOrder, place: Row[Any, Any, Any, Any]
) -> Iterator[tuple[ColumnElement[bool], tuple[ColumnElement[Any], ...]]]:
    """Where to look, in turn, for what comes behind that place, and what comes first there: each goes by an index."""
    age, here = tuple_(cases.c.received_at, cases.c.id), _age_of(place)
    match order:
        case CaseOrder.OLDEST:
            yield age > here, _ORDERS[order]
        case CaseOrder.NEWEST:
            yield age < here, _NEWEST
        case CaseOrder.MISSION:
            mission = cases.c.mission_en
            yield and_(mission == place.mission_en, age < here), _NEWEST
            if place.mission_en:
                yield mission > place.mission_en, (mission, *_NEWEST)
                yield mission == "", _NEWEST
        case CaseOrder.TIER:
            yield and_(cases.c.tier == place.tier, age < here), _NEWEST
            yield from ((cases.c.tier == tier, _NEWEST) for tier in _TIERS[_TIERS.index(place.tier) + 1 :])
        case unreachable:
            assert_never(unreachable)


def _age_of(place: Row[Any, Any, Any, Any]) -> ColumnElement[Any]:
    return tuple_(literal(place.received_at, cases.c.received_at.type), literal(place.id, cases.c.id.type))


def _line(row: RowMapping, copies: Sequence[RowMapping], *, on_hold: bool) -> CaseLine:
    states: dict[DeliveryState, int] = {copy["state"]: copy["number"] for copy in copies}
    return CaseLine(
        **{name: row[name] for name in _FIELDS},
        recipient=min((copy["one"] for copy in copies), default=""),
        deliveries=states,
        on_hold=on_hold,
    )
