"""Statistics: what records staff tell their superiors. Numbers only, and never about a person."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TYPE_CHECKING

from gateway.model.statistics import Contacts, DecisionTime, months_until

if TYPE_CHECKING:
    from datetime import tzinfo

    from gateway.clock import Clock
    from gateway.model.statistics import Months
    from gateway.store.unit_of_work import Store, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """The question."""

    store: Store
    clock: Clock

    async def contacts(self, months: int, zone: tzinfo) -> Contacts:
        """The contacts of the last so many months, this one included, as months are in that zone."""
        async with self.store.reading() as work:
            return await _contacts(work, months_until(self.clock.now(), months, zone))


async def _contacts(work: Work, months: Months) -> Contacts:
    """A statement for each month and each number: the database goes through an index, and sorts nothing."""
    bounds = months.bounds
    spans = list(zip(months.days, pairwise(bounds), strict=True))
    seconds = {day: await work.statistics.decision_seconds(*span) for day, span in spans}
    return Contacts(
        months=months,
        by_month={day: await work.statistics.received(*span) for day, span in spans},
        by_mission=await work.statistics.by_mission(bounds[0], bounds[-1]),
        decision_by_month={day: time for day, its in seconds.items() if (time := DecisionTime.of(its)) is not None},
        decision=DecisionTime.of([*chain.from_iterable(seconds.values())]),
    )
