"""The snapshot of the lists: renewed when they change, with the collector paused and never left so."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from filters.disposition import Mode
from filters.lists import EntryKind, ListEntry
from gateway.errors import StoreError
from gateway.operations.rulebooks import Rulebooks
from tests.support.clocks import NOON, StoppedClock

if TYPE_CHECKING:
    from gateway.store.unit_of_work import Store


async def test_a_long_list_is_read_whole_and_in_order(store: Store, clock: StoppedClock) -> None:
    entries = [ListEntry(kind=EntryKind.SUBTREE, value=f"mission{number}.example") for number in range(1001)]
    seen = []
    async with store.begin() as work:

        def track(slices: object, doing: str) -> object:
            seen.append((slices, doing))
            return slices

        await work.senders.change(entries, [], at=NOON, actor="admin", text="many", track=track)  # type: ignore[arg-type]
    assert seen == [(range(0, 1001, 250), "Saving")]
    rulebook = await Rulebooks(store, clock, mode=Mode.AUTO, policy={}, emergency=frozenset()).load()
    assert list(rulebook.index.entries) == entries
    assert gc.isenabled()


async def test_the_collector_works_again_when_the_store_is_away(store: Store, clock: StoppedClock) -> None:
    rulebooks = Rulebooks(store, clock, mode=Mode.AUTO, policy={}, emergency=frozenset())
    async with store.begin() as work:
        await work.values.put("mode", "no such mode")
    with pytest.raises((StoreError, ValueError)):
        await rulebooks.load()
    assert gc.isenabled()
