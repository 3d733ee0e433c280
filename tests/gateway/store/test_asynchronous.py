"""The engine for tasks: slices, transactions, and what a cancellation leaves behind."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
from sqlalchemy import text

from gateway.store.engine import open_engine

_NUMBERS = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT i FROM n")
_COUNT = text("SELECT count(*) FROM audit_entries WHERE seq = 7")
_INSERT = text(
    "INSERT INTO audit_entries (seq, at, actor, action, subject, detail, previous, hash) "
    "VALUES (7, '2026-05-04 12:00:00', 'a', 'b', '', '{}', '', '')"
)


async def test_a_long_result_comes_in_slices(database_url: str) -> None:
    engines = open_engine(database_url)
    async with engines.reader.connect() as connection:
        async with aclosing(connection.slices(_NUMBERS, 4)) as slices:
            found = [[row[0] for row in rows] async for rows in slices]
        async with aclosing(connection.slices(_NUMBERS, 4)) as slices:
            assert len(await anext(slices)) == 4  # left in the middle: the connection is still fit for use
        assert len((await connection.execute(_NUMBERS)).all()) == 10
    await engines.close()
    assert found == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]


async def test_a_transaction_that_is_left_by_an_exception_is_undone(database_url: str) -> None:
    engines = open_engine(database_url)
    with pytest.raises(LookupError):
        async with engines.writer.begin() as connection:
            await connection.execute(_INSERT)
            raise LookupError
    async with engines.reader.connect() as connection:
        assert (await connection.execute(_COUNT)).scalar_one() == 0
    await engines.close()


async def test_a_cancelled_transaction_is_undone_and_its_connection_given_back(database_url: str) -> None:
    engines = open_engine(database_url, patience=2)

    async def write() -> None:
        async with engines.writer.begin() as connection:
            await connection.execute(_INSERT)
            await asyncio.sleep(60)

    for _ in range(20):  # more than the pool has: a lost connection would be missed
        task = asyncio.ensure_future(write())
        await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()  # again, while it gives back its connection
        with pytest.raises(asyncio.CancelledError):
            await task
    async with engines.writer.begin() as connection:
        assert (await connection.execute(_COUNT)).scalar_one() == 0
    await engines.close()
