from __future__ import annotations

import asyncio
import sqlite3
import threading
from typing import TYPE_CHECKING, cast

import pytest
from sqlalchemy import text

from gateway.store.embedded import FEW, READING, WRITING, SqliteEngine, brief

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from sqlalchemy import Connection

LONG = text("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 3000000) SELECT max(x) FROM n")
"""About half a second."""
PUT = brief(text("INSERT OR REPLACE INTO stored_values (key, value) VALUES ('key', 'x')"))
GET = text("SELECT value FROM stored_values WHERE key = 'key'")


@pytest.fixture
def file(sqlite_template: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "liaison.db"
    copy.write_bytes(sqlite_template.read_bytes())
    return copy


@pytest.fixture
async def writer(file: Path) -> AsyncIterator[SqliteEngine]:
    engine = SqliteEngine(file, WRITING, places=1, patience=2.0)
    yield engine
    await engine.dispose()


@pytest.fixture
async def reader(file: Path) -> AsyncIterator[SqliteEngine]:
    engine = SqliteEngine(file, READING, places=2, patience=2.0)
    yield engine
    await engine.dispose()


Told = list[tuple[str, bool]]
"""What SQLite was asked, and whether that was in the thread of the event loop."""


def told_to(told: Told) -> Callable[[Connection], None]:
    """Have every statement of a connection told."""
    here = threading.get_ident()

    def listen(connection: Connection) -> None:
        driver = cast("sqlite3.Connection", connection.connection.dbapi_connection)
        driver.set_trace_callback(lambda statement: told.append((statement.split()[0], threading.get_ident() == here)))

    return listen


async def test_brief_statements_run_where_they_are_asked_and_all_others_in_a_thread(writer: SqliteEngine) -> None:
    told: Told = []
    async with writer.begin() as connection:
        await connection.run_sync(told_to(told))
        await connection.execute(PUT)
        assert (await connection.execute(brief(GET))).scalar_one() == "x"
        assert (await connection.execute(GET)).scalar_one() == "x"
    assert told == [("INSERT", True), ("SELECT", True), ("SELECT", False), ("COMMIT", False)]


async def test_a_unit_of_work_begins_without_a_thread_if_nobody_is_in_its_way(writer: SqliteEngine) -> None:
    told: Told = []
    async with writer.begin() as connection:
        await connection.run_sync(told_to(told))
    async with writer.connect():
        assert ("BEGIN", True) in told


async def test_the_event_loop_goes_on_while_another_process_holds_the_lock(file: Path, writer: SqliteEngine) -> None:
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.ensure_future(put(writer))
    async with asyncio.timeout(1):
        for _ in range(20):
            await asyncio.sleep(0.005)
    assert not waiting.done()
    other.execute("COMMIT")
    other.close()
    await waiting


async def put(engine: SqliteEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(PUT)


async def test_others_have_their_turn_in_a_long_row_of_brief_statements(reader: SqliteEngine) -> None:
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with reader.connect() as connection:
        await connection.execute(GET)
        counting = asyncio.ensure_future(count_turns())
        for _ in range(10 * FEW):
            await connection.execute(brief(GET))
        counting.cancel()
    assert turns >= 9


async def test_a_unit_cancelled_in_a_thread_gives_its_connection_back_when_the_thread_has_ended(
    writer: SqliteEngine,
) -> None:
    async def ask() -> None:
        async with writer.begin() as connection:
            await connection.execute(PUT)
            await connection.execute(LONG)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ask(), 0.05)
    async with writer.connect() as connection:
        assert (await connection.execute(brief(GET))).scalar_one_or_none() is None


async def test_a_closed_engine_has_waited_for_a_thread_that_nobody_waits_for(reader: SqliteEngine) -> None:
    began = asyncio.get_running_loop().time()
    asking = asyncio.ensure_future(read(reader))
    await asyncio.sleep(0.02)
    asking.cancel()
    await reader.dispose()
    assert asyncio.get_running_loop().time() - began > 0.1


async def read(engine: SqliteEngine) -> None:
    async with engine.connect() as connection:
        await connection.execute(LONG)


async def test_a_result_can_be_read_after_other_statements(writer: SqliteEngine) -> None:
    async with writer.begin() as connection:
        await connection.execute(PUT)
        first = await connection.execute(GET)
        await connection.execute(text("DELETE FROM stored_values"))
        assert first.scalar_one() == "x"


async def test_a_unit_of_work_can_not_be_used_after_its_end(reader: SqliteEngine) -> None:
    async with reader.connect() as connection:
        pass
    await reader.dispose()
    with pytest.raises(RuntimeError, match="after its end"):
        await connection.execute(GET)
