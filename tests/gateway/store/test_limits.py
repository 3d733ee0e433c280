"""Limits and windows hold between processes and nodes: each check is one conditional upsert."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from gateway.model.outbox import Purpose
from tests.support.clocks import NOON

if TYPE_CHECKING:
    from gateway.store.unit_of_work import Store

DAY = NOON.date()


async def _take(store: Store, scope: str = "mission.example", limit: int = 3) -> bool:
    async with store.begin() as work:
        return await work.limits.take(Purpose.REPORT, scope, DAY, limit)


async def test_no_more_than_the_limit_is_taken_however_many_ask_at_once(store: Store) -> None:
    assert sum(await asyncio.gather(*(_take(store) for _ in range(8)))) == 3


async def test_domains_purposes_and_days_are_counted_apart(store: Store) -> None:
    assert await _take(store, limit=1)
    assert not await _take(store, limit=1)
    assert await _take(store, "other.example", limit=1)
    async with store.begin() as work:
        assert await work.limits.take(Purpose.DECLINE, "mission.example", DAY, 1)
        assert await work.limits.take(Purpose.REPORT, "mission.example", DAY + timedelta(days=1), 1)


async def test_a_limit_of_none_takes_nothing(store: Store) -> None:
    assert not await _take(store, limit=0)


async def test_what_is_given_back_can_be_taken_again(store: Store) -> None:
    assert await _take(store, limit=1)
    async with store.begin() as work:
        await work.limits.give_back(Purpose.REPORT, "mission.example", DAY)
    assert await _take(store, limit=1)


async def test_what_is_undone_was_never_taken(store: Store) -> None:
    with suppress(RuntimeError):
        async with store.begin() as work:
            assert await work.limits.take(Purpose.REPORT, "mission.example", DAY, 1)
            raise RuntimeError
    assert await _take(store, limit=1)


async def test_what_limits_stopped_is_counted_from_a_day_on(store: Store) -> None:
    async with store.begin() as work:
        for days in (0, 1, 1):
            await work.limits.refuse(Purpose.REPORT, DAY + timedelta(days=days))
        assert await work.limits.refused(Purpose.REPORT, DAY) == 3
        assert await work.limits.refused(Purpose.REPORT, DAY + timedelta(days=1)) == 2
        assert await work.limits.refused(Purpose.DECLINE, DAY) == 0


async def test_of_two_that_open_a_window_at_once_one_has_it(store: Store) -> None:
    async def open_it(item: str) -> bool:
        async with store.begin() as work:
            return await work.limits.open_window("a@mission.example", item, NOON, NOON + timedelta(days=7))

    assert sorted(await asyncio.gather(*(open_it(f"item-{number}") for number in range(4)))) == [False] * 3 + [True]


async def test_a_window_ends_by_time_or_when_its_decline_did_not_leave(store: Store) -> None:
    week = timedelta(days=7)
    async with store.begin() as work:
        assert await work.limits.open_window("a@mission.example", "first", NOON, NOON + week)
        assert not await work.limits.open_window("a@mission.example", "second", NOON + week / 2, NOON + 2 * week)
        assert await work.limits.open_window("a@mission.example", "second", NOON + week, NOON + 2 * week)
        await work.limits.close_window("first")
        assert not await work.limits.open_window("a@mission.example", "third", NOON + week, NOON + 2 * week)
        await work.limits.close_window("second")
        assert await work.limits.open_window("a@mission.example", "third", NOON + week, NOON + 2 * week)


async def test_a_decline_by_hand_prolongs_the_window(store: Store) -> None:
    week = timedelta(days=7)
    async with store.begin() as work:
        assert await work.limits.open_window("a@mission.example", "first", NOON, NOON + week)
        await work.limits.prolong_window("a@mission.example", "second", NOON + 2 * week)
        assert not await work.limits.open_window("a@mission.example", "third", NOON + week, NOON + 3 * week)
