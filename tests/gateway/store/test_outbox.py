from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from gateway.errors import SealError
from gateway.model.case import ActionState
from gateway.model.outbox import OutboxState, Purpose
from tests.support.clocks import NOON
from tests.support.records import a_post, an_item, freeze, record, record_item, stored_id

if TYPE_CHECKING:
    from gateway.model.outbox import OutboxItem
    from gateway.store.unit_of_work import Store, Work

LEASE = NOON + timedelta(seconds=60)


async def sending(work: Work, purpose: Purpose = Purpose.REPORT) -> OutboxItem:
    """An item whose attempt has begun."""
    item = await record_item(work, purpose)
    await work.outbox.claim("w1", "n1", NOON, LEASE, 10)
    await freeze(work, item.id, a_post(item))
    assert await work.outbox.mark_sending(item.id, "w1", NOON)
    return item


async def case_states(work: Work, item: OutboxItem) -> tuple[ActionState, ActionState]:
    assert item.case_id is not None
    case = await work.cases.by_id(item.case_id)
    assert case is not None
    return case.decline, case.report


async def test_an_item_comes_back_as_it_was_added(store: Store) -> None:
    async with store.begin() as work:
        case = await record(work)
        item = replace(an_item(case), requested_by="desk", last_reply="451 4.3.0 later", attempts=2)
        assert await work.outbox.add([item]) == [item]
    async with store.reading() as work:
        assert await work.outbox.get(item.id) == item
        assert await work.outbox.get("unknown") is None


async def test_a_digest_has_no_case(store: Store) -> None:
    async with store.begin() as work:
        digest = an_item(None, Purpose.DIGEST)
        await work.outbox.add([digest])
        await work.audit.append("gateway", "digest.added", digest.id, {})
        assert await work.outbox.list() == [digest]


async def test_items_are_listed_by_case_and_state(store: Store) -> None:
    async with store.begin() as work:
        one, two = await record_item(work), await record_item(work)
        await work.outbox.settle(two.id, state=OutboxState.CANCELLED, reply="")
        assert await work.outbox.list(case_id=one.case_id) == [one]
        assert await work.outbox.list(state=OutboxState.WAITING) == [one]
        assert [item.id for item in await work.outbox.list()] == [one.id, two.id]


@pytest.mark.parametrize("purpose", [Purpose.DECLINE, Purpose.REPORT])
async def test_a_case_has_one_decline_and_one_report(store: Store, purpose: Purpose) -> None:
    async with store.begin() as work:
        first = await record_item(work, purpose)
        assert await work.outbox.add([replace(first, id="second")]) == []
        assert first.case_id is not None
        assert await work.outbox.find(first.case_id, purpose) == first


async def test_a_cancelled_decline_is_never_followed_by_another(store: Store) -> None:
    async with store.begin() as work:
        first = await record_item(work, Purpose.DECLINE)
        await work.outbox.settle(first.id, state=OutboxState.CANCELLED, reply="")
        assert await work.outbox.add([replace(first, id="second")]) == []


async def test_a_cancelled_report_makes_room_for_another(store: Store) -> None:
    async with store.begin() as work:
        first = await record_item(work)
        await work.outbox.settle(first.id, state=OutboxState.CANCELLED, reply="")
        second = replace(first, id="second")
        assert await work.outbox.add([second]) == [second]
        assert first.case_id is not None
        assert await work.outbox.find(first.case_id, Purpose.REPORT) == second
        assert await case_states(work, first) == (ActionState.REVIEW, ActionState.WAITING)


async def test_a_recipient_gets_one_notice_of_a_case(store: Store) -> None:
    async with store.begin() as work:
        case = await record(work)
        one = an_item(case, Purpose.NOTICE, to="a@police.example")
        two = an_item(case, Purpose.NOTICE, to="b@police.example")
        assert await work.outbox.add([one, replace(one, id="again"), two]) == [one, two]


async def test_finding_what_is_not_there_gives_none(store: Store) -> None:
    async with store.begin() as work:
        assert await work.outbox.find(stored_id(await record(work)), Purpose.DECLINE) is None


async def test_frozen_bytes_come_back_and_never_change(store: Store) -> None:
    async with store.begin() as work:
        item = await record_item(work)
        post = a_post(item, b"Subject: \xe4\xb8\xad\r\n\r\n\x00\xff\r\n")
        assert await work.outbox.frozen(item.id) is None
        assert await freeze(work, item.id, post)
        assert not await freeze(work, item.id, a_post(item, b"other bytes"))
    async with store.reading() as work:
        assert await work.outbox.frozen(item.id) == post
        assert await work.outbox.get(item.id) == replace(item, frozen=True)


