"""The audit log, page by page, and what is asked for by filters."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gateway.model.audit import AuditFilter
from gateway.operations.auditing import PAGE, SLICE, Auditing
from tests.support.clocks import NOON

if TYPE_CHECKING:
    from gateway.store.unit_of_work import Store
    from tests.support.clocks import StoppedClock


async def write(store: Store, clock: StoppedClock, count: int) -> None:
    """Row n is a minute after row n - 1; odd ones are of ann, and every third one is a note."""
    async with store.begin() as work:
        for number in range(1, count + 1):
            actor, action = "ann" if number % 2 else "bob", "note" if number % 3 == 0 else "case-handled"
            await work.audit.append(actor, action, f"LG-{number % 5}", {})
            clock.advance(60)


async def numbers(store: Store, wanted: AuditFilter, before: int | None = None) -> list[int]:
    page = await Auditing(store=store).page(wanted, before=before)
    return [entry.seq for entry in page.entries]


async def test_pages_go_backwards_and_end_at_the_first_row(store: Store, clock: StoppedClock) -> None:
    await write(store, clock, 2 * PAGE + 1)
    auditing, seen, before = Auditing(store=store), [], None
    for expected in (PAGE, PAGE, 1):
        page = await auditing.page(AuditFilter(), before=before)
        assert len(page.entries) == expected
        seen += [entry.seq for entry in page.entries]
        before = page.older
    assert before is None
    assert seen == list(range(2 * PAGE + 1, 0, -1))


async def test_a_last_page_that_is_full_has_nothing_older(store: Store, clock: StoppedClock) -> None:
    await write(store, clock, PAGE)
    assert (await Auditing(store=store).page(AuditFilter())).older is None


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (AuditFilter(actor="ann"), [9, 7, 5, 3, 1]),
        (AuditFilter(action="note"), [9, 6, 3]),
        (AuditFilter(subject="LG-2"), [7, 2]),
        (AuditFilter(actor="bob", action="note"), [6]),
        (AuditFilter(actor="nobody"), []),
        (AuditFilter(since=NOON + timedelta(minutes=7)), [10, 9, 8]),
        (AuditFilter(until=NOON + timedelta(minutes=2)), [2, 1]),
        (AuditFilter(since=NOON + timedelta(minutes=1), until=NOON + timedelta(minutes=3), actor="bob"), [2]),
        (AuditFilter(since=NOON + timedelta(days=30)), []),
        (AuditFilter(until=NOON - timedelta(days=30)), []),
    ],
)
async def test_rows_are_found_by_who_what_about_and_when(
    store: Store, clock: StoppedClock, wanted: AuditFilter, found: list[int]
) -> None:
    await write(store, clock, 10)
    assert await numbers(store, wanted) == found


async def test_dates_far_apart_are_told_from_each_other(store: Store, clock: StoppedClock) -> None:
    for _ in range(4):
        await write(store, clock, 1)
        clock.advance(86_400)
    wanted = AuditFilter(since=NOON + timedelta(hours=12), until=NOON + timedelta(days=2, hours=12))
    assert await numbers(store, wanted) == [3, 2]


async def test_a_row_of_a_node_whose_clock_is_behind_is_found_by_its_date(store: Store, clock: StoppedClock) -> None:
    await write(store, clock, 1)
    clock.advance(-1800)
    await write(store, clock, 1)
    clock.advance(7200)
    await write(store, clock, 1)
    assert await numbers(store, AuditFilter(until=NOON)) == [2]
    assert await numbers(store, AuditFilter(since=NOON)) == [3, 1]


async def test_actors_and_actions_are_told_once_each_and_in_order(store: Store, clock: StoppedClock) -> None:
    await write(store, clock, 9)
    assert await Auditing(store=store).words() == (["ann", "bob"], ["case-handled", "note"])


async def test_the_export_has_every_row_that_is_asked_for_and_leaves_one(store: Store, clock: StoppedClock) -> None:
    count = SLICE + 20
    await write(store, clock, count)
    auditing = Auditing(store=store)
    exported = [entry.seq async for entry in auditing.export(AuditFilter(), actor="console:eve")]
    assert exported == list(range(count, 0, -1))
    notes = [entry.seq async for entry in auditing.export(AuditFilter(action="note"), actor="console:eve")]
    assert notes == [number for number in exported if number % 3 == 0]
    last = (await auditing.page(AuditFilter(action="audit-exported"))).entries[0]
    assert (last.actor, dict(last.detail)) == ("console:eve", {"action": "note"})
