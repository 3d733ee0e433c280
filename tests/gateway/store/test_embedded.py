from __future__ import annotations

import asyncio
import gc
import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING, cast

import pytest
from sqlalchemy import text

from gateway.errors import StoreError
from gateway.store.embedded import FEW, SqliteReader, SqliteWriter, brief

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from sqlalchemy import Connection

LONG = text("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 3000000) SELECT max(x) FROM n")
"""About half a second."""
PUT = brief(text("INSERT OR REPLACE INTO stored_values (key, value) VALUES ('key', 'x')"))
PUT_OWN = brief(text("INSERT INTO stored_values (key, value) VALUES (:key, 'x')"))
GET = text("SELECT value FROM stored_values WHERE key = 'key'")


@pytest.fixture
def file(sqlite_template: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "liaison.db"
    copy.write_bytes(sqlite_template.read_bytes())
    return copy


@pytest.fixture
async def writer(file: Path) -> AsyncIterator[SqliteWriter]:
    engine = SqliteWriter(file, patience=10.0)
    yield engine
    await engine.dispose()


@pytest.fixture
async def reader(file: Path) -> AsyncIterator[SqliteReader]:
    engine = SqliteReader(file, places=2, patience=10.0)
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


async def test_brief_statements_run_where_they_are_asked_and_all_others_in_a_thread(writer: SqliteWriter) -> None:
    told: Told = []
    async with writer.begin() as connection:
        await connection.run_sync(told_to(told))
        await connection.execute(PUT)
        assert (await connection.execute(brief(GET))).scalar_one() == "x"
        assert (await connection.execute(GET)).scalar_one() == "x"
    assert told == [("INSERT", True), ("SELECT", True), ("SELECT", False), ("COMMIT", False)]


async def test_a_unit_of_work_begins_without_a_thread_if_nobody_is_in_its_way(writer: SqliteWriter) -> None:
    told: Told = []
    async with writer.begin() as connection:
        await connection.run_sync(told_to(told))
    async with writer.begin():
        assert ("BEGIN", True) in told


async def test_the_event_loop_goes_on_while_another_process_holds_the_lock(file: Path, writer: SqliteWriter) -> None:
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


async def put(engine: SqliteWriter) -> None:
    async with engine.begin() as connection:
        await connection.execute(PUT)


async def test_others_have_their_turn_in_a_long_row_of_brief_statements(reader: SqliteReader) -> None:
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
    writer: SqliteWriter,
) -> None:
    async def ask() -> None:
        async with writer.begin() as connection:
            await connection.execute(PUT)
            await connection.execute(LONG)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ask(), 0.05)
    async with writer.begin() as connection:
        assert (await connection.execute(brief(GET))).scalar_one_or_none() is None


async def test_a_closed_engine_has_waited_for_a_thread_that_nobody_waits_for(reader: SqliteReader) -> None:
    began = asyncio.get_running_loop().time()
    asking = asyncio.ensure_future(read(reader))
    await asyncio.sleep(0.02)
    asking.cancel()
    await reader.dispose()
    assert asyncio.get_running_loop().time() - began > 0.1


async def read(engine: SqliteReader) -> None:
    async with engine.connect() as connection:
        await connection.execute(LONG)


async def test_a_result_can_be_read_after_other_statements(writer: SqliteWriter) -> None:
    async with writer.begin() as connection:
        await connection.execute(PUT)
        first = await connection.execute(GET)
        await connection.execute(text("DELETE FROM stored_values"))
        assert first.scalar_one() == "x"


async def test_a_unit_of_work_can_not_be_used_after_its_end(reader: SqliteReader) -> None:
    async with reader.connect() as connection:
        pass
    await reader.dispose()
    with pytest.raises(RuntimeError, match="after its end"):
        await connection.execute(GET)


