"""The numbers of the statistics: one grouped query for each, over an index that has all that it asks for.

Months are told apart by their bounds, so that they are those of the agency's time zone, on both databases alike.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import case, func, literal, select

from gateway.model.case import Disposal
from gateway.model.statistics import DecisionTime, MissionCount
from gateway.store.embedded import brief
from gateway.store.engine import insert_new
from gateway.store.schema import cases, first_decisions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Column, ColumnElement

    from filters.disposition import Tier
    from gateway.model.case import Case
    from gateway.store.engine import Connection

_FIRST = brief(insert_new(first_decisions).on_conflict_do_nothing(index_elements=[first_decisions.c.case_id]))
_DISMISSED = func.coalesce(cases.c.disposal == Disposal.DISMISSED, False)


class Statistics:
    """What a unit of work sees of them. `bounds` are moments, one more than there are months."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def decided(self, case: Case, at: datetime) -> None:
        """A person decided something about the case; only the first time counts."""
        seconds = max(0, round((at - case.received_at).total_seconds()))
        row = {"case_id": case.stored_id, "received_at": case.received_at, "seconds": seconds}
        await self._connection.execute(_FIRST, row)

    async def by_month(self, bounds: Sequence[datetime]) -> Mapping[tuple[int, Tier, bool], int]:
        """How many cases were received, by the month's number, the tier, and whether they were dismissed."""
        month, dismissed = _month(cases.c.received_at, bounds).label("month"), _DISMISSED.label("dismissed")
        received = select(month, cases.c.tier, dismissed).where(_within(cases.c.received_at, bounds)).subquery()
        counted = select(received.c.month, received.c.tier, received.c.dismissed, func.count()).group_by(*received.c)
        rows = await self._connection.execute(counted)
        return {(number, tier, bool(gone)): count for number, tier, gone, count in rows}

    async def by_mission(self, bounds: Sequence[datetime]) -> tuple[MissionCount, ...]:
        """How many contacts each mission made, the most frequent first."""
        count = func.count()
        counted = (
            select(cases.c.mission_en, cases.c.mission_fr, count)
            .where(_within(cases.c.received_at, bounds), ~_DISMISSED)
            .group_by(cases.c.mission_en, cases.c.mission_fr)
            .order_by(count.desc(), cases.c.mission_en, cases.c.mission_fr)
        )
        rows = await self._connection.execute(counted)
        return tuple(MissionCount(mission_en=en, mission_fr=fr, contacts=number) for en, fr, number in rows)

    async def decision_times(self, bounds: Sequence[datetime]) -> Mapping[int, DecisionTime]:
        """The median time to a person's first decision, by the number of the month in which the case was received."""
        month = _month(first_decisions.c.received_at, bounds).label("month")
        ranked = (
            select(
                month,
                first_decisions.c.seconds,
                func.row_number().over(partition_by=month, order_by=first_decisions.c.seconds).label("place"),
                func.count().over(partition_by=month).label("of"),
            )
            .where(_within(first_decisions.c.received_at, bounds))
            .subquery()
        )
        medians = (
            select(ranked.c.month, func.avg(ranked.c.seconds), func.max(ranked.c.of))
            .where((ranked.c.place * 2).between(ranked.c.of, ranked.c.of + 2))  # the one in the middle, or the two
            .group_by(ranked.c.month)
        )
        return {
            number: DecisionTime(median=timedelta(seconds=float(seconds)), cases=count)
            for number, seconds, count in await self._connection.execute(medians)
        }


def _within(column: Column[datetime], bounds: Sequence[datetime]) -> ColumnElement[bool]:
    return (column >= bounds[0]) & (column < bounds[-1])


def _month(column: Column[datetime], bounds: Sequence[datetime]) -> ColumnElement[int]:
    """The number of the month that a moment within the bounds lies in."""
    ends = [(column < end, literal(number)) for number, end in enumerate(bounds[1:-1])]
    last = literal(len(bounds) - 2)
    return case(*ends, else_=last) if ends else last
