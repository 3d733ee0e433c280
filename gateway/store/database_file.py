"""The file of an SQLite database: whether it is there, which database it is, how it is opened, and how it is made.

Never runs a unit of work. Only `create_sqlite_file` makes a file: to open one never does.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from gateway.errors import StoreError

_SECRET = "SELECT value FROM stored_values WHERE key = 'loop.secret'"
"""It is `gateway.store.values.LOOP_SECRET`, which a unit of work reads: here there is none yet."""


@dataclass(slots=True)
class Known:
    """The secret that the database was first seen with: each has its own, and a copy has that of its original."""

    secret: str | None = None


def is_there(file: Path) -> bool:
    """Whether the file exists. StoreError where this account can't even look."""
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise StoreError(
            _unreachable(file) or f"The database file {file} can't be reached: {error.strerror}"
        ) from error
    return True


def identity(file: Path) -> tuple[int, int] | None:
    """Which file stands there: device and inode; None if there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def open_known(file: Path, known: Known, patience: float) -> sqlite3.Connection:
    """A connection to the file, if it is the database that is known; one that is met first is known from then on.

    The driver begins no transactions of its own, and no two threads use a connection at a time: the event loop waits
    for the one that it has given it to. Raises StoreError.
    """
    try:
        connection = sqlite3.connect(
            f"file:{quote(str(file))}?mode=rw",
            uri=True,
            timeout=patience,
            isolation_level=None,
            check_same_thread=False,
        )
    except sqlite3.OperationalError as error:
        raise StoreError(_unopened(file, error)) from error
    try:
        _recognize(file, known, _secret(connection))
    except BaseException:
        connection.close()
        raise
    return connection


def _recognize(file: Path, known: Known, secret: str | None) -> None:
    if known.secret is None:
        known.secret = secret
    elif secret != known.secret:
        raise StoreError(
            f"The database file {file} is another database than the one that was there: put that one back, "
            "or restart the gateway if this one is meant"
        )


def _secret(connection: sqlite3.Connection) -> str | None:
    """None in a database that is new."""
    if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'stored_values'").fetchone():
        return None
    row = connection.execute(_SECRET).fetchone()
    return str(row[0]) if row else None


def _unopened(file: Path, error: sqlite3.Error) -> str:
    """SQLite says only that it was unable to."""
    if not is_there(file):
        return (
            f"The database file {file} is not there: see that store.url is right, or put the file back; "
            "before the first start there is none"
        )
    return _unreachable(file) or f"The database file {file} can't be opened: {error}"


def _unreachable(file: Path) -> str:
    """What this account is not permitted, "" if that is not it."""
    for directory in reversed(file.parents):
        if not os.access(directory, os.X_OK):
            return f"The database file {file} can't be reached: this account may not enter {directory}"
    if not os.access(file, os.R_OK | os.W_OK):
        return f"The database file {file} can't be opened: this account may not read and write it"
    return ""


def create_sqlite_file(file: Path) -> None:
    """Make the database file if there is none. Raises StoreError.

    In WAL mode from birth: nodes that start at once refuse each other the change to it, without waiting. Only its
    owner may read it; SQLite gives its -wal and -shm files the same permissions.
    """
    try:
        _make_directory(file.parent)
        if not is_there(file):
            _make_aside(file)
        os.close(os.open(file, os.O_RDWR))
    except OSError as error:
        raise StoreError(f"The database file {file} can't be created or written: {error.strerror}") from error
    except sqlite3.Error as error:
        raise StoreError(f"The database file {file} can't be created: {error}") from error


def _make_directory(directory: Path) -> None:
    """Closed to others, and so are all that have to be made above it, whatever the umask."""
    if not directory.is_dir():
        _make_directory(directory.parent)
        directory.mkdir(mode=0o700, exist_ok=True)


def _make_aside(file: Path) -> None:
    """And link it under its name when it is whole; who comes second keeps the first one's."""
    with TemporaryDirectory(prefix=f".{file.name[:100]}-", dir=file.parent) as directory:
        new = Path(directory) / "new"
        os.close(os.open(new, os.O_RDWR | os.O_CREAT, 0o600))
        with closing(sqlite3.connect(new)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        with suppress(FileExistsError):
            os.link(new, file)
