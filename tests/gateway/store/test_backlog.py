from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from gateway.model.backlog import Undecided
from gateway.model.case import ActionState, DeliveryState, Disposal
from gateway.model.outbox import OutboxState, Purpose
from gateway.store.values import OUTBOX_PAUSED
from tests.support.clocks import NOON
from tests.support.records import RAW, a_case, a_delivery, an_item, record, record_item, stored_id

if TYPE_CHECKING:
    from gateway.model.backlog import Backlog
    from gateway.store.unit_of_work import Store


async def backlog(store: Store) -> Backlog:
    async with store.reading() as work:
        return await work.backlogs.backlog()


async def test_an_empty_record_has_nothing_that_waits(store: Store) -> None:
    seen = await backlog(store)
    assert (dict(seen.items), seen.waiting_since, seen.paused, seen.open_cases) == ({}, None, False, 0)
    assert seen.undecided == Undecided(delivery=0, decline=0, report=0)


async def test_items_are_counted_by_purpose_and_state(store: Store) -> None:
    async with store.begin() as work:
        for _ in range(2):
            await record_item(work, Purpose.REPORT)
        sent = await record_item(work, Purpose.NOTICE)
        await work.outbox.settle(sent.id, state=OutboxState.FAILED, reply="550 no")
        digest = an_item(None, Purpose.DIGEST)
        await work.outbox.add([digest])
        await work.audit.append("gateway", "digest-requested", digest.id, {})
    assert dict((await backlog(store)).items) == {
        (Purpose.REPORT, OutboxState.WAITING): 2,
        (Purpose.NOTICE, OutboxState.FAILED): 1,
        (Purpose.DIGEST, OutboxState.WAITING): 1,
    }
    async with store.reading() as work:
        assert await work.backlogs.failed() == {Purpose.NOTICE: 1}


async def test_the_oldest_item_that_waits_is_known_and_what_failed_earlier_does_not_count(store: Store) -> None:
    async with store.begin() as work:
        for seconds, state in {60: OutboxState.FAILED, 30: OutboxState.WAITING, 10: OutboxState.WAITING}.items():
            item = replace(an_item(await record(work)), created_at=NOON - timedelta(seconds=seconds))
            await work.outbox.add([item])
            if state is OutboxState.FAILED:
                await work.outbox.settle(item.id, state=state, reply="550 no")
    assert (await backlog(store)).waiting_since == NOON - timedelta(seconds=30)


async def test_open_cases_are_counted_by_what_they_wait_for(store: Store) -> None:
    both = replace(a_case(), decline=ActionState.REVIEW, report=ActionState.REVIEW)
    neither = replace(a_case(), decline=ActionState.NONE, report=ActionState.NONE)
    async with store.begin() as work:
        await record(work, both, RAW, a_delivery(), a_delivery("chief@police.example"))
        await record(work, neither, RAW, a_delivery(state=DeliveryState.RELAYED))
        closed = await record(work, replace(both, intake_key="closed", reference="LG-TEST-CLOSED"))
        await work.cases.close(stored_id(closed), Disposal.HANDLED, NOON)
    seen = await backlog(store)
    assert seen.open_cases == 2
    assert seen.undecided == Undecided(delivery=1, decline=1, report=1)


async def test_a_paused_outbox_is_told(store: Store) -> None:
    async with store.begin() as work:
        await work.values.put(OUTBOX_PAUSED, "since noon")
    assert (await backlog(store)).paused
