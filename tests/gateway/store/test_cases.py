from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from filters.disposition import Tier
from gateway.errors import StoreError
from gateway.model.case import ActionState, CaseStatus, Disposal, Note
from gateway.model.case_list import CaseFilter
from gateway.model.outbox import Purpose
from gateway.store.unit_of_work import Store
from tests.support.clocks import NOON, StoppedClock
from tests.support.databases import TEST_SEAL
from tests.support.records import a_case, a_delivery, record, stored_id

if TYPE_CHECKING:
    from gateway.model.case import Case


async def test_a_case_comes_back_as_it_was_stored(store: Store) -> None:
    given = a_case()
    async with store.begin() as work:
        stored = await record(work, given)
    async with store.reading() as work:
        found = await work.cases.by_reference(given.reference)
    assert found == stored == replace(given, id=stored.id)
    assert found.id is not None


async def test_a_case_is_found_by_its_row(store: Store) -> None:
    async with store.begin() as work:
        stored = await record(work)
        assert await work.cases.by_id(stored_id(stored)) == stored
        assert await work.cases.by_reference("LG-NONE-NONE") is None


async def test_a_retry_finds_the_case_of_its_key_and_leaves_the_first_verdict(store: Store) -> None:
    first = a_case()
    async with store.begin() as work:
        stored = await record(work, first)
    async with store.begin() as work:
        again, new = await work.cases.insert_or_find(replace(first, reference="LG-OTHER", tier=Tier.SPOOFED))
    assert (again, new) == (stored, False)


async def test_two_transactions_with_one_key_at_once_make_one_case(store: Store) -> None:
    async def intake(case: Case) -> tuple[Case, bool]:
        async with store.begin() as work:
            found, new = await work.cases.insert_or_find(case)
            await asyncio.sleep(0.02)  # the other one arrives before this one commits
            if new:
                await record(work, case)
        return found, new

    first = a_case()
    answers = await asyncio.gather(intake(first), intake(replace(first, reference="LG-OTHER")))
    assert sorted(new for _, new in answers) == [False, True]
    assert answers[0][0].id == answers[1][0].id


async def test_a_retry_takes_over_when_the_first_transaction_fails(store: Store) -> None:
    started = asyncio.Event()
    case = a_case()

    async def failing() -> None:
        async with store.begin() as work:
            await work.cases.insert_or_find(case)
            started.set()
            await asyncio.sleep(0.02)
            raise ConnectionAbortedError

    async def retrying() -> bool:
        await started.wait()
        async with store.begin() as work:
            await record(work, case)
        return True

    failed, done = await asyncio.gather(failing(), retrying(), return_exceptions=True)
    assert isinstance(failed, ConnectionAbortedError)
    assert done is True


async def test_a_reference_that_is_taken_is_trouble_and_no_second_case(store: Store) -> None:
    async with store.begin() as work:
        stored = await record(work)
    with pytest.raises(StoreError, match="reference"):
        async with store.begin() as work:
            await work.cases.insert_or_find(replace(a_case(), reference=stored.reference))


async def test_hostile_text_can_be_stored(store: Store) -> None:
    nasty = "a\x00b\udcff'; DROP TABLE cases; --\u202e中"
    async with store.begin() as work:
        stored = await record(work, replace(a_case(), subject=nasty, helo=nasty, entries=(nasty,), mission_en=nasty))
    assert stored.subject == "a\ufffdb\ufffd'; DROP TABLE cases; --\u202e中"
    assert stored.entries == (nasty,)
    async with store.reading() as work:
        assert await work.cases.by_reference(stored.reference) == stored


async def test_cases_are_listed_newest_first_and_by_status_and_tier(store: Store) -> None:
    async with store.begin() as work:
        old = await record(work, replace(a_case(), received_at=NOON))
        new = await record(work, replace(a_case(), received_at=NOON + timedelta(days=1), tier=Tier.SUSPECT))
        assert await work.case_files.cases() == [new, old]
        assert await work.case_files.cases(CaseFilter(tier=Tier.SUSPECT)) == [new]
        assert await work.case_files.cases(CaseFilter(status=CaseStatus.OPEN, tier=Tier.CONFIRMED)) == [old]
        assert await work.case_files.cases(CaseFilter(status=CaseStatus.CLOSED)) == []


async def test_case_files_hold_each_cases_own_deliveries_and_notes(store: Store) -> None:
    async with store.begin() as work:
        one = await record(work, None, b"one", a_delivery("b@police.example"), a_delivery("a@police.example"))
        two = await record(work, None, b"two", a_delivery("c@police.example"))
        await work.notes.add(stored_id(one), Note(at=NOON, actor="desk", text="called back"))
        files = {file.case.reference: file for file in await work.case_files.matching()}
        alone = await work.case_files.of(one.reference)
    assert [d.recipient for d in files[one.reference].deliveries] == ["b@police.example", "a@police.example"]
    assert [d.recipient for d in files[two.reference].deliveries] == ["c@police.example"]
    assert files[one.reference].notes == (Note(at=NOON, actor="desk", text="called back"),)
    assert files[two.reference].notes == ()
    assert alone == files[one.reference]


async def test_case_files_can_be_filtered(store: Store) -> None:
    async with store.begin() as work:
        await record(work)
        suspect = await record(work, replace(a_case(), tier=Tier.SUSPECT))
        assert [file.case for file in await work.case_files.matching(CaseFilter(tier=Tier.SUSPECT))] == [suspect]
        assert await work.case_files.of("LG-NONE-NONE") is None


async def test_a_case_keeps_how_far_its_decline_is(store: Store) -> None:
    async with store.begin() as work:
        case = await record(work)
        await work.cases.set_action(stored_id(case), Purpose.DECLINE, ActionState.NONE)
        await work.cases.set_action(stored_id(case), Purpose.REPORT, ActionState.REVIEW)
        found = await work.cases.by_id(stored_id(case))
    assert found == replace(case, decline=ActionState.NONE, report=ActionState.REVIEW)


async def test_a_case_is_closed_once(store: Store) -> None:
    async with store.begin() as work:
        case = await record(work)
        assert await work.cases.close(stored_id(case), Disposal.DISMISSED, NOON)
        assert not await work.cases.close(stored_id(case), Disposal.HANDLED, NOON)
        found = await work.cases.by_id(stored_id(case))
    assert found == replace(case, status=CaseStatus.CLOSED, disposal=Disposal.DISMISSED, closed_at=NOON)


async def test_nodes_that_record_one_message_at_the_same_instant_have_one_case(postgres_url: str) -> None:
    """Each writes both its reference and its intake key; whichever index the other one is met in, it is no trouble."""
    nodes = [Store.open(postgres_url, TEST_SEAL, StoppedClock()) for _ in range(6)]

    async def record_at(node: Store, case: Case) -> bool:
        async with node.begin() as work:
            return (await work.cases.insert_or_find(case))[1]

    for number in range(60):
        case = replace(a_case(), reference=f"LG-{number}", intake_key=f"key-{number}")
        new = await asyncio.gather(*(record_at(node, case) for node in nodes))
        assert sum(new) == 1
    for node in nodes:
        await node.close()
