"""An SQLite database as a file: what is left of removed content in its log, copies of it, and its replacement.

Never runs a unit of work. Each function opens connections of its own, and blocks: it is called in a thread.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_TRIES = 10
_PATIENCE = 0.5
"""Seconds for which one try may hold up who writes."""


def cut_off_log(file: Path) -> bool:
    """Bring everything into the database file, and make its log empty: what was removed stands nowhere then.

    False if it could not be done because others read all the time; the log is cut off when the last of them closes.
    """
    for _ in range(_TRIES):
        with closing(sqlite3.connect(file, timeout=_PATIENCE)) as connection:
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not busy:
            return True
        time.sleep(_PATIENCE)
    return False
