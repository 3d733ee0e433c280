from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gateway.model.outbox import LARGE, NEED_THE_ORIGINAL, OutboxState, Purpose
from gateway.store.unit_of_work import Store
from gateway.store.values import OUTBOX_PAUSED
from tests.support.clocks import NOON
from tests.support.databases import TEST_SEAL
from tests.support.records import a_post, an_item, freeze, record, record_item

if TYPE_CHECKING:
    from gateway.model.outbox import OutboxItem
    from gateway.store.unit_of_work import Work
    from tests.support.clocks import StoppedClock

LEASE = NOON + timedelta(seconds=60)
LARGE_RAW = b"Subject: a large one\r\n\r\n".ljust(LARGE, b"x")
LATER = LEASE + timedelta(seconds=60)


async def claimed_by(work: Work, owner: str, node: str = "n1", limit: int = 10) -> list[OutboxItem]:
    return await work.outbox.claim(owner, node, NOON, LEASE, limit)


async def test_due_items_are_claimed_the_longest_due_first(store: Store) -> None:
    async with store.begin() as work:
        items = [await record_item(work, due_in=due) for due in (-10, -30, 0, 1)]
        first = await claimed_by(work, "w1", limit=2)
        rest = await claimed_by(work, "w1")
    assert {item.id for item in first} == {items[1].id, items[0].id}
    assert [item.id for item in rest] == [items[2].id]


async def test_a_claimed_item_is_nobody_elses_until_its_lease_ends(store: Store) -> None:
    async with store.begin() as work:
        item = await record_item(work)
        assert await claimed_by(work, "w1") == [item]
        assert await claimed_by(work, "w2") == []
        assert await work.outbox.claim("w2", "n1", LEASE - timedelta(microseconds=1), LATER, 10) == []
        assert await work.outbox.claim("w2", "n1", LEASE, LATER, 10) == [item]


async def test_mail_that_needs_a_large_original_can_be_left_for_later(store: Store) -> None:
    async with store.begin() as work:
        case = await record(work, None, LARGE_RAW)
        every = [an_item(case, purpose, due_in=-1) for purpose in Purpose]
        small = await record_item(work)
        await work.outbox.add(every)
        first = await work.outbox.claim("w1", "n1", NOON, LEASE, 10, large_too=False)
        rest = await work.outbox.claim("w1", "n1", NOON, LEASE, 10, large_too=True)
    without_original = {Purpose.NOTICE, Purpose.DIGEST, Purpose.RETRACTION, Purpose.AMENDMENT, Purpose.ACKNOWLEDGEMENT}
    assert {item.purpose for item in first if item != small} == without_original
    assert small in first
    assert {(item.purpose, item.octets) for item in rest} == {(purpose, LARGE) for purpose in NEED_THE_ORIGINAL}


async def test_a_report_that_goes_as_a_summary_is_never_large(store: Store) -> None:
    async with store.begin() as work:
        item = an_item(await record(work, None, LARGE_RAW))
        await work.outbox.add([item])
        assert await work.outbox.without_original(item.id)
        (claimed,) = await work.outbox.claim("w1", "n1", NOON, LEASE, 10, large_too=False)
    assert (claimed.id, claimed.octets) == (item.id, 0)


async def test_two_workers_at_once_claim_different_items(database_url: str, clock: StoppedClock) -> None:
    stores = [Store.open(database_url, TEST_SEAL, clock) for _ in range(4)]
    async with stores[0].begin() as work:
        wanted = {(await record_item(work)).id for _ in range(40)}

    async def drain(store: Store, owner: str) -> list[str]:
        taken: list[str] = []
        while True:
            async with store.begin() as work:
                claimed = await claimed_by(work, owner, limit=3)
                await asyncio.sleep(0)
            if not claimed:
                return taken
            assert len(claimed) <= 3
            taken.extend(item.id for item in claimed)

    taken = await asyncio.gather(*(drain(store, f"w{number}") for number, store in enumerate(stores)))
    for store in stores:
        await store.close()
    together = [item_id for ids in taken for item_id in ids]
    assert len(together) == len(set(together))
    assert set(together) == wanted


