"""The numbers of the statistics, each counted over an index that has all that is asked for.

A month is asked for by its bounds, so that it is one of the agency's time zone, on both databases alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select

from filters.disposition import Tier
from gateway.model.case import ContactKind, Disposal
from gateway.model.statistics import MissionCount, ReceivedCases
from gateway.store.embedded import brief
from gateway.store.engine import insert_new
from gateway.store.schema import cases, first_decisions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Column, ColumnElement

    from gateway.model.case import Case
    from gateway.store.engine import Connection

_FIRST = brief(insert_new(first_decisions).on_conflict_do_nothing(index_elements=[first_decisions.c.case_id]))
_DISMISSED = cases.c.disposal == Disposal.DISMISSED
_STANDING = or_(cases.c.disposal.is_(None), cases.c.disposal != Disposal.DISMISSED)
_BY_TIER = [func.count().filter(_STANDING & (cases.c.tier == tier)) for tier in Tier]
_BY_KIND = [func.count().filter(_STANDING & (cases.c.kind == kind)) for kind in ContactKind]


class Statistics:
    """What a unit of work sees of them. A time goes from its first moment to the one that is not in it any more."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def decided(self, case: Case, at: datetime) -> None:
        """A person decided something about the case; only the first time counts."""
        seconds = max(0, round((at - case.received_at).total_seconds()))
        row = {"case_id": case.stored_id, "received_at": case.received_at, "seconds": seconds}
        await self._connection.execute(_FIRST, row)

    async def received(self, start: datetime, end: datetime) -> ReceivedCases:
        """The cases that were received in this time. Without a GROUP BY, which would have to sort them."""
        within = _within(cases.c.received_at, start, end)
        counted = select(func.count().filter(_DISMISSED), *_BY_TIER, *_BY_KIND).where(within)
        dismissed, *contacts = (await self._connection.execute(counted)).one()
        return ReceivedCases(
            by_tier=dict(zip(Tier, contacts, strict=False)),
            by_kind=dict(zip(ContactKind, contacts[len(Tier) :], strict=True)),
            dismissed=dismissed,
        )

    async def by_mission(self, start: datetime, end: datetime) -> tuple[MissionCount, ...]:
        """How many contacts each mission made, the most frequent first.

        Time is no condition but a filter: the missions come one after the other out of their index, and need no sort.
        """
        count = func.count().filter(_within(cases.c.received_at, start, end) & _STANDING)
        mission = (cases.c.mission_en, cases.c.mission_fr)
        counted = select(*mission, count).group_by(*mission).having(count > 0).order_by(count.desc(), *mission)
        rows = await self._connection.execute(counted)
        return tuple(MissionCount(mission_en=en, mission_fr=fr, contacts=number) for en, fr, number in rows)

    async def decision_seconds(self, start: datetime, end: datetime) -> Sequence[int]:
        """How long each case of this time waited for a person's first decision."""
        asked = select(first_decisions.c.seconds).where(_within(first_decisions.c.received_at, start, end))
        return (await self._connection.execute(asked)).scalars().all()


def _within(column: Column[datetime], start: datetime, end: datetime) -> ColumnElement[bool]:
    return (column >= start) & (column < end)
