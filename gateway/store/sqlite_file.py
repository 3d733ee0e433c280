"""An SQLite database as a file: what is left of removed content in its log, copies of it, and its replacement.

Never runs a unit of work. Each function opens connections of its own, and blocks: it is called in a thread.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

from gateway.errors import StoreError
from gateway.store.embedded import READING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_TRIES = 10
_PATIENCE = 0.5
"""Seconds for which one try may hold up who writes."""
_LOCK_PATIENCE = 5.0
_PAGES = 256
"""Pages that are copied at one go: a megabyte."""


def cut_off_log(file: Path) -> bool:
    """Bring everything into the database file, and make its log empty: what was removed stands nowhere then.

    False if it could not be done because others read all the time; the log is cut off when the last of them closes.
    """
    for _ in range(_TRIES):
        with suppress(sqlite3.Error), closing(sqlite3.connect(file, timeout=_PATIENCE)) as connection:
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if not busy:
                return True
        time.sleep(_PATIENCE)
    return False


def copy_database(file: Path, copy: Path, seen: Callable[[float], None]) -> None:
    """A copy as of this moment, while others write: SQLite's online backup. `seen` is told which part is done, 0 to 1.

    In one snapshot: without it each write of another connection would make the copy begin again, without an end. Raises
    StoreError, such as for a full disk.
    """
    try:
        with closing(_opened(file)) as source, closing(sqlite3.connect(copy)) as target:
            for statement in READING:
                source.execute(statement).fetchall()
            source.backup(target, pages=_PAGES, progress=lambda _, left, pages: seen(1 - left / max(1, pages)))
            source.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise StoreError(f"The database file {file} could not be copied: {error}") from error


def unsoundness(file: Path) -> str:
    """What SQLite finds wrong with a database file, "" if nothing: every page is looked at."""
    try:
        with closing(_opened(file)) as connection:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        return str(error)
    return "" if found == "ok" else str(found)


def holds_cases(file: Path) -> bool:
    """Whether a case is in it. What can't be read counts as full: nobody knows what is in it."""
    if not file.exists():
        return False
    try:
        with closing(_opened(file)) as connection:
            if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'cases'").fetchone():
                return False
            return connection.execute("SELECT 1 FROM cases LIMIT 1").fetchone() is not None
    except sqlite3.Error:
        return True


def set_aside(file: Path, aside: Path) -> None:
    """Move a database out of the way, whole: its log is brought into it first. Raises StoreError while it is in use."""
    try:
        with closing(_opened(file)) as connection:
            (mode,) = connection.execute("PRAGMA journal_mode=DELETE").fetchone()
    except sqlite3.OperationalError as error:
        raise StoreError(f"The database file {file} is in use: stop every gateway on it first ({error})") from error
    except sqlite3.DatabaseError:
        mode = "delete"  # what is no database has no log
    if mode != "delete":
        raise StoreError(f"The database file {file} is in use: stop every gateway on it first")
    file.rename(aside)
    for log in (file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
        log.unlink(missing_ok=True)


def _opened(file: Path) -> sqlite3.Connection:
    """Never makes a file: a mistyped name is an error."""
    uri = f"file:{quote(str(file))}?mode=rw"
    return sqlite3.connect(uri, uri=True, timeout=_LOCK_PATIENCE, isolation_level=None)
