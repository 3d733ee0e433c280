from __future__ import annotations

import asyncio
import random
import resource
import shutil
import sqlite3
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import DBAPIError

from gateway.errors import StoreError
from gateway.store.database_file import create_sqlite_file
from gateway.store.unit_of_work import Store
from gateway.store.values import LOOP_SECRET
from tests.support.databases import TEST_SEAL
from tests.support.records import RAW, record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.clocks import StoppedClock
    from tests.support.databases import PostgresServer


async def put(store: Store, value: str = "x") -> None:
    async with store.begin() as work:
        await work.values.put("key", value)


async def get(store: Store) -> str | None:
    async with store.reading() as work:
        return await work.values.get("key")


async def test_a_unit_of_work_is_seen_by_others_when_it_ends(store: Store) -> None:
    async with store.begin() as work:
        await work.values.put("key", "x")
        assert await get(store) is None
    assert await get(store) == "x"


async def test_an_exception_undoes_the_whole_unit_and_passes_unchanged(store: Store) -> None:
    trouble = OSError("of the caller")
    with pytest.raises(OSError, match="of the caller") as caught:
        async with store.begin() as work:
            await record(work)
            raise trouble
    assert caught.value is trouble
    async with store.reading() as work:
        assert await work.case_files.cases() == []


async def test_a_cancelled_unit_of_work_is_undone_and_the_store_goes_on(store: Store) -> None:
    async def work_for_ever() -> None:
        async with store.begin() as work:
            await work.values.put("key", "cancelled")
            await asyncio.sleep(3600)

    for _ in range(12):  # more often than there are connections
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(work_for_ever(), 0.02)
    await put(store)
    assert await get(store) == "x"


async def test_a_unit_cancelled_while_it_waits_for_the_lock_is_harmless(store: Store) -> None:
    async with store.begin() as work:
        await work.audit.append("gateway", "test", "LG-1", {})
        waiting = asyncio.ensure_future(_append(store))
        await asyncio.sleep(0.05)
        waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await _append(store)
    async with store.reading() as work:
        assert len(await work.audit.entries()) == 2


async def _append(store: Store) -> None:
    async with store.begin() as work:
        await work.audit.append("gateway", "test", "LG-1", {})


async def test_reading_never_changes_anything(store: Store) -> None:
    try:
        async with store.reading() as work:
            await work.values.put("key", "sneaked in")
    except StoreError:
        pass  # PostgreSQL refuses; SQLite forgets
    assert await get(store) is None


async def test_reading_sees_one_moment(store: Store) -> None:
    async with store.reading() as work:
        assert await work.values.get("key") is None
        await put(store)
        assert await work.values.get("key") is None
    assert await get(store) == "x"


async def test_readers_do_not_wait_for_a_writer(store: Store) -> None:
    async with store.begin() as work:
        await work.values.put("key", "x")
        async with asyncio.timeout(2):
            assert await get(store) is None


async def test_many_units_at_once_all_end(store: Store) -> None:
    await asyncio.gather(*(put(store, str(number)) for number in range(50)))
    assert await get(store) is not None


async def test_a_busy_pool_is_trouble_after_a_while(database_url: str, clock: StoppedClock) -> None:
    store = Store.open(database_url, TEST_SEAL, clock, patience=0.5)
    entered = [store.reading() for _ in range(15)]
    for unit in entered:
        await (await unit.__aenter__()).values.get("key")
    with pytest.raises(StoreError, match="every connection is in use"):
        await get(store)
    for unit in entered:
        await unit.__aexit__(None, None, None)
    assert await get(store) is None
    await store.close()


async def test_a_missing_sqlite_file_is_trouble_and_is_not_made(tmp_path: Path, clock: StoppedClock) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/typo.db", TEST_SEAL, clock)
    with pytest.raises(StoreError, match=r"typo.db is not there: see that store.url is right"):
        await put(store)
    await store.close()
    assert list(tmp_path.iterdir()) == []


async def started(url: str, clock: StoppedClock, secret: str) -> Store:
    """A store whose database has a secret, as from its first start on."""
    store = Store.open(url, TEST_SEAL, clock)
    await store.upgrade()
    async with store.begin() as work:
        await work.values.put_if_absent(LOOP_SECRET, secret)
    return store


async def test_another_database_in_the_place_of_a_lost_one_is_refused_until_that_is_back(
    tmp_path: Path, clock: StoppedClock
) -> None:
    url = f"sqlite:///{tmp_path}/l.db"
    store = await started(url, clock, "ours")
    await put(store)
    assert await get(store) == "x"
    (tmp_path / "aside").mkdir()
    move(tmp_path, tmp_path / "aside")
    create_sqlite_file(tmp_path / "l.db")
    for trouble in (put(store), get(store)):  # one that is empty
        with pytest.raises(StoreError, match=r"l.db is another database than the one that was there"):
            await trouble
    other = await started(url, clock, "another")
    for trouble in (put(store), get(store)):
        with pytest.raises(StoreError, match=r"l.db is another database"):
            await trouble
    assert await get(other) is None
    await other.close()
    for file in tmp_path.glob("l.db*"):
        file.unlink()
    move(tmp_path / "aside", tmp_path)
    assert await get(store) == "x"
    await put(store, "y")
    await store.close()


async def test_a_copy_in_the_place_of_the_database_goes_on(tmp_path: Path, clock: StoppedClock) -> None:
    store = await started(f"sqlite:///{tmp_path}/l.db", clock, "ours")
    await put(store)
    await store.close()
    shutil.copy(tmp_path / "l.db", tmp_path / "copy")
    store = await started(f"sqlite:///{tmp_path}/l.db", clock, "ours")
    await put(store, "y")
    (tmp_path / "copy").replace(tmp_path / "l.db")
    for log in tmp_path.glob("l.db-*"):
        log.unlink()
    assert await get(store) == "x"
    await put(store, "z")
    await store.close()


