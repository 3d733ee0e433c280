from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gateway.model.audit import GENESIS, ChainHead, verify_chain
from gateway.store.unit_of_work import Store
from tests.support.databases import TEST_SEAL
from tests.support.tampering import tamper

if TYPE_CHECKING:
    from tests.support.clocks import StoppedClock


async def test_an_empty_chain_ends_in_genesis(store: Store) -> None:
    async with store.reading() as work:
        assert await work.audit.entries() == []
        assert await work.audit.head() == ChainHead(0, GENESIS)


async def test_rows_are_chained_in_order(store: Store, clock: StoppedClock) -> None:
    async with store.begin() as work:
        first = await work.audit.append("gateway", "case.recorded", "LG-1", {"b": "2", "a": "1"})
        clock.advance(5)
        second = await work.audit.append("desk", "case.closed", "LG-1", {})
    async with store.reading() as work:
        entries, head = await work.audit.entries(), await work.audit.head()
    assert entries == [first, second]
    assert (first.seq, second.seq, second.previous) == (1, 2, first.hash)
    assert second.at - first.at == timedelta(seconds=5)
    assert head == ChainHead(2, second.hash)
    assert verify_chain(entries, head=head.hash) is None


async def test_rows_can_be_read_from_a_number_on_and_by_subject(store: Store) -> None:
    async with store.begin() as work:
        rows = [await work.audit.append("gateway", "test", subject, {}) for subject in ("LG-1", "LG-2", "LG-1")]
        assert await work.audit.entries(after=1) == rows[1:]
        assert await work.audit.entries(subject="LG-1") == [rows[0], rows[2]]


async def test_hostile_text_does_not_break_the_chain(store: Store) -> None:
    nasty = "a\x00b\udcff\u2028中\U0001f600"
    async with store.begin() as work:
        row = await work.audit.append(nasty, nasty, nasty, {nasty: nasty})
    async with store.reading() as work:
        entries = await work.audit.entries()
    assert entries == [row]
    assert row.detail == {nasty: nasty}
    assert verify_chain(entries) is None


async def test_twenty_appends_at_once_make_one_chain(database_url: str, clock: StoppedClock) -> None:
    stores = [Store.open(database_url, TEST_SEAL, clock) for _ in range(3)]

    async def append(number: int) -> None:
        async with stores[number % 3].begin() as work:
            await work.audit.append("gateway", "test", f"LG-{number}", {})
            await asyncio.sleep(0)

    await asyncio.gather(*map(append, range(20)))
    async with stores[0].reading() as work:
        entries, head = await work.audit.entries(), await work.audit.head()
    for store in stores:
        await store.close()
    assert len(entries) == 20
    assert verify_chain(entries, head=head.hash) is None


async def test_a_unit_of_work_that_fails_leaves_no_gap(store: Store) -> None:
    with pytest.raises(ZeroDivisionError):
        async with store.begin() as work:
            await work.audit.append("gateway", "test", "LG-1", {})
            raise ZeroDivisionError
    async with store.begin() as work:
        row = await work.audit.append("gateway", "test", "LG-1", {})
        assert await work.audit.entries() == [row]
    assert row.seq == 1


async def test_a_changed_row_is_detected(unchecked_store: Store) -> None:
    async with unchecked_store.begin() as work:
        for number in range(3):
            await work.audit.append("gateway", "test", f"LG-{number}", {})
    await tamper(unchecked_store, "UPDATE audit_entries SET actor = 'nobody' WHERE seq = 2")
    async with unchecked_store.reading() as work:
        broken = verify_chain(await work.audit.entries())
    assert broken is not None
    assert broken.seq == 2
