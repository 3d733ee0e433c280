"""Connections are counted over all processes of a service, and never beyond a limit."""

from __future__ import annotations

import os
import resource
from collections import Counter
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.connections import Connections, TooMany
from gateway.errors import LiaisonError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.synchronize import Barrier

MOST, MOST_OF_CLIENT, PARTS = 6, 3, 3


@contextmanager
def parts(capacity: int = MOST, number: int = PARTS) -> Iterator[list[Connections]]:
    """What that many processes see of one memory."""
    first = Connections.new(capacity, number)
    try:
        yield [first, *(Connections(first.descriptor, part) for part in range(1, number))]
    finally:
        first.close()


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, PARTS - 1), st.sampled_from(["a", "b", "c", None, "leave", "vacate"]))))
def test_it_refuses_exactly_what_one_list_of_all_connections_would(steps: list[tuple[int, str | None]]) -> None:
    with parts() as processes:
        model: list[list[tuple[str | None, int]]] = [[] for _ in processes]
        for part, step in steps:
            if step == "leave":
                if model[part]:
                    processes[part].leave(model[part].pop(0)[1])
            elif step == "vacate":
                processes[0].vacate(part)
                processes[part], model[part] = Connections(processes[0].descriptor, part), []
            else:
                everybody = Counter(client for one in model for client, _ in one)
                expected = _objection(everybody, step)
                place = processes[part].enter(step, MOST, MOST_OF_CLIENT)
                assert place is expected or (expected is None and isinstance(place, int))
                if isinstance(place, int):
                    model[part].append((step, place))


def _objection(everybody: Counter[str | None], client: str | None) -> TooMany | None:
    if everybody.total() >= MOST:
        return TooMany.IN_ALL
    return TooMany.FROM_CLIENT if client is not None and everybody[client] >= MOST_OF_CLIENT else None


def test_a_process_takes_no_more_than_there_is_room_for_whatever_the_limit() -> None:
    with parts(capacity=2, number=1) as (only,):
        assert [only.enter("a", 10, 10) for _ in range(3)] == [0, 1, TooMany.IN_ALL]


def test_places_are_used_again() -> None:
    with parts(capacity=1000, number=1) as (only,):
        for _ in range(5000):
            place = only.enter("a", 1000, 1000)
            assert place == 0
            only.leave(place)


def test_no_address_stands_in_the_memory() -> None:
    with parts() as (first, *_):
        first.enter("192.0.2.77", MOST, MOST_OF_CLIENT)
        assert b"192.0.2.77" not in os.pread(first.descriptor, 1 << 20, 0)


def _rush(descriptor: int, part: int, start: Barrier, done: Barrier) -> None:
    """Come and go as fast as possible, then stay with whatever was let in."""
    mine = Connections(descriptor, part)
    start.wait(30)
    for _ in range(2000):
        place = mine.enter("a", 100, 5)
        if isinstance(place, int):
            mine.leave(place)
    start.wait(30)
    inside = [place for place in (mine.enter("a", 100, 5) for _ in range(20)) if isinstance(place, int)]
    done.wait(30)
    os._exit(len(inside))


def test_processes_that_rush_in_at_once_never_get_beyond_the_limit() -> None:
    context = get_context("fork")
    with parts(capacity=100, number=5) as (first, *_):
        start, done = context.Barrier(4), context.Barrier(4)
        crowd = [context.Process(target=_rush, args=(first.descriptor, part, start, done)) for part in range(1, 5)]
        for process in crowd:
            process.start()
        for process in crowd:
            process.join(60)
        assert sum(process.exitcode or 0 for process in crowd) <= 5
        for part in range(1, 5):
            first.vacate(part)
        assert [first.enter("a", 100, 5) for _ in range(6)][-2:] == [4, TooMany.FROM_CLIENT]


def test_where_the_system_has_no_room_to_count_it_says_what_to_change() -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(LiaisonError, match=r"File too large.*ulimit -f.* octets"):
            Connections.new(100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
