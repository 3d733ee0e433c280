from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gateway.model.outbox import Purpose
from gateway.store.consistency import check_consistency
from gateway.store.unit_of_work import Store
from tests.support.clocks import NOON
from tests.support.databases import TEST_SEAL
from tests.support.records import a_post, an_item, freeze, record
from tests.support.tampering import tamper

if TYPE_CHECKING:
    from tests.support.clocks import StoppedClock


async def fill(store: Store) -> None:
    """One case with a report that was frozen, and one digest; two versions of the lists."""
    async with store.begin() as work:
        case = await record(work)
        report, digest = an_item(case), an_item(None, Purpose.DIGEST)
        await work.outbox.add([report, digest])
        await work.outbox.claim("w1", "n1", NOON, NOON + timedelta(seconds=60), 10)
        await freeze(work, report.id, a_post(report))
        await work.outbox.mark_sending(report.id, "w1", NOON)
        await work.audit.append("gateway", "digest.added", digest.id, {})
        for _ in range(2):
            await work.senders.change((), (), at=NOON, actor="admin", text="nothing")


async def test_a_sound_store_has_no_problems(unchecked_store: Store) -> None:
    await fill(unchecked_store)
    assert await check_consistency(unchecked_store) == []


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        ("DELETE FROM deliveries", "has no delivery"),
        ("DELETE FROM messages", "is not in the store"),
        ("UPDATE messages SET size = size + 1", "can't be opened"),
        ("UPDATE cases SET size = size + 1", "does not have the size of its case"),
        ("UPDATE cases SET sha256 = 'x'", "can't be opened"),
        ("UPDATE cases SET reference = 'LG-OTHER'", "Case LG-OTHER has no audit row"),
        ("UPDATE cases SET report = 'sent'", "its report is sent, but the outbox says sending"),
        ("UPDATE cases SET decline = 'waiting'", "its decline is waiting, but the outbox has none"),
        ("UPDATE outbox_items SET id = 'other' WHERE case_id IS NULL", "Outbox item other has no audit row"),
        ("DELETE FROM frozen_posts", "its bytes were never frozen"),
        ("UPDATE frozen_posts SET recipient = 'x@evil.example'", "but its frozen mail is for x@evil.example"),
        ("UPDATE frozen_posts SET key_id = 'gone'", "needs the key 'gone'"),
        ("UPDATE audit_entries SET detail = '{}' WHERE seq = 1", "row 1 was changed"),
        ("DELETE FROM audit_entries WHERE seq = 1", "row 1 is missing"),
        ("DELETE FROM audit_entries WHERE seq = 2", "not the head"),
        ("UPDATE audit_head SET seq = 7", "The audit head counts 7 rows, but there are 2"),
        ("UPDATE rulebook_head SET version = 3", "The rulebook is at version 3"),
        ("UPDATE alembic_version SET version_num = '0000'", "The database is at schema 0000"),
    ],
)
async def test_what_is_broken_is_told_in_a_sentence(unchecked_store: Store, damage: str, problem: str) -> None:
    await fill(unchecked_store)
    await tamper(unchecked_store, damage)
    assert any(problem in sentence for sentence in await check_consistency(unchecked_store))


async def test_an_empty_database_is_told_and_nothing_else(empty_postgres_url: str, clock: StoppedClock) -> None:
    store = Store.open(empty_postgres_url, TEST_SEAL, clock)
    [problem] = await check_consistency(store)
    await store.close()
    assert "schema none" in problem