async def test_a_worker_does_not_wait_for_another_ones_claim(postgres_url: str, clock: StoppedClock) -> None:
    store = Store.open(postgres_url, TEST_SEAL, clock, patience=2)
    async with store.begin() as work:
        items = {(await record_item(work)).id for _ in range(2)}
    async with store.begin() as one, store.begin() as two:
        [first] = await claimed_by(one, "w1", limit=1)
        [second] = await claimed_by(two, "w2", limit=1)
    await store.close()
    assert {first.id, second.id} == items


async def test_nothing_is_claimed_while_the_outbox_is_paused(store: Store) -> None:
    async with store.begin() as work:
        item = await record_item(work)
        await work.values.put(OUTBOX_PAUSED, "by the desk")
        assert await claimed_by(work, "w1") == []
        await work.values.remove(OUTBOX_PAUSED)
        assert await claimed_by(work, "w1") == [item]


@pytest.mark.parametrize("state", [OutboxState.CANCELLED, OutboxState.FAILED])
async def test_only_items_that_wait_are_claimed(store: Store, state: OutboxState) -> None:
    async with store.begin() as work:
        item = await record_item(work)
        await work.outbox.settle(item.id, state=state, reply="")
        assert await claimed_by(work, "w1") == []


async def test_a_worker_renews_what_it_still_holds(store: Store) -> None:
    async with store.begin() as work:
        item = await record_item(work)
        await claimed_by(work, "w1")
        assert await work.outbox.renew("w2", NOON, LATER) == frozenset()
        assert await work.outbox.renew("w1", NOON, LATER) == {item.id}
        assert await work.outbox.claim("w2", "n1", LEASE, LATER, 10) == []


async def test_a_lease_that_is_over_can_not_be_renewed(store: Store) -> None:
    async with store.begin() as work:
        await record_item(work)
        await claimed_by(work, "w1")
        assert await work.outbox.renew("w1", LEASE, LATER) == frozenset()


async def test_a_node_that_restarts_frees_its_own_claims_only(store: Store) -> None:
    async with store.begin() as work:
        for _ in range(2):
            await record_item(work)
        [mine] = await claimed_by(work, "w1", "n1", 1)
        [theirs] = await claimed_by(work, "w2", "n2", 1)
        assert await work.outbox.free_claims_of("n1") == 1
        assert await claimed_by(work, "w3") == [mine]
        assert mine != theirs


async def test_sending_begins_only_under_a_lease_that_holds(store: Store) -> None:
    async with store.begin() as work:
        item = await record_item(work)
        await freeze(work, item.id, a_post(item))
        assert not await work.outbox.mark_sending(item.id, "w1", NOON)
        await claimed_by(work, "w1")
        assert not await work.outbox.mark_sending(item.id, "w2", NOON)
        assert not await work.outbox.mark_sending(item.id, "w1", LEASE)
        assert await work.outbox.mark_sending(item.id, "w1", NOON)
        assert not await work.outbox.mark_sending(item.id, "w1", NOON)


async def test_sending_begins_only_with_frozen_bytes(store: Store) -> None:
    async with store.begin() as work:
        item = await record_item(work)
        await claimed_by(work, "w1")
        assert not await work.outbox.mark_sending(item.id, "w1", NOON)


async def test_an_item_cancelled_after_its_claim_is_not_sent(store: Store) -> None:
    async with store.begin() as work:
        item = await record_item(work, Purpose.DECLINE)
        await claimed_by(work, "w1")
        await freeze(work, item.id, a_post(item))
        assert await work.outbox.settle(item.id, state=OutboxState.CANCELLED, reply="")
        assert not await work.outbox.mark_sending(item.id, "w1", NOON)


async def test_what_a_dead_worker_left_sending_is_found_when_its_lease_is_over(store: Store) -> None:
    async with store.begin() as work:
        item = await record_item(work)
        await claimed_by(work, "w1")
        await freeze(work, item.id, a_post(item))
        await work.outbox.mark_sending(item.id, "w1", NOON)
        left = replace(item, state=OutboxState.SENDING, frozen=True)
        assert await work.outbox.expired_sending(NOON) == []
        assert await work.outbox.expired_sending(LEASE) == [left]
        assert await work.outbox.claim("w2", "n1", LEASE, LATER, 10) == []
        await work.outbox.free_claims_of("n1")
        assert await work.outbox.expired_sending(NOON) == [left]
