"""The store is full, locked, read-only, or breaks off in mid-transaction: nothing is taken unrecorded, nothing twice."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sqlite3
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from gateway.clock import SystemClock
from gateway.desk import open_desk
from gateway.model.case import DeliveryState
from gateway.operations.flagged import RECORD_WITHIN
from gateway.settings import load
from tests.support.dialogue import Dialogue
from tests.support.gateway import running_gateway, write_configuration
from tests.support.served import CLEAN, serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from contextlib import AbstractAsyncContextManager, AbstractContextManager
    from pathlib import Path

    from tests.support.databases import PostgresServer
    from tests.support.gateway import Running
    from tests.support.mta import ScriptedMTA
    from tests.support.served import Served

    Trouble = Callable[[PostgresServer, str], AbstractContextManager[object]]

__all__ = ["serve"]

ANSWERED_WITHIN = RECORD_WITHIN + 20
"""Seconds for the answer to the final dot, which the store's patience bounds; for a machine that has much else to do."""
LISTED = b"From: liaison@mission.example\r\nSubject: Request\r\n\r\nPlease send us the file.\r\n"
SENDER, DESK, DISPATCH = "liaison@mission.example", "desk@police.example", "dispatch@police.example"


async def attempt(
    port: int, sender: str = SENDER, recipients: tuple[str, ...] = (DESK,), content: bytes = LISTED
) -> str:
    """The answer to the final dot."""
    client = await Dialogue.open(port)
    reply = await client.mail(sender, list(recipients), content, within=ANSWERED_WITHIN)
    await client.close()
    return reply


async def withstood(port: int, next_hop: ScriptedMTA) -> None:
    """While the trouble lasts: clean mail flows, dispatch is served once, and nobody is told 250 for what is listed."""
    listed, both = (
        asyncio.ensure_future(attempt(port)),
        asyncio.ensure_future(attempt(port, recipients=(DISPATCH, DESK))),
    )
    assert (await attempt(port, "a@town.example", content=CLEAN)).startswith("250 2.0.0")
    assert (await listed).startswith("451 4.3.0")
    assert (await both).startswith("451 4.3.0")
    assert sorted(one.recipients for one in next_hop.messages) == [[DESK], [DISPATCH]]


async def recovered(port: int, next_hop: ScriptedMTA) -> None:
    """The trouble is over and the sender tries again: one case, dispatch is not served twice."""
    async with asyncio.timeout(ANSWERED_WITHIN):
        while not (await attempt(port, recipients=(DISPATCH, DESK))).startswith("250 2.0.0"):
            await asyncio.sleep(0.1)
    assert sum(one.recipients == [DISPATCH] for one in next_hop.messages) == 1


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


