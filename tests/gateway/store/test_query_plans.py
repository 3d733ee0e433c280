"""What `brief()` promises of a statement: it finds its rows by an index, however long the gateway has run."""

from __future__ import annotations

import importlib
import pkgutil
import re
import sqlite3
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Executable, Insert, Update, select
from sqlalchemy.dialects import sqlite

import gateway.store
from gateway.store import outbox
from gateway.store.embedded import brief

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import ClauseElement

STAY_SMALL = ("audit_head", "rulebook_head", "people", "due", "CONSTANT")
"""Tables of one row, or of one for each colleague; the items of one claim; what is no table."""
NEED_POSTGRESQL = {"postgresql"}
BRIEF = brief(select(1)).get_execution_options().items()


def statements() -> Iterator[tuple[str, ClauseElement]]:
    for found in pkgutil.iter_modules(gateway.store.__path__):
        if found.name not in NEED_POSTGRESQL and not found.ispkg:
            module = importlib.import_module(f"gateway.store.{found.name}")
            for name, value in vars(module).items():
                marked = isinstance(value, Executable) and value.get_execution_options().items() >= BRIEF
                if marked and not isinstance(value, Insert):
                    yield f"{found.name}.{name}", value


LOOKED_AT = {**dict(statements()), "outbox._RENEW": outbox._RENEW}


def in_sqlite(statement: ClauseElement) -> str:
    """Its text. Which columns an UPDATE sets changes nothing about how it finds its rows: one is enough."""
    columns = [list(statement.table.c)[-1].name] if isinstance(statement, Update) and not statement._values else None
    return re.sub(r"__\[POSTCOMPILE_\w+\]", "?", str(statement.compile(dialect=sqlite.dialect(), column_keys=columns)))


@pytest.mark.parametrize("name", LOOKED_AT)
def test_a_statement_that_is_asked_all_day_reads_no_table_that_grows(name: str, sqlite_template: Path) -> None:
    text = in_sqlite(LOOKED_AT[name])
    with sqlite3.connect(sqlite_template) as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", [None] * text.count("?"))]
    connection.close()
    scans = [step for step in plan if step.startswith("SCAN") and not step.split()[1].startswith(STAY_SMALL)]
    assert not scans, text


def test_statements_are_found() -> None:
    assert len(LOOKED_AT) > 50
