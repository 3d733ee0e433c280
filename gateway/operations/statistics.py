"""Statistics: what records staff tell their superiors. Numbers only, and never about a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.model.statistics import Contacts, months_until

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
    days, bounds = months.days, months.bounds
    counted = await work.statistics.by_month(bounds)
    whole = await work.statistics.decision_times((bounds[0], bounds[-1]))
    dismissed = dict.fromkeys(days, 0)
    for (number, _, was_dismissed), count in counted.items():
        dismissed[days[number]] += count if was_dismissed else 0
    return Contacts(
        months=months,
        by_month={(days[number], tier): count for (number, tier, gone), count in counted.items() if not gone},
        dismissed={day: count for day, count in dismissed.items() if count},
        by_mission=await work.statistics.by_mission(bounds),
        decision_by_month={
            days[number]: time for number, time in (await work.statistics.decision_times(bounds)).items()
        },
        decision=whole.get(0),
    )