def run(postgres: PostgresServer, database: str, *statements: str) -> None:
    with psycopg.connect(postgres.url(database), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


@contextmanager
def disk_full(postgres: PostgresServer, database: str) -> Iterator[None]:
    """The server answers as it does when a table can't grow: SQLSTATE 53100. A real disk is not filled."""
    run(
        postgres,
        database,
        "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53100', "
        "MESSAGE = 'could not extend file: No space left on device'; END $$",
        "CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON outbox_items EXECUTE FUNCTION no_room()",
        "CREATE TRIGGER full_disk BEFORE INSERT ON messages EXECUTE FUNCTION no_room()",
    )
    yield
    run(postgres, database, "DROP FUNCTION no_room() CASCADE")


@contextmanager
def locked(postgres: PostgresServer, database: str) -> Iterator[None]:
    """Somebody else holds a table for longer than anybody waits."""
    with psycopg.connect(postgres.url(database)) as connection:
        connection.execute("LOCK TABLE outbox_items IN ACCESS EXCLUSIVE MODE")
        yield


@contextmanager
def read_only(postgres: PostgresServer, database: str) -> Iterator[None]:
    """As a standby is, to which a failover has led."""
    postgres.run("ALTER DATABASE {} SET default_transaction_read_only = on", database)
    terminate(postgres, database)
    yield
    postgres.run("ALTER DATABASE {} RESET default_transaction_read_only", database)
    terminate(postgres, database)


def terminate(postgres: PostgresServer, database: str, where: str = "true") -> int:
    """As a server that restarts ends connections; how many it ended."""
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        ended = connection.execute(_activity("pg_terminate_backend(pid, 5000)", where), [database])
        return len(ended.fetchall())


def _activity(what: str, where: str) -> sql.Composed:
    """About the connections to a database that are in such a state."""
    return sql.SQL("SELECT {} FROM pg_stat_activity WHERE datname = %s AND {}").format(sql.SQL(what), sql.SQL(where))


@pytest.fixture
async def on_hasty_postgres(
    tmp_path: Path, postgres: PostgresServer, postgres_database: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> AsyncIterator[Running]:
    """Waits half a second for a lock."""
    url = postgres.url(postgres_database) + "&options=-c%20lock_timeout%3D500"
    path = write_configuration(tmp_path, next_hop=next_hop.port, smarthost=smarthost.port, url=url)
    async with running_gateway(path, SystemClock(), next_hop, smarthost) as running:
        yield running


@pytest.mark.parametrize("trouble", [disk_full, locked, read_only])
async def test_postgresql_that_can_not_write_costs_nobody_a_message(
    on_hasty_postgres: Running, postgres: PostgresServer, postgres_database: str, trouble: Trouble
) -> None:
    gateway = on_hasty_postgres
    with trouble(postgres, postgres_database):
        await withstood(gateway.port, gateway.next_hop)
    assert await gateway.cases() == []
    await recovered(gateway.port, gateway.next_hop)
    await settled_once(gateway)


async def settled_once(gateway: Running) -> None:
    """One case with one report, which leaves."""
    await gateway.smarthost.arrived()
    (file,) = await gateway.cases()
    assert file.deliveries[-1].state in {DeliveryState.HELD, DeliveryState.RELAYED}
    assert len({item.id for item in await gateway.items()}) == 2, "a report and a notice"
    await asyncio.sleep(0.2)
    assert len(gateway.smarthost.messages) == 1


async def test_a_restart_in_mid_transaction_leaves_no_half_case(
    on_postgres: Running, postgres: PostgresServer, postgres_database: str
) -> None:
    with locked(postgres, postgres_database):
        pending = asyncio.ensure_future(attempt(on_postgres.port))
        waiting = "wait_event_type = 'Lock' AND query LIKE 'INSERT%%'"
        await asyncio.to_thread(_wait_for, postgres, postgres_database, waiting)
        assert terminate(postgres, postgres_database, waiting) == 1
        assert (await pending).startswith("451 4.3.0")
    assert await on_postgres.cases() == []
    assert (await attempt(on_postgres.port)).startswith("250 2.0.0")
    await settled_once(on_postgres)


async def test_a_commit_whose_answer_is_lost_is_found_again_by_the_retry(
    on_postgres: Running, postgres: PostgresServer, postgres_database: str
) -> None:
    """Committed, and waiting for a standby that never comes, when the server ends the connection."""
    with waiting_for_a_standby(postgres, postgres_database):
        terminate(postgres, postgres_database)  # so that the setting is in force everywhere
        pending = asyncio.ensure_future(attempt(on_postgres.port))
        waiting = "wait_event = 'SyncRep'"
        await asyncio.to_thread(_wait_for, postgres, postgres_database, waiting)
        assert terminate(postgres, postgres_database, waiting) >= 1
        assert (await pending).startswith("451 4.3.0")
    terminate(postgres, postgres_database)
    assert len(await on_postgres.cases()) == 1, "it was committed all the same"
    assert (await attempt(on_postgres.port)).startswith("250 2.0.0")
    await settled_once(on_postgres)


@contextmanager
def waiting_for_a_standby(postgres: PostgresServer, database: str) -> Iterator[None]:
    """COMMIT in this database waits, after it was done here; in all others nothing changes."""
    postgres.run("ALTER DATABASE {} SET synchronous_commit = on", database)
    postgres.run("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    postgres.run("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        postgres.run("ALTER SYSTEM RESET synchronous_standby_names")
        postgres.run("SELECT pg_reload_conf()")
        postgres.run("ALTER DATABASE {} RESET synchronous_commit", database)


def _wait_for(postgres: PostgresServer, database: str, where: str) -> None:
    """Until a connection is in that state."""
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        for _ in range(200):
            if connection.execute(_activity("pid", where), [database]).fetchall():
                return
            connection.execute("SELECT pg_sleep(0.05)")
    raise AssertionError(f"nobody has {where}")


# --- SQLite -----------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def full(served: Served, file: Path) -> AsyncIterator[None]:
    """No file of the process may grow any more, as on a full disk."""
    size = file.with_name(file.name + "-wal").stat().st_size
    unlimited = resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (min(size, 4096), unlimited[1]))
    yield
    resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, unlimited)


@asynccontextmanager
async def held(_served: Served, file: Path) -> AsyncIterator[None]:
    """Another process holds the lock for longer than anybody waits."""
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    yield
    other.execute("ROLLBACK")
    other.close()


@asynccontextmanager
async def taken_away(_served: Served, file: Path) -> AsyncIterator[None]:
    """Somebody moves the file; SQLite alone would write on to it, wherever it is now, or to none."""
    aside = file.parent / "aside"
    aside.mkdir()
    for one in file.parent.glob(f"{file.name}*"):
        one.rename(aside / one.name)
    yield
    for one in aside.iterdir():
        one.rename(file.parent / one.name)


@asynccontextmanager
async def replaced(served: Served, file: Path) -> AsyncIterator[None]:
    """Somebody moves the file, and a command makes another, with the packs' lists and nothing else."""
    async with taken_away(served, file):
        async with open_desk(load(file.with_name("gateway.toml"), {}), SystemClock()):
            pass
        yield
        for one in file.parent.glob(f"{file.name}*"):
            one.unlink()


@pytest.mark.parametrize("trouble", [full, held, taken_away, replaced])
async def test_an_sqlite_file_that_can_not_be_written_costs_nobody_a_message(
    tmp_path: Path,
    next_hop: ScriptedMTA,
    smarthost: ScriptedMTA,
    serve: Callable[[Path], Awaitable[Served]],
    trouble: Callable[[Served, Path], AbstractAsyncContextManager[None]],
) -> None:
    file = tmp_path / "l.db"
    path = write_configuration(
        tmp_path, next_hop=next_hop.port, smarthost=smarthost.port, url=f"sqlite:///{file}", mode="assist"
    )
    served = await serve(path)
    async with trouble(served, file):
        await withstood(served.port, next_hop)
    await recovered(served.port, next_hop)
    assert _rows(file, "SELECT recipient, state FROM deliveries") == [(DESK, "held"), (DISPATCH, "relayed")]
    assert _rows(file, "SELECT count(*) FROM cases") == [(1,)]
    assert _rows(file, "PRAGMA integrity_check") == [("ok",)]
    assert served.process.returncode is None


async def test_a_worker_that_is_started_anew_refuses_another_database_as_the_others_do(
    tmp_path: Path, next_hop: ScriptedMTA, smarthost: ScriptedMTA, serve: Callable[[Path], Awaitable[Served]]
) -> None:
    file = tmp_path / "l.db"
    path = write_configuration(
        tmp_path,
        next_hop=next_hop.port,
        smarthost=smarthost.port,
        url=f"sqlite:///{file}",
        mode="assist",
        smtp="workers = 2",
    )
    served = await serve(path)
    async with replaced(served, file):
        os.kill((await served.children())[0], signal.SIGKILL)
        _, in_its_place = await served.logged("worker_died", times=2)
        assert "not ready" in in_its_place
        assert "is another database than the one that was there" in served.log.read_text()
        await withstood(served.port, next_hop)
    await recovered(served.port, next_hop)
    async with asyncio.timeout(20):
        while len(await served.children()) != 2:
            await asyncio.sleep(0.2)
    assert _rows(file, "SELECT count(*) FROM cases") == [(1,)]


def _rows(file: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(file)
    try:
        return sorted(connection.execute(query).fetchall())
    finally:
        connection.close()