async def put_own(engine: SqliteWriter, key: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(PUT_OWN, {"key": key})
        await asyncio.sleep(0)


async def keys(engine: SqliteReader) -> set[str]:
    async with engine.connect() as connection:
        return set((await connection.execute(text("SELECT key FROM stored_values"))).scalars())


async def test_units_that_end_while_others_wait_are_committed_with_those(
    writer: SqliteWriter, reader: SqliteReader
) -> None:
    told: Told = []
    async with writer.begin() as connection:
        await connection.run_sync(told_to(told))
    told.clear()
    await asyncio.gather(*(put_own(writer, f"k{number}") for number in range(5)))
    assert await keys(reader) >= {f"k{number}" for number in range(5)}
    assert told.count(("COMMIT", False)) == 1


async def test_nobody_is_told_that_a_unit_is_done_before_it_is_committed(
    writer: SqliteWriter, reader: SqliteReader
) -> None:
    async def put_and_look(key: str) -> bool:
        await put_own(writer, key)
        return key in await keys(reader)

    assert await asyncio.gather(*(put_and_look(f"k{number}") for number in range(5))) == [True] * 5


async def test_a_unit_that_fails_among_others_is_undone_alone(writer: SqliteWriter, reader: SqliteReader) -> None:
    async def fail() -> None:
        async with writer.begin() as connection:
            await connection.execute(PUT_OWN, {"key": "wrong"})
            raise LookupError

    ends = await asyncio.gather(put_own(writer, "k0"), fail(), put_own(writer, "k1"), fail(), return_exceptions=True)
    assert [type(end) for end in ends] == [type(None), LookupError, type(None), LookupError]
    assert await keys(reader) & {"k0", "k1", "wrong"} == {"k0", "k1"}


async def test_units_whose_transaction_sqlite_has_undone_are_told(writer: SqliteWriter, reader: SqliteReader) -> None:
    async def break_it() -> None:
        async with writer.begin() as connection:
            await connection.exec_driver_sql("ROLLBACK")  # as SQLite does by itself when the disk is full
            raise LookupError

    ends = await asyncio.gather(put_own(writer, "k0"), break_it(), put_own(writer, "k1"), return_exceptions=True)
    assert [type(end) for end in ends] == [StoreError, LookupError, StoreError]
    assert not await keys(reader) & {"k0", "k1"}
    await put_own(writer, "k2")
    assert "k2" in await keys(reader)


async def test_a_closed_engine_has_committed_what_was_done(file: Path, reader: SqliteReader) -> None:
    writer = SqliteWriter(file, patience=2.0)
    putting = asyncio.ensure_future(put_own(writer, "k0"))
    while writer._committing is None:
        await asyncio.sleep(0)
    putting.cancel()
    await writer.dispose()
    assert "k0" in await keys(reader)


async def test_who_waited_for_a_turn_has_less_patience_with_the_file(file: Path) -> None:
    writer = SqliteWriter(file, patience=2.0)
    with closing(sqlite3.connect(file, isolation_level=None)) as somebody:
        somebody.execute("BEGIN EXCLUSIVE")
        began = asyncio.get_running_loop().time()
        first = asyncio.ensure_future(put_own(writer, "k0"))
        await asyncio.sleep(1.0)
        ends = await asyncio.gather(first, put_own(writer, "k1"), return_exceptions=True)
        took = asyncio.get_running_loop().time() - began
    assert all(isinstance(end, Exception) for end in ends)
    assert took < 3.9  # the second has waited a second for its turn, and then one for the file; it was 4
    await writer.dispose()


async def test_trouble_that_comes_after_a_cancellation_is_no_news(tmp_path: Path) -> None:
    told: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    engine = SqliteReader(tmp_path / "gone" / "liaison.db", places=1, patience=2.0)

    async def look(at: SqliteReader) -> None:
        async with at.connect():
            pass

    looking = asyncio.get_running_loop().create_task(look(engine))
    await asyncio.sleep(0)
    looking.cancel()
    await asyncio.wait([looking])
    await asyncio.sleep(0.2)
    await engine.dispose()
    del looking, engine
    gc.collect()
    await asyncio.sleep(0)
    assert told == []
