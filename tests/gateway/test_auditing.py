"""The watch over the audit chain: when it looks, what it finds, and that a long chain is looked through in slices."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from gateway.model.audit import ChainHead
from gateway.operations.auditing import NEW_ROWS_EVERY, SLICE, WHOLE_EVERY, Auditing, ChainWatch
from gateway.store.values import AUDIT_VERIFIED
from tests.support.clocks import NOON
from tests.support.tampering import tamper

if TYPE_CHECKING:
    from gateway.store.unit_of_work import Store
    from tests.support.clocks import StoppedClock

CHANGE = "UPDATE audit_entries SET actor = 'nobody' WHERE seq = 2"
CUT = "DELETE FROM audit_entries WHERE seq > 2"


async def write(store: Store, count: int) -> None:
    async with store.begin() as work:
        for number in range(count):
            await work.audit.append("gateway", "test", f"LG-{number}", {})


async def test_an_empty_chain_holds(store: Store, clock: StoppedClock) -> None:
    found = await ChainWatch(store, clock).verify()
    assert (found.broken, found.head.seq) == ("", 0)


async def test_a_chain_of_several_slices_holds_and_its_end_is_remembered(store: Store, clock: StoppedClock) -> None:
    await write(store, 2 * SLICE + 3)
    watch = ChainWatch(store, clock)
    found = await watch.verify()
    async with store.reading() as work:
        assert found.head == await work.audit.head()
    assert (found.broken, found.at, found.whole_at) == ("", NOON, NOON)
    assert await Auditing(store=store).verification() == found
    assert watch.progress is None


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (CHANGE, "row 2 was changed after it was written"),
        ("UPDATE audit_entries SET detail = '{' WHERE seq = 2", "Row 2 of the audit log can't be read"),
        ("DELETE FROM audit_entries WHERE seq = 2", "row 2 is missing"),
        (CUT, "5 rows were written, and 2 are there"),
    ],
)
async def test_a_chain_that_was_tampered_with_is_told(
    unchecked_store: Store, clock: StoppedClock, damage: str, said: str
) -> None:
    await write(unchecked_store, 5)
    await tamper(unchecked_store, damage)
    found = await ChainWatch(unchecked_store, clock).verify()
    assert said in found.broken
    seen = await Auditing(store=unchecked_store).verification()
    assert seen is not None
    assert said in seen.broken


async def test_new_rows_are_looked_at_every_hour_and_all_of_them_every_day(store: Store, clock: StoppedClock) -> None:
    watch = ChainWatch(store, clock)
    assert await watch.verify_if_due() is not None
    assert await watch.verify_if_due() is None
    await write(store, 3)
    clock.advance(NEW_ROWS_EVERY.total_seconds())
    newer = await watch.verify_if_due()
    assert newer is not None
    assert (newer.head.seq, newer.at, newer.whole_at) == (3, clock.now(), NOON)
    clock.advance(WHOLE_EVERY.total_seconds())
    whole = await watch.verify_if_due()
    assert whole is not None
    assert whole.whole_at == clock.now()


async def test_a_row_that_was_verified_and_is_another_now_is_found_by_the_look_at_new_rows(
    unchecked_store: Store, clock: StoppedClock
) -> None:
    await write(unchecked_store, 5)
    watch = ChainWatch(unchecked_store, clock)
    found = await watch.verify()
    await tamper(unchecked_store, "UPDATE audit_entries SET hash = 'another' WHERE seq = 5")
    again = await watch.verify(found)
    assert again.broken == "row 5 is not the one that was verified before"


async def test_a_broken_chain_is_looked_at_whole_the_next_time(unchecked_store: Store, clock: StoppedClock) -> None:
    await write(unchecked_store, 5)
    await tamper(unchecked_store, CHANGE)
    watch = ChainWatch(unchecked_store, clock)
    await watch.verify()
    await tamper(unchecked_store, CHANGE.replace("nobody", "gateway"))
    mended = await watch.verify_if_due()
    assert mended is not None
    assert (mended.broken, mended.head.seq) == ("", 5)


async def test_who_asks_gets_all_of_it_verified_at_once_and_leaves_a_row(store: Store, clock: StoppedClock) -> None:
    watch = ChainWatch(store, clock)
    await watch.verify()
    keeping = asyncio.get_running_loop().create_task(watch.keep())
    await watch.ask(actor="console:eve")
    async with asyncio.timeout(10):
        while (seen := await Auditing(store=store).verification()) is None or seen.head.seq != 1:
            await asyncio.sleep(0.01)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    async with store.reading() as work:
        (row,) = await work.audit.entries()
    assert (row.actor, row.action) == ("console:eve", "audit-verification-requested")


async def test_a_result_that_nobody_wrote_so_is_none(store: Store, clock: StoppedClock) -> None:
    for nonsense in ("", "[]", "{", '{"at": 1}', "null"):
        async with store.begin() as work:
            await work.values.put(AUDIT_VERIFIED, nonsense)
        assert await Auditing(store=store).verification() is None
    assert (await ChainWatch(store, clock).verify()).head == ChainHead(0, "0" * 64)
