"""Whole messages stand in memory only as a budget of octets allows."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.turns import Turns

MOST = 100


async def started(turns: Turns, octets: int, log: list[int], end: asyncio.Event) -> asyncio.Task[None]:
    async def turn() -> None:
        async with turns.of(octets):
            log.append(octets)
            await end.wait()

    task = asyncio.ensure_future(turn())
    await asyncio.sleep(0)
    return task


async def test_a_message_that_finds_no_room_waits_and_those_behind_it_too() -> None:
    turns, log, end = Turns(MOST), list[int](), asyncio.Event()
    tasks = [await started(turns, octets, log, end) for octets in (60, 70, 10)]
    assert log == [60]
    end.set()
    await asyncio.gather(*tasks)
    assert log == [60, 70, 10]


async def test_a_message_that_is_larger_than_the_budget_goes_alone() -> None:
    turns, log, end = Turns(MOST), list[int](), asyncio.Event()
    tasks = [await started(turns, octets, log, end) for octets in (1000, 1)]
    assert log == [1000]
    end.set()
    await asyncio.gather(*tasks)
    assert log == [1000, 1]


async def test_who_gives_up_waiting_is_not_waited_for() -> None:
    turns, log, end = Turns(MOST), list[int](), asyncio.Event()
    first, large, small = [await started(turns, octets, log, end) for octets in (60, 70, 10)]
    large.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert log == [60, 10]
    end.set()
    await asyncio.gather(first, small)


async def test_who_gives_up_in_the_moment_of_his_turn_gives_it_back() -> None:
    turns, log, end, other = Turns(MOST), list[int](), asyncio.Event(), asyncio.Event()
    first = await started(turns, 60, log, end)
    second = await started(turns, 70, log, other)
    end.set()
    while not first.done():
        await asyncio.sleep(0)
        second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    async with asyncio.timeout(5), turns.of(MOST):
        assert 70 not in log


@given(st.lists(st.tuples(st.integers(1, 150), st.booleans()), max_size=12))
def test_the_budget_is_never_overdrawn_and_whole_at_the_end(messages: list[tuple[int, bool]]) -> None:
    async def all_of_them() -> None:
        turns, now = Turns(MOST), [0]

        async def turn(octets: int) -> None:
            async with turns.of(octets):
                now[0] += min(octets, MOST)
                assert now[0] <= MOST
                try:
                    await asyncio.sleep(0)
                finally:
                    now[0] -= min(octets, MOST)

        tasks = [asyncio.ensure_future(turn(octets)) for octets, _ in messages]
        await asyncio.sleep(0)
        for task, (_, gives_up) in zip(tasks, messages, strict=True):
            if gives_up:
                task.cancel()
                await asyncio.sleep(0)
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert result is None or isinstance(result, asyncio.CancelledError)
        async with asyncio.timeout(5), turns.of(MOST):
            pass

    asyncio.run(all_of_them())


async def test_an_exception_ends_a_turn() -> None:
    turns = Turns(MOST)
    with pytest.raises(ValueError, match="no"):
        async with turns.of(MOST):
            raise ValueError("no")
    async with asyncio.timeout(5), turns.of(MOST):
        pass


async def test_there_is_room_while_the_budget_is_unspent_and_nobody_waits() -> None:
    turns, log, end = Turns(MOST), list[int](), asyncio.Event()
    assert turns.has_room(MOST * 2), "alone"
    tasks = [await started(turns, 60, log, end)]
    assert (turns.has_room(40), turns.has_room(41)) == (True, False)
    tasks.append(await started(turns, 41, log, end))
    assert not turns.has_room(1), "others were first"
    end.set()
    await asyncio.gather(*tasks)
    assert turns.has_room(MOST)
