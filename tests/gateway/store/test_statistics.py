"""The numbers of the statistics, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from filters.disposition import Tier
from gateway.model.case import ContactKind, Disposal
from gateway.model.statistics import MOST_MONTHS, MissionCount, months_until
from gateway.operations.statistics import Statistics
from tests.support.clocks import NOON
from tests.support.records import a_case, record, stored_id

if TYPE_CHECKING:
    from gateway.model.case import Case
    from gateway.model.statistics import Contacts
    from gateway.store.unit_of_work import Store
    from tests.support.clocks import StoppedClock

APRIL, MAY = date(2026, 4, 1), date(2026, 5, 1)
TORONTO = ZoneInfo("America/Toronto")


async def recorded(store: Store, at: datetime, mission: str = "Embassy", tier: Tier = Tier.CONFIRMED) -> Case:
    case = replace(a_case(), received_at=at, mission_en=mission, mission_fr=f"{mission} (fr)", tier=tier)
    async with store.begin() as work:
        return await record(work, case)


async def decided(store: Store, case: Case, after: timedelta) -> None:
    async with store.begin() as work:
        await work.statistics.decided(case, case.received_at + after)


async def contacts(store: Store, clock: StoppedClock, months: int = 2) -> Contacts:
    return await Statistics(store=store, clock=clock).contacts(months, UTC)


async def test_an_empty_record_has_months_without_contacts(store: Store, clock: StoppedClock) -> None:
    seen = await contacts(store, clock)
    assert (seen.total, seen.dismissed, seen.by_mission, seen.decision) == (0, 0, (), None)
    assert list(seen.by_month) == [APRIL, MAY]


async def test_contacts_are_counted_by_month_and_tier(store: Store, clock: StoppedClock) -> None:
    await recorded(store, datetime(2026, 4, 30, 23, 59, 59, 999_999, tzinfo=UTC))
    await recorded(store, datetime(2026, 5, 1, tzinfo=UTC), tier=Tier.SPOOFED)
    await recorded(store, NOON)
    await recorded(store, datetime(2026, 3, 31, 23, 59, tzinfo=UTC))
    seen = await contacts(store, clock)
    assert (seen.of_month(APRIL), seen.of_month(MAY), seen.total) == (1, 2, 3)
    assert (seen.of_tier(Tier.CONFIRMED), seen.of_tier(Tier.SPOOFED), seen.of_tier(Tier.EXEMPT)) == (2, 1, 0)


async def test_contacts_are_counted_by_kind(store: Store, clock: StoppedClock) -> None:
    await recorded(store, NOON)
    for kind in (ContactKind.PHONE, ContactKind.PHONE, ContactKind.LETTER):
        async with store.begin() as work:
            await record(work, replace(a_case(), received_at=NOON, kind=kind))
    seen = await contacts(store, clock)
    kinds = [
        seen.of_kind(kind) for kind in (ContactKind.MAIL, ContactKind.PHONE, ContactKind.LETTER, ContactKind.EVENT)
    ]
    assert (kinds, seen.total) == ([1, 2, 1, 0], 4)


async def test_what_was_dismissed_is_no_contact_and_is_counted_apart(store: Store, clock: StoppedClock) -> None:
    handled, dismissed = await recorded(store, NOON), await recorded(store, NOON)
    async with store.begin() as work:
        await work.cases.close(stored_id(handled), Disposal.HANDLED, NOON)
        await work.cases.close(stored_id(dismissed), Disposal.DISMISSED, NOON)
    seen = await contacts(store, clock)
    assert (seen.total, seen.dismissed) == (1, 1)
    assert [one.contacts for one in seen.by_mission] == [1]


async def test_missions_come_with_the_most_frequent_first(store: Store, clock: StoppedClock) -> None:
    for mission in ("B", "A", "B", "C"):
        await recorded(store, NOON, mission)
    await recorded(store, NOON - timedelta(days=400), "D")
    seen = await contacts(store, clock)
    assert seen.by_mission == tuple(
        MissionCount(mission_en=name, mission_fr=f"{name} (fr)", contacts=count)
        for name, count in (("B", 2), ("A", 1), ("C", 1))
    )


async def test_the_median_of_an_even_number_of_decisions_is_between_the_two_in_the_middle(
    store: Store, clock: StoppedClock
) -> None:
    for hours in (1, 2, 4, 100):
        await decided(store, await recorded(store, NOON), timedelta(hours=hours))
    await decided(store, await recorded(store, NOON - timedelta(days=20)), timedelta(hours=5))
    seen = await contacts(store, clock)
    assert seen.decision_by_month[MAY].median == timedelta(hours=3)
    assert seen.decision_by_month[APRIL].median == timedelta(hours=5)
    assert seen.decision is not None
    assert (seen.decision.median, seen.decision.cases) == (timedelta(hours=4), 5)


async def test_only_the_first_decision_about_a_case_counts(store: Store, clock: StoppedClock) -> None:
    case = await recorded(store, NOON)
    await decided(store, case, timedelta(hours=1))
    await decided(store, case, timedelta(hours=9))
    seen = await contacts(store, clock)
    assert seen.decision is not None
    assert (seen.decision.median, seen.decision.cases) == (timedelta(hours=1), 1)


async def test_months_are_those_of_the_agencys_zone(store: Store, clock: StoppedClock) -> None:
    await recorded(store, datetime(2026, 5, 1, 3, 0, tzinfo=UTC))  # 23:00 on the last of April in Toronto
    statistics = Statistics(store=store, clock=clock)
    assert (await statistics.contacts(2, UTC)).of_month(APRIL) == 0
    assert (await statistics.contacts(2, TORONTO)).of_month(APRIL) == 1


@pytest.mark.parametrize(("asked", "told"), [(-1, 1), (0, 1), (1, 1), (13, 13), (10_000, MOST_MONTHS)])
def test_however_many_months_are_asked_for_there_are_some_and_not_too_many(asked: int, told: int) -> None:
    months = months_until(NOON, asked, UTC)
    assert (len(months.days), len(months.bounds), months.days[-1]) == (told, told + 1, MAY)


def test_months_go_back_over_the_turn_of_the_year() -> None:
    months = months_until(datetime(2026, 1, 31, tzinfo=UTC), 3, UTC)
    assert months.days == (date(2025, 11, 1), date(2025, 12, 1), date(2026, 1, 1))
    assert months.bounds[-1] == datetime(2026, 2, 1, tzinfo=UTC)
