"""A database that stalls: somebody else holds a lock that every writer needs, until it is let go."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


class Lock:
    """On one table of PostgreSQL, or on the whole file of SQLite. Let go at the end of the block, or before."""

    def __init__(self, url: str, table: str) -> None:
        self._url, self._table = url, table
        self._connection: sqlite3.Connection | psycopg.Connection | None = None
        self.taken = False
        """It is held, or it was."""

    def take(self) -> None:
        """Waits for whoever writes just now; they wait for nobody in the test's event loop."""
        if self._url.startswith("sqlite"):
            file = sqlite3.connect(self._url.removeprefix("sqlite:///"), timeout=10, isolation_level=None)
            file.execute("BEGIN EXCLUSIVE")
            self._connection = file
        else:
            server = psycopg.connect(self._url, options="-c lock_timeout=10000")
            server.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(self._table)))
            self._connection = server
        self.taken = True

    def let_go(self) -> None:
        if self._connection is not None:
            self._connection.rollback()
            self._connection.close()
            self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.let_go()
