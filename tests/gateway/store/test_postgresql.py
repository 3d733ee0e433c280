"""A PostgreSQL that hangs, vanishes or is replaced: it holds nobody for long, and a COMMIT is what it says."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest

from gateway.errors import StoreError
from gateway.operations.watching import Watching
from gateway.store.engine import open_engine
from gateway.store.postgresql import parameters_of
from gateway.store.unit_of_work import Store
from tests.support.databases import TEST_SEAL
from tests.support.nodes import SkewedClock
from tests.support.records import RAW, a_case, record
from tests.support.stalling import StallingWay

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.support.clocks import StoppedClock
    from tests.support.databases import PostgresServer


@pytest.fixture
async def way(postgres: PostgresServer) -> AsyncIterator[StallingWay]:
    """A way over TCP to the server, which can stall."""
    way = await StallingWay(postgres.directory / ".s.PGSQL.5432").start()
    yield way
    await way.stop()


@asynccontextmanager
async def opened(url: str, clock: StoppedClock, *, patience: float = 2) -> AsyncIterator[Store]:
    store = Store.open(url, TEST_SEAL, clock, patience=patience)
    try:
        yield store
    finally:
        await store.close()


async def put(store: Store, value: str = "x") -> None:
    async with store.begin() as work:
        await work.values.put("key", value)


async def get(store: Store) -> str | None:
    async with store.reading() as work:
        return await work.values.get("key")


async def test_of_several_hosts_the_first_that_can_write_is_taken(
    way: StallingWay, postgres_database: str, clock: StoppedClock
) -> None:
    hosts = f"127.0.0.1:1,127.0.0.1:{way.port}"
    url = f"postgresql://postgres@{hosts}/{postgres_database}?target_session_attrs=read-write"
    async with opened(url, clock) as store:
        await put(store)
        assert await get(store) == "x"
    assert way.connections


async def test_a_server_that_can_only_be_read_is_not_taken(
    way: StallingWay, postgres: PostgresServer, postgres_database: str, clock: StoppedClock
) -> None:
    postgres.run("ALTER DATABASE {} SET default_transaction_read_only = on", postgres_database)
    url = f"postgresql://postgres@127.0.0.1:{way.port}/{postgres_database}?target_session_attrs=read-write"
    async with opened(url, clock) as store:
        with pytest.raises(StoreError, match="read-only"):
            await get(store)


def test_what_the_url_says_wins_and_its_options_come_last() -> None:
    found = parameters_of("postgresql://x@a,b:5433/l?connect_timeout=3&options=-c%20lock_timeout%3D7", 10)
    assert (found["host"], found["port"], found["connect_timeout"]) == ("a,b", ",5433", "3")
    assert found["options"].endswith(" -c lock_timeout=7")


async def test_a_server_that_takes_connections_and_says_nothing_is_given_up(
    way: StallingWay, postgres_database: str, clock: StoppedClock
) -> None:
    way.stall()
    async with opened(f"postgresql://postgres@127.0.0.1:{way.port}/{postgres_database}", clock) as store, within(10):
        with pytest.raises(StoreError, match="timeout"):
            await put(store)


async def test_a_server_that_falls_silent_is_given_up_and_used_again_when_it_is_back(
    way: StallingWay, postgres_database: str, clock: StoppedClock
) -> None:
    url = f"postgresql://postgres@127.0.0.1:{way.port}/{postgres_database}"
    async with opened(url, clock, patience=0.2) as store, within(20):
        await asyncio.gather(put(store, "x"), get(store))  # two connections in the pool
        silent = asyncio.Event()
        ends = await asyncio.gather(fall_silent(store, way, silent), get_then(store, silent), return_exceptions=True)
        assert [type(end) for end in ends] == [StoreError, StoreError]
        assert "no answer within" in str(ends[0])
        way.flow()
        assert await get(store) == "x"


async def fall_silent(store: Store, way: StallingWay, silent: asyncio.Event) -> None:
    """In the middle of a unit of work."""
    async with store.begin() as work:
        await work.values.put("key", "y")
        way.stall()
        silent.set()
        await work.values.put("key", "z")


async def get_then(store: Store, silent: asyncio.Event) -> str | None:
    """On the other connection, once nothing is heard any more."""
    await silent.wait()
    return await get(store)


async def test_a_node_that_stops_in_the_middle_of_a_unit_of_work_holds_the_others_up_for_a_while_only(
    postgres_url: str, clock: StoppedClock
) -> None:
    async with (
        opened(postgres_url, clock, patience=0.5) as stopped,
        opened(postgres_url, clock, patience=20) as other,
        within(20),
    ):
        with pytest.raises(StoreError):
            async with stopped.begin() as work:
                await work.audit.append("test", "first", "", {})
                async with other.begin() as theirs:  # waits for the head of the chain, which the first one holds
                    await theirs.audit.append("test", "second", "", {})
        async with other.reading() as work:
            assert [entry.action for entry in await work.audit.entries()] == ["second"]


async def test_a_commit_that_no_standby_has_confirmed_is_trouble(
    postgres: PostgresServer, postgres_database: str, clock: StoppedClock
) -> None:
    url = postgres.url(postgres_database)
    case = a_case()
    async with opened(url, clock, patience=0.2) as store, within(20):
        with awaiting_a_standby(postgres, postgres_database):
            with pytest.raises(StoreError):
                async with store.begin() as work:
                    await record(work, case)
            with pytest.raises(StoreError):  # the retry finds the case: that one still isn't on any standby
                async with store.begin() as work:
                    await work.cases.insert_or_find(case)
        async with store.begin() as work:
            found, is_new = await work.cases.insert_or_find(case)
            assert (found.reference, is_new) == (case.reference, False)
            assert await work.messages.get(found) == RAW


async def test_a_commit_that_was_told_not_to_wait_for_a_standby_is_trouble(
    postgres: PostgresServer, postgres_database: str, clock: StoppedClock
) -> None:
    async with opened(postgres.url(postgres_database), clock, patience=5) as store, within(20):
        with awaiting_a_standby(postgres, postgres_database):
            putting = asyncio.ensure_future(put(store))
            while not cancel_what_waits_for_a_standby(postgres, postgres_database):
                await asyncio.sleep(0.05)
            with pytest.raises(StoreError, match="synchronous replication"):
                await putting


async def test_a_node_knows_how_far_its_clock_is_ahead_of_the_databases(postgres_url: str, sqlite_url: str) -> None:
    store = Store.open(postgres_url, TEST_SEAL, SkewedClock(1000))
    assert 900 < await store.clock_ahead() < 1100
    await store.close()
    store = Store.open(sqlite_url, TEST_SEAL, SkewedClock(1000))
    assert await store.clock_ahead() == 0
    await store.close()


@pytest.mark.parametrize(("wanted", "used"), [("off", "local"), ("local", "local"), ("remote_apply", "remote_apply")])
async def test_a_commit_is_at_least_on_the_servers_own_disk(
    postgres: PostgresServer, postgres_database: str, wanted: str, used: str
) -> None:
    postgres.run(f"ALTER DATABASE {{}} SET synchronous_commit = {wanted}", postgres_database)
    engines = open_engine(postgres.url(postgres_database))
    async with engines.writer.begin() as connection:
        shown = await connection.exec_driver_sql("SHOW synchronous_commit")
        assert shown.scalar_one() == used
    await engines.close()


@contextmanager
def awaiting_a_standby(postgres: PostgresServer, database: str) -> Iterator[None]:
    """Synchronous replication to a standby that is not there; for this database alone, and for new connections."""
    postgres.run("ALTER DATABASE {} SET synchronous_commit = on", database)
    configure(postgres, "nobody")
    try:
        yield
    finally:
        configure(postgres, "")


def configure(postgres: PostgresServer, standby: str) -> None:
    postgres.run(f"ALTER SYSTEM SET synchronous_standby_names = '{standby}'")
    postgres.run("SELECT pg_reload_conf()")


def cancel_what_waits_for_a_standby(postgres: PostgresServer, database: str) -> bool:
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        waiting = connection.execute(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = %s AND wait_event = 'SyncRep'",
            [database],
        )
        return waiting.fetchone() is not None


def within(seconds: float) -> asyncio.Timeout:
    """A generous bound against hanging."""
    return asyncio.timeout(seconds)


async def test_a_database_that_was_frozen_is_written_to_by_nobody_also_after_it_was_read(
    postgres: PostgresServer, postgres_database: str, clock: StoppedClock
) -> None:
    async with opened(postgres.url(postgres_database), clock) as store:
        await put(store)
        postgres.run("ALTER DATABASE {} SET default_transaction_read_only = on", postgres_database)
        postgres.shut(postgres_database)
        postgres.reopen(postgres_database)
        for _ in range(3):
            assert await get(store) == "x"
            with pytest.raises(StoreError, match="read-only transaction"):
                await put(store, "y")


async def test_a_database_that_can_only_be_read_is_not_ready_and_says_why(
    postgres: PostgresServer, postgres_database: str, clock: StoppedClock
) -> None:
    async with opened(postgres.url(postgres_database), clock) as store:
        assert await Watching(store).trouble() == ""
        postgres.run("ALTER DATABASE {} SET default_transaction_read_only = on", postgres_database)
        postgres.shut(postgres_database)
        postgres.reopen(postgres_database)
        trouble = "The database can only be read: default_transaction_read_only is on for it"
        assert await Watching(store).trouble() == trouble
