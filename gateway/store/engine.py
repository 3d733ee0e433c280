"""Engines: what units of work get their connections from, for each dialect so set up that a commit means durable.

Never decides what is stored. SQLite (one node): WAL, synchronous=FULL, foreign keys, BEGIN IMMEDIATE for whoever
writes; see `gateway.store.embedded`. PostgreSQL (several nodes; `gateway.store.postgresql`): READ COMMITTED, with
locks taken by the statements that need them.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import make_url
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite.dml import OnConflictDoNothing, OnConflictDoUpdate
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.compiler import compiles

from gateway.errors import ConfigurationError, StoreError
from gateway.store.database_file import Known
from gateway.store.embedded import SqliteReader, SqliteWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from sqlalchemy import URL, Table
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from gateway.store.embedded import SqliteConnection

    Connection: TypeAlias = AsyncConnection | SqliteConnection
    """What a unit of work runs its statements on."""

PATIENCE = 10.0
"""Seconds that a statement waits for a lock, a connection or the server before it gives up."""
_READERS = 15
"""Snapshots of an SQLite file that are looked at side by side; as many as SQLAlchemy's own pool has connections."""


@dataclass(frozen=True, slots=True)
class Engines:
    """Faces of one database: `writer` begins with the write lock in hand, `reader` sees one snapshot.

    `migrator` is a writer that may take long. `file` is the database file of SQLite, None for PostgreSQL.
    """

    writer: AsyncEngine | SqliteWriter
    reader: AsyncEngine | SqliteReader
    migrator: AsyncEngine | SqliteWriter
    file: Path | None = None

    async def close(self) -> None:
        """Close every connection."""
        await self.writer.dispose()
        await self.reader.dispose()


def open_engine(url: str, *, patience: float = PATIENCE, known: str | None = None) -> Engines:
    """Engines for `sqlite:///path` or `postgresql://…`; connects to nothing yet. Raises ConfigurationError.

    `known` is the secret that an SQLite file must have; None for whichever it has when it is first opened.
    """
    if url.startswith(("postgresql:", "postgresql+psycopg:")):
        return _open_postgresql(url, patience)
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise _wrong_url("is not a URL") from error
    if parsed.get_backend_name() != "sqlite":
        raise _wrong_url(f"{parsed.get_backend_name()!r} is not supported")
    return _open_sqlite(parsed, patience, Known(known))


@contextmanager
def database_trouble() -> Iterator[None]:
    """Turn what the driver or the pool raise into StoreError; the statement's values stay out of its message."""
    try:
        yield
    except DBAPIError as error:
        raise StoreError(f"The database could not do its work: {_first_line(error.orig)}") from error
    except PoolTimeoutError as error:
        raise StoreError("The database could not do its work: every connection is in use") from error


def insert_new(table: Table) -> sqlite.Insert:
    """An INSERT that knows ON CONFLICT: SQLite has PostgreSQL's clause, word for word, so one statement is for both."""
    return sqlite.insert(table)


@compiles(OnConflictDoNothing, "postgresql")
def _do_nothing(clause: Any, compiler: Any, **named: Any) -> str:
    return _in_postgresql(clause, compiler.visit_on_conflict_do_nothing, named)


@compiles(OnConflictDoUpdate, "postgresql")
def _do_update(clause: Any, compiler: Any, **named: Any) -> str:
    return _in_postgresql(clause, compiler.visit_on_conflict_do_update, named)


def _in_postgresql(clause: Any, write: Callable[..., str], named: dict[str, Any]) -> str:
    """PostgreSQL may name a constraint instead of columns, which SQLite's clause does not know of."""
    clause.constraint_target = None
    return write(clause, **named)


def _open_sqlite(url: URL, patience: float, known: Known) -> Engines:
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise _wrong_url("names no file")
    file = Path(url.database).absolute()
    writer = SqliteWriter(file, patience=patience, known=known)
    return Engines(
        writer=writer,
        reader=SqliteReader(file, places=_READERS, patience=patience, known=known),
        migrator=writer,
        file=file,
    )


def _open_postgresql(url: str, patience: float) -> Engines:
    from gateway.store import postgresql  # the driver and the dialect: 8 MB that a node on SQLite can do without

    try:
        parameters = postgresql.parameters_of(url, patience)
    except ValueError as error:
        raise _wrong_url("is not a URL that libpq understands") from error
    if "@" in str(parameters.get("host", "")).removeprefix("@"):  # of a socket in the abstract namespace
        raise _wrong_url("has an @ in its user name or password, which has to be written %40")
    engine = postgresql.open_server(parameters, patience)
    reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return Engines(writer=engine, reader=reader, migrator=postgresql.open_for_upgrade(parameters))


def _wrong_url(problem: str) -> ConfigurationError:
    """Without the URL itself: it may hold a password."""
    return ConfigurationError([f"store.url: {problem}; use sqlite:///path/to/file.db or postgresql://user@host/name"])


def _first_line(error: BaseException | None) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
