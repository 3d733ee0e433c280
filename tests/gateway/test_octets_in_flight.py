"""Octets under way are bounded over all sessions: large messages wait, one of them always goes on, small ones pass."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.spool import MEMORY_LIMIT, Memory, Spool

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST = 4 * MEMORY_LIMIT
CHUNK = b"x" * (MEMORY_LIMIT // 2)


class Spools:
    """Makes spools that are closed when the test ends."""

    def __init__(self) -> None:
        self.made: list[Spool] = []

    def filled(self, memory: Memory, chunks: int) -> Spool:
        spool = Spool(memory)
        self.made.append(spool)
        for _ in range(chunks):
            spool.write(CHUNK)
        return spool


@pytest.fixture
def spools() -> Iterator[Spools]:
    made = Spools()
    yield made
    for spool in made.made:
        spool.close()


def test_beyond_the_limit_the_first_large_message_goes_on_and_the_next_waits_for_room(spools: Spools) -> None:
    memory, called = Memory(most=MOST), list[str]()
    first, second = spools.filled(memory, 4), spools.filled(memory, 5)
    assert not first.must_wait(lambda: called.append("first"))
    assert second.must_wait(lambda: called.append("second"))
    first.write(CHUNK)
    assert not first.must_wait(lambda: called.append("first"))
    assert called == []
    first.close()
    assert called == ["second"]
    assert not second.must_wait(lambda: called.append("second"))


def nothing() -> None:
    """What is called when there is room."""


def test_a_small_message_never_waits(spools: Spools) -> None:
    memory = Memory(most=1)
    assert not spools.filled(memory, 5).must_wait(nothing)
    assert spools.filled(memory, 5).must_wait(nothing)
    assert not spools.filled(memory, 2).must_wait(nothing)


def test_when_the_message_that_went_on_is_gone_the_one_that_waited_longest_goes_on_although_there_is_no_room(
    spools: Spools,
) -> None:
    memory, called = Memory(most=MOST), list[int]()
    several = [spools.filled(memory, 5) for _ in range(4)]
    waiting = [spool.must_wait(partial(called.append, number)) for number, spool in enumerate(several)]
    assert waiting == [False, True, True, True]
    several[0].close()
    assert called == [1]
    several[1].close()
    assert called == [1, 2]
    several[2].close()
    assert called == [1, 2, 3]


def test_a_message_that_is_given_up_waits_no_more_and_is_not_called(spools: Spools) -> None:
    memory, called = Memory(most=MOST), list[int]()
    several = [spools.filled(memory, 5) for _ in range(3)]
    for number, spool in enumerate(several):
        spool.must_wait(partial(called.append, number))
    several[1].close()
    several[1].close()
    assert memory.in_flight == 10 * len(CHUNK)
    several[0].close()
    assert called == [2]


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["write", "write", "close"])), max_size=60))
def test_whatever_comes_and_goes_somebody_goes_on_and_nothing_stays_counted(steps: list[tuple[int, str]]) -> None:
    memory = Memory(most=MOST)
    spools = [Spool(memory) for _ in range(6)]
    waiting: set[int] = set()
    for number, step in steps:
        if step == "close":
            spools[number].close()
            waiting.discard(number)
            spools[number] = Spool(memory)
        elif number not in waiting:
            spools[number].write(CHUNK)
            if spools[number].must_wait(partial(waiting.discard, number)):
                waiting.add(number)
        alive = {number for number, spool in enumerate(spools) if spool.size}
        assert not waiting or alive - waiting, "all wait for each other"
        assert not waiting or memory.in_flight > 0
    for spool in spools:
        spool.close()
    assert (memory.in_flight, memory.held, memory.is_crowded) == (0, 0, False)
