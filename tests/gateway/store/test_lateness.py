"""What is overdue: one condition, for the list of cases, the digest, the pages and the alerts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from filters.authentication import NOT_AUTHENTICATED, DnsAnswer, DnsStatus, MethodResult, Result
from filters.disposition import Tier
from gateway.model.case import ActionState, CaseStatus, DeliveryState
from gateway.model.case_list import CaseFilter
from gateway.model.lateness import MOST_REFERENCES, UNPROVEN_BY_FAULT, Late, Patience
from gateway.model.outbox import OutboxState
from tests.support.clocks import NOON
from tests.support.records import RAW, a_case, a_delivery, an_item, record

if TYPE_CHECKING:
    from filters.authentication import Authentication
    from gateway.model.case import Case
    from gateway.store.unit_of_work import Store

HOUR = timedelta(hours=1)
FAULT = f"{UNPROVEN_BY_FAULT} (ValueError)"
RECORD = DnsAnswer(name="mission.example", kind="TXT", status=DnsStatus.FOUND)
PATIENCE = Patience(report=4 * HOUR, held=2 * HOUR)


async def case(store: Store, age: timedelta, *, asked: timedelta | None = None, **facts: object) -> Case:
    """A case that came so long before noon, and whose report was asked for so long before noon."""
    wanted = replace(a_case(), received_at=NOON - age, decline=ActionState.NONE, **facts)  # type: ignore[arg-type]
    async with store.begin() as work:
        stored = await record(work, wanted, RAW, a_delivery(state=DeliveryState.RELAYED))
        if asked is not None:
            item = replace(an_item(stored), created_at=NOON - asked)
            await work.outbox.add([item])
            await work.audit.append("gateway", "report-requested", stored.reference, {"item": item.id})
    return stored


async def late(store: Store) -> Late:
    async with store.reading() as work:
        found = (await work.latenesses.lateness(NOON, PATIENCE)).reports
        listed = await work.case_files.matching(CaseFilter(overdue=NOON - PATIENCE.report))
        told = await work.digests.digest(NOON, PATIENCE)
    assert found.number == len(listed) == told.overdue  # one judgement
    assert [file.case.reference for file in listed][::-1] == list(found.references)
    return found


async def test_a_report_is_overdue_when_its_time_has_passed_since_somebody_asked_for_it(store: Store) -> None:
    await case(store, 9 * HOUR, asked=4 * HOUR - timedelta(seconds=1))
    assert (await late(store)).number == 0
    over = await case(store, 6 * HOUR, asked=4 * HOUR)
    assert await late(store) == Late(number=1, since=NOON - 4 * HOUR, references=(over.reference,))


@pytest.mark.parametrize("state", [OutboxState.FAILED, OutboxState.CANCELLED])
async def test_one_that_failed_is_overdue_and_one_that_was_cancelled_is_not(store: Store, state: OutboxState) -> None:
    await case(store, 5 * HOUR, asked=5 * HOUR)
    async with store.begin() as work:
        (item,) = await work.outbox.list()
        await work.outbox.settle(item.id, state=state, reply="554 no")
    assert (await late(store)).number == (state is OutboxState.FAILED)


@pytest.mark.parametrize(
    ("tier", "status", "report", "owed"),
    [
        (Tier.CONFIRMED, CaseStatus.OPEN, ActionState.REVIEW, True),
        (Tier.UNVERIFIED, CaseStatus.OPEN, ActionState.REVIEW, True),
        (Tier.SUSPECT, CaseStatus.OPEN, ActionState.REVIEW, False),
        (Tier.CONFIRMED, CaseStatus.CLOSED, ActionState.REVIEW, False),
        (Tier.CONFIRMED, CaseStatus.OPEN, ActionState.NONE, False),
    ],
)
async def test_the_report_of_a_listed_sender_is_owed_while_it_waits_for_a_person(
    store: Store, tier: Tier, status: CaseStatus, report: ActionState, owed: bool
) -> None:
    closed_at = NOON if status is CaseStatus.CLOSED else None
    await case(store, 5 * HOUR, tier=tier, status=status, report=report, closed_at=closed_at)
    assert (await late(store)).number == owed


async def test_held_mail_is_late_while_its_case_is_open(store: Store) -> None:
    stored = {}
    async with store.begin() as work:
        for hours, state in ((1, DeliveryState.HELD), (3, DeliveryState.HELD), (5, DeliveryState.RELEASED)):
            wanted = replace(a_case(), received_at=NOON - hours * HOUR)
            stored[hours] = (await record(work, wanted, RAW, a_delivery(state=state))).reference
    async with store.reading() as work:
        found = (await work.latenesses.lateness(NOON, PATIENCE)).held
        backlog = await work.backlogs.backlog()
    assert (backlog.unaccepted_since, backlog.held_since) == (None, NOON - 3 * HOUR)
    assert found == Late(number=1, since=NOON - 3 * HOUR, references=(stored[3],))


async def test_the_oldest_are_named_and_no_more_than_so_many(store: Store) -> None:
    cases = [await case(store, timedelta(hours=30, minutes=-one), asked=5 * HOUR) for one in range(MOST_REFERENCES + 2)]
    async with store.reading() as work:
        found = await work.latenesses.reports(NOON - 4 * HOUR)
    assert found.number == MOST_REFERENCES + 2
    assert list(found.references) == [one.reference for one in cases[:MOST_REFERENCES]]


@pytest.mark.parametrize(
    ("authentication", "number"),
    [
        (replace(NOT_AUTHENTICATED, spf=MethodResult(result=Result.TEMPERROR, reason=FAULT)), 1),
        (replace(NOT_AUTHENTICATED, answers=(replace(RECORD, records=(FAULT, f'"reason":"{FAULT}')),)), 0),
    ],
)
async def test_authentication_that_raised_is_told_and_what_a_sender_publishes_is_not_taken_for_it(
    store: Store, authentication: Authentication, number: int
) -> None:
    await case(store, HOUR, authentication=authentication)
    async with store.reading() as work:
        assert (await work.latenesses.lateness(NOON, PATIENCE)).unscreened.number == number