def move(source: Path, target: Path) -> None:
    for file in source.glob("l.db*"):
        file.rename(target / file.name)


@pytest.mark.parametrize("file", ["liaison.db", "typo.db"])
async def test_a_closed_store_leaves_no_thread_behind(sqlite_url: str, clock: StoppedClock, file: str) -> None:
    before = set(threading.enumerate())
    store = Store.open(sqlite_url.replace("liaison.db", file), TEST_SEAL, clock)
    for _ in range(5):
        with suppress(StoreError, TimeoutError):
            async with asyncio.timeout(0.005):
                await asyncio.gather(*(put(store) for _ in range(5)))
    await store.close()
    assert [thread for thread in set(threading.enumerate()) - before if "worker" in thread.name] == []


async def test_a_file_that_can_not_be_created_is_trouble(clock: StoppedClock) -> None:
    store = Store.open("sqlite:////proc/liaison.db", TEST_SEAL, clock)
    with pytest.raises(StoreError, match="/proc/liaison"):
        await store.upgrade()
    await store.close()


async def test_a_file_that_is_no_database_is_trouble(tmp_path: Path, clock: StoppedClock) -> None:
    (tmp_path / "x.db").write_text("no database at all " * 100)
    store = Store.open(f"sqlite:///{tmp_path}/x.db", TEST_SEAL, clock)
    with pytest.raises(StoreError, match="not a database"):
        await store.upgrade()
    await store.close()


async def test_a_locked_sqlite_file_is_trouble_for_writers_only(sqlite_url: str, clock: StoppedClock) -> None:
    store = Store.open(sqlite_url, TEST_SEAL, clock, patience=0.1)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked") as caught:
        await put(store)
    assert isinstance(caught.value.__cause__, DBAPIError)
    assert await get(store) is None
    other.execute("ROLLBACK")
    other.close()
    await put(store)
    assert await get(store) == "x"
    await store.close()


@contextmanager
def a_full_disk(octets: int) -> Iterator[None]:
    """No file of this process may grow past so many octets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_is_trouble_and_loses_nothing_that_was_committed(
    sqlite_url: str, clock: StoppedClock
) -> None:
    store = Store.open(sqlite_url, TEST_SEAL, clock)
    async with store.begin() as work:
        kept = await record(work)
    with a_full_disk(400_000), pytest.raises(StoreError):
        for _ in range(50):
            async with store.begin() as work:
                await record(work, None, random.randbytes(50_000))
    async with store.begin() as work:
        after = await record(work)
    async with store.reading() as work:
        found = await work.case_files.cases()
        assert await work.messages.get(kept)
    await store.close()
    assert {kept.reference, after.reference} <= {case.reference for case in found}


async def test_a_server_that_goes_away_is_trouble_until_it_is_back(
    postgres_url: str, postgres: PostgresServer, postgres_database: str, clock: StoppedClock
) -> None:
    store = Store.open(postgres_url, TEST_SEAL, clock)
    await put(store)
    with pytest.raises(StoreError) as caught:
        async with store.begin() as work:
            await work.values.put("key", "lost")
            postgres.shut(postgres_database)
            await work.values.get("key")
    assert isinstance(caught.value.__cause__, DBAPIError)
    for unit in (put, get):
        with pytest.raises(StoreError):
            await unit(store)
    postgres.reopen(postgres_database)
    assert await get(store) == "x"
    await store.close()


async def test_a_server_that_was_restarted_meanwhile_costs_nobody_anything(
    postgres_url: str, postgres: PostgresServer, postgres_database: str, clock: StoppedClock
) -> None:
    store = Store.open(postgres_url, TEST_SEAL, clock)
    await put(store)
    postgres.shut(postgres_database)
    postgres.reopen(postgres_database)
    assert await get(store) == "x"
    await store.close()


async def test_a_commit_that_finds_no_server_is_trouble(
    postgres_url: str, postgres: PostgresServer, postgres_database: str, clock: StoppedClock
) -> None:
    store = Store.open(postgres_url, TEST_SEAL, clock)
    with pytest.raises(StoreError):
        async with store.begin() as work:
            await work.values.put("key", "lost")
            postgres.shut(postgres_database)
    postgres.reopen(postgres_database)
    assert await get(store) is None
    await store.close()


@pytest.mark.parametrize("url", ["postgresql://x@127.0.0.1:1/x", "postgresql://x@/x?host=/nowhere"])
async def test_a_server_that_is_not_there_is_trouble(url: str, clock: StoppedClock) -> None:
    store = Store.open(url, TEST_SEAL, clock, patience=2)
    for unit in (put(store), get(store), store.upgrade()):
        with pytest.raises(StoreError):
            await unit
    await store.close()


async def test_a_failed_statement_never_shows_its_values(store: Store) -> None:
    async with store.begin() as work:
        stored = await record(work)
    with pytest.raises(StoreError) as caught:
        async with store.begin() as work:
            await work.messages.put(stored, RAW)
    assert stored.sha256 not in f"{caught.value}{caught.value.__cause__}"


async def test_a_committed_unit_survives_a_copy_of_the_files(
    sqlite_url: str, clock: StoppedClock, tmp_path: Path
) -> None:
    store = Store.open(sqlite_url, TEST_SEAL, clock)
    await put(store)
    copies = tmp_path / "after-the-crash"
    copies.mkdir()
    for file in tmp_path.glob("liaison.db*"):
        shutil.copy(file, copies)
    survivor = Store.open(f"sqlite:///{copies}/liaison.db", TEST_SEAL, clock)
    assert await get(survivor) == "x"
    await survivor.close()
    await store.close()
