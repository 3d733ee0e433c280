from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from gateway.errors import SealError
from gateway.store.sealing import Seal, SealKey
from gateway.store.unit_of_work import Store
from tests.support.records import RAW, a_case, record, stored_id

if TYPE_CHECKING:
    from tests.support.clocks import StoppedClock


@pytest.mark.parametrize("raw", [b"", RAW, bytes(range(256)) * 100, b"\x00" * 3_000_000], ids=len)
async def test_a_message_comes_back_byte_for_byte(store: Store, raw: bytes) -> None:
    async with store.begin() as work:
        case = await record(work, None, raw)
    async with store.reading() as work:
        assert await work.messages.get(case) == raw


async def test_the_database_never_sees_the_content(unchecked_store: Store) -> None:
    async with unchecked_store.begin() as work:
        await record(work, None, b"a very secret sentence")
    async with unchecked_store._engines.reader.connect() as connection:
        row = (await connection.execute(text("SELECT key_id, blob FROM messages"))).one()
    assert row.key_id == "test-1"
    assert b"secret" not in row.blob


async def test_content_of_another_message_is_not_taken(store: Store) -> None:
    with pytest.raises(ValueError, match="not that of case"):
        async with store.begin() as work:
            stored, _ = await work.cases.insert_or_find(a_case())
            await work.messages.put(stored, b"something else")


async def test_a_missing_message_is_told_by_its_reference(store: Store) -> None:
    async with store.begin() as work:
        case = await record(work)
        with pytest.raises(SealError, match="LG-GONE"):
            await work.messages.get(replace(case, id=None, reference="LG-GONE"))


@pytest.mark.parametrize("seal", [Seal(), Seal((SealKey("k", bytes(32)),))], ids=["compressed", "encrypted"])
async def test_messages_that_changed_places_do_not_open(database_url: str, clock: StoppedClock, seal: Seal) -> None:
    store = Store.open(database_url, seal, clock)
    async with store.begin() as work:
        one, two = await record(work, None, b"one"), await record(work, None, b"two")
    async with store._engines.writer.begin() as connection:
        for column in ("sha256", "size", "key_id", "blob"):
            await connection.execute(
                text(
                    f"UPDATE messages SET {column} ="  # noqa: S608 -- four words of ours
                    f" (SELECT other.{column} FROM messages other WHERE other.case_id = :source) WHERE case_id = :target"
                ),
                {"source": stored_id(two), "target": stored_id(one)},
            )
    async with store.reading() as work:
        with pytest.raises(SealError):
            await work.messages.get(one)
        assert await work.messages.get(two) == b"two"
    await store.close()