async def test_frozen_bytes_that_changed_places_do_not_open(unchecked_store: Store) -> None:
    async with unchecked_store.begin() as work:
        one, two = await record_item(work), await record_item(work)
        for item in (one, two):
            await freeze(work, item.id, a_post(item, item.id.encode()))
    async with unchecked_store._engines.writer.begin() as connection:
        await connection.execute(
            text(
                "UPDATE frozen_posts SET blob = (SELECT other.blob FROM frozen_posts other WHERE other.item_id = :two)"
                " WHERE item_id = :one"
            ),
            {"one": one.id, "two": two.id},
        )
    async with unchecked_store.reading() as work:
        with pytest.raises(SealError, match=one.id):
            await work.outbox.frozen(one.id)


async def test_the_states_of_a_case_follow_its_items(store: Store) -> None:
    async with store.begin() as work:
        decline = await sending(work, Purpose.DECLINE)
        assert await case_states(work, decline) == (ActionState.SENDING, ActionState.NONE)
        await work.outbox.settle(decline.id, state=OutboxState.UNCERTAIN, reply="")
        assert await case_states(work, decline) == (ActionState.UNCERTAIN, ActionState.NONE)
        report = await sending(work)
        await work.outbox.settle(report.id, state=OutboxState.SENT, reply="250")
        assert await case_states(work, report) == (ActionState.REVIEW, ActionState.SENT)


def test_every_outbox_state_has_its_action_state() -> None:
    assert {state.value for state in OutboxState} <= {state.value for state in ActionState}


async def test_an_outcome_is_recorded_with_its_reply_and_attempts(store: Store) -> None:
    async with store.begin() as work:
        item = await sending(work)
        assert await work.outbox.settle(item.id, state=OutboxState.SENT, reply="250 2.0.0 ok", attempts=1)
        found = await work.outbox.get(item.id)
    assert found == replace(item, state=OutboxState.SENT, last_reply="250 2.0.0 ok", attempts=1, frozen=True)


async def test_an_item_that_waits_can_be_postponed(store: Store) -> None:
    later = NOON + timedelta(seconds=30)  # the first claim would still hold
    async with store.begin() as work:
        item = await record_item(work)
        await work.outbox.claim("w1", "n1", NOON, LEASE, 10)
        assert await work.outbox.settle(
            item.id, state=OutboxState.WAITING, reply="connection refused", due_at=later, attempts=1, owner="w1"
        )
        assert await work.outbox.claim("w2", "n1", NOON, LEASE, 10) == []
        [claimed] = await work.outbox.claim("w2", "n1", later, later + timedelta(seconds=60), 10)
    assert claimed == replace(item, due_at=later, attempts=1, last_reply="connection refused")


@pytest.mark.parametrize("state", [OutboxState.SENT, OutboxState.UNCERTAIN])
async def test_what_never_began_is_never_sent(store: Store, state: OutboxState) -> None:
    async with store.begin() as work:
        item = await record_item(work)
        assert not await work.outbox.settle(item.id, state=state, reply="250")
        assert await work.outbox.get(item.id) == item


@pytest.mark.parametrize("state", [OutboxState.WAITING, OutboxState.FAILED, OutboxState.CANCELLED])
async def test_what_was_sent_stays_sent(store: Store, state: OutboxState) -> None:
    async with store.begin() as work:
        item = await sending(work)
        await work.outbox.settle(item.id, state=OutboxState.SENT, reply="250")
        assert not await work.outbox.settle(item.id, state=state, reply="no")


async def test_an_item_that_is_being_sent_can_not_be_cancelled(store: Store) -> None:
    async with store.begin() as work:
        item = await sending(work)
        assert not await work.outbox.settle(item.id, state=OutboxState.CANCELLED, reply="")


async def test_an_outcome_of_somebody_elses_claim_is_not_recorded(store: Store) -> None:
    async with store.begin() as work:
        item = await sending(work)
        assert not await work.outbox.settle(item.id, state=OutboxState.SENT, reply="250", owner="w2")


async def test_settling_can_not_begin_an_attempt(store: Store) -> None:
    async with store.begin() as work:
        item = await record_item(work)
        with pytest.raises(ValueError, match="mark_sending"):
            await work.outbox.settle(item.id, state=OutboxState.SENDING, reply="")
