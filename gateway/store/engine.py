"""Engines: one asynchronous SQLAlchemy engine for each dialect, set up so that a commit means durable.

Never decides what is stored. SQLite (one node): WAL, synchronous=FULL, foreign keys, BEGIN IMMEDIATE for whoever
writes. PostgreSQL (several nodes): READ COMMITTED, with locks taken by the statements that need them.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import quote
from weakref import WeakSet

import aiosqlite
from sqlalchemy import create_engine, event, make_url
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from gateway.errors import ConfigurationError, StoreError
from gateway.store.asynchronous import AsyncEngine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from threading import Thread

    from sqlalchemy import URL, Connection, Engine, Table
    from sqlalchemy.dialects import postgresql
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

    from gateway.store.asynchronous import AsyncConnection

PATIENCE = 10.0
"""Seconds that a statement waits for a lock, a connection or the server before it gives up."""

_SQLITE_BEGIN = "liaison_sqlite_begin"


@dataclass(frozen=True, slots=True)
class Engines:
    """Two faces of one pool: `writer` begins with the write lock in hand, `reader` sees one snapshot.

    `file` is the database file of SQLite, None for PostgreSQL.
    """

    writer: AsyncEngine
    reader: AsyncEngine
    file: Path | None = None
    workers: WeakSet[Thread] = field(default_factory=WeakSet)
    """The threads in which aiosqlite works: one for each connection, gone when it is closed."""

    async def close(self) -> None:
        """Close every pooled connection."""
        await self.writer.dispose()
        # A worker that outlives the event loop dies with a traceback: it can't say any more that it has stopped.
        for worker in tuple(self.workers):
            await asyncio.to_thread(worker.join, PATIENCE)


def open_engine(url: str, *, patience: float = PATIENCE) -> Engines:
    """Engines for `sqlite:///path` or `postgresql://…`; connects to nothing yet. Raises ConfigurationError."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise _wrong_url("is not a URL") from error
    match parsed.get_backend_name():
        case "sqlite":
            return _open_sqlite(parsed, patience)
        case "postgresql":
            return _open_postgresql(parsed, patience)
        case other:
            raise _wrong_url(f"{other!r} is not supported")


@contextmanager
def database_trouble() -> Iterator[None]:
    """Turn what the driver or the pool raise into StoreError; the statement's values stay out of its message."""
    try:
        yield
    except DBAPIError as error:
        raise StoreError(f"The database could not do its work: {_first_line(error.orig)}") from error
    except PoolTimeoutError as error:
        raise StoreError("The database could not do its work: every connection is in use") from error


def insert_new(connection: AsyncConnection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that knows ON CONFLICT; both dialects have it, each under its own name."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # 2 MB that a node on SQLite can do without

    return postgresql.insert(table)


def _open_sqlite(url: URL, patience: float) -> Engines:
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise _wrong_url("names no file")
    file = Path(url.database).absolute()
    workers: WeakSet[Thread] = WeakSet()

    def connect() -> aiosqlite.Connection:
        # mode=rw: a mistyped path is an error, not a new and empty database; `Store.upgrade` makes the file.
        # isolation_level None keeps the driver from beginning transactions of its own.
        connection = aiosqlite.connect(
            f"file:{quote(str(file))}?mode=rw", uri=True, timeout=patience, isolation_level=None
        )
        worker = connection._thread  # noqa: SLF001 -- there is no other way to it; SQLAlchemy goes it too
        worker.daemon = True
        workers.add(worker)
        return connection

    engine: Engine = create_engine(
        "sqlite+aiosqlite:///the-creator-knows",
        creator=lambda: engine.dialect.loaded_dbapi.connect(async_creator_fn=connect),
        hide_parameters=True,
        pool_timeout=patience,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    writer = engine.execution_options(**{_SQLITE_BEGIN: "BEGIN IMMEDIATE"})
    return Engines(AsyncEngine(writer), AsyncEngine(engine), file, workers)


def create_sqlite_file(file: Path) -> None:
    """Make the database file if there is none. Raises StoreError.

    In WAL mode from birth: nodes that start at once refuse each other the change to it, without waiting. Only its
    owner may read it; SQLite gives its -wal and -shm files the same permissions.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not file.exists():
            _make_aside(file)
        os.close(os.open(file, os.O_RDWR))
    except OSError as error:
        raise StoreError(f"The database file {file} can't be created or written: {error.strerror}") from error
    except sqlite3.Error as error:
        raise StoreError(f"The database file {file} can't be created: {error}") from error


def _make_aside(file: Path) -> None:
    """And link it under its name when it is whole; who comes second keeps the first one's."""
    with TemporaryDirectory(prefix=f".{file.name[:100]}-", dir=file.parent) as directory:
        new = Path(directory) / "new"
        os.close(os.open(new, os.O_RDWR | os.O_CREAT, 0o600))
        with closing(sqlite3.connect(new)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        with suppress(FileExistsError):
            os.link(new, file)


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    try:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
    finally:
        cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """A write unit takes the lock first: a deferred one that reads and then writes may fail without waiting."""
    connection.exec_driver_sql(connection.get_execution_options().get(_SQLITE_BEGIN, "BEGIN"))


def _open_postgresql(url: URL, patience: float) -> Engines:
    arguments: dict[str, str | int] = {"connect_timeout": max(2, round(patience))}
    if "options" not in url.query:
        arguments["options"] = f"-c lock_timeout={round(patience * 1000)}"
    engine = create_engine(
        url.set(drivername="postgresql+psycopg_async"),
        hide_parameters=True,
        pool_timeout=patience,
        # Asks before a connection is used, so that a restarted server costs nobody a message.
        pool_pre_ping=True,
        connect_args=arguments,
    )
    reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return Engines(AsyncEngine(engine), AsyncEngine(reader))


def _wrong_url(problem: str) -> ConfigurationError:
    """Without the URL itself: it may hold a password."""
    return ConfigurationError([f"store.url: {problem}; use sqlite:///path/to/file.db or postgresql://user@host/name"])


def _first_line(error: BaseException | None) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
