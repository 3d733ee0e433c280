"""Somebody with the database's password, or with an export in an editor: what they change is found and named."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from gateway.model.audit import GENESIS, chain_hash
from gateway.store.unit_of_work import Store
from tests.gateway.cli.conftest import bare
from tests.support.clocks import NOON, StoppedClock
from tests.support.databases import TEST_SEAL
from tests.support.gateway import write_configuration
from tests.support.records import record
from tests.support.tampering import disarming

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from click.testing import Result
    from sqlalchemy import Engine

ROWS = 4
COLUMNS = ("seq", "at", "actor", "action", "subject", "detail", "previous", "hash")
OTHERWISE = {
    "seq": ["99"],
    "at": ["'2026-05-04 12:00:00.123457+00'"],
    "actor": ["''", "'GATEWAY'"],
    "action": ["'nothing'"],
    "subject": ["'LG-OTHER'", "subject || ' '"],
    "detail": ["'{}'", "'no JSON'", "'[]'", """'{"a": 1}'"""],
    "previous": [f"'{GENESIS[:-1]}1'"],
    "hash": ["'x'", f"'{'f' * 64}'"],
}


@dataclass(frozen=True)
class Log:
    """An audit log of four rows, on one of the databases, and all that its owner and an attacker can do to it."""

    config: Path
    url: str
    engine: Engine

    def verify(self, *arguments: str) -> Result:
        return bare("--config", str(self.config), "audit", "verify", *arguments)

    def export(self) -> list[str]:
        result = bare("--config", str(self.config), "audit", "show", "--json")
        assert result.exit_code == 0, result.output
        return result.stdout.splitlines()

    def head(self) -> str:
        return str(json.loads(self.export()[-1])["hash"])

    def run(self, *statements: str) -> None:
        with self.engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement.replace(":", "\\:")))

    def attack(self, *statements: str) -> None:
        self.run(*disarming(self.engine.dialect.name), *statements)

    def rows(self) -> list[dict[str, object]]:
        with self.engine.connect() as connection:
            return [
                dict(row) for row in connection.execute(text("SELECT * FROM audit_entries ORDER BY seq")).mappings()
            ]

    def put_back(self, rows: Sequence[dict[str, object]]) -> None:
        self.attack("DELETE FROM audit_entries")
        with self.engine.begin() as connection:
            connection.execute(
                text(f"INSERT INTO audit_entries ({', '.join(COLUMNS)}) VALUES (:{', :'.join(COLUMNS)})"),  # noqa: S608
                list(rows),
            )


@pytest.fixture
def log(tmp_path: Path, database_url: str) -> Iterator[Log]:
    config = write_configuration(tmp_path, next_hop=2526, smarthost=None, url=database_url)
    url = make_url(database_url)
    engine = create_engine(url if url.drivername == "sqlite" else url.set(drivername="postgresql+psycopg"))
    asyncio.run(_fill(database_url))
    yield Log(config, database_url, engine)
    engine.dispose()


async def _fill(url: str) -> None:
    """A list, a case, and two rows about it; the clock moves."""
    clock = StoppedClock()
    store = Store.open(url, TEST_SEAL, clock)
    async with store.begin() as work:
        await work.senders.change((), (), at=NOON, actor="admin", text="nothing")
        await work.audit.append("admin", "list-changed", "nothing", {"version": "1"})
        case = await record(work)
        for action in ("report-requested", "case-closed"):
            clock.advance(7)
            await work.audit.append("cli:desk", action, case.reference, {"item": "x"})
    await store.close()


def refused(result: Result, *words: str) -> bool:
    """Exit code 1 and a sentence with one of these words in it."""
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    return any(word in result.stderr for word in words)


def test_whatever_is_changed_in_any_row_is_found(log: Log) -> None:
    rows = log.rows()
    assert [row["seq"] for row in rows] == [*range(1, ROWS + 1)]
    for seq in range(1, ROWS + 1):
        for column, values in OTHERWISE.items():
            for value in values:
                log.attack(f"UPDATE audit_entries SET {column} = {value} WHERE seq = {seq}")  # noqa: S608
                assert refused(log.verify(), f"row {seq}", f"Row {seq}"), (seq, column, value)
                log.put_back(rows)
    assert log.verify().exit_code == 0


def test_rows_taken_out_put_in_or_moved_are_found(log: Log) -> None:
    rows = log.rows()
    first, second, third, fourth = rows
    damaged = {
        "the first": [second, third, fourth],
        "one in the middle": [first, third, fourth],
        "the last": [first, second, third],
        "two that changed places": [first, second | {"seq": 3}, third | {"seq": 2}, fourth],
        "one put in": [first, second, second | {"seq": 3, "hash": "0" * 64}, third | {"seq": 4}, fourth | {"seq": 5}],
        "one put behind": [*rows, fourth | {"seq": 5, "hash": "0" * 64}],
        "all": [],
    }
    for name, left in damaged.items():
        log.attack("DELETE FROM audit_entries")
        if left:
            log.put_back(left)
        assert refused(log.verify(), "row", "rows"), name
    log.put_back(rows)
    assert log.verify().exit_code == 0


def test_the_last_rows_are_missed_even_when_the_head_was_put_right_by_whoever_noted_it(log: Log) -> None:
    noted, rows = log.head(), log.rows()
    log.attack("DELETE FROM audit_entries WHERE seq = 4", f"UPDATE audit_head SET seq = 3, hash = '{rows[2]['hash']}'")  # noqa: S608
    assert log.verify().exit_code == 0
    assert refused(log.verify("--head", noted), "no row has the hash")


def test_a_chain_that_was_made_anew_after_a_change_is_told_by_the_noted_head(log: Log, tmp_path: Path) -> None:
    noted = log.head()
    _forge(log)
    assert log.verify().exit_code == 0
    assert refused(log.verify("--head", noted), "no row has the hash")
    export = tmp_path / "forged.jsonl"
    export.write_text("\n".join(log.export()))
    assert bare("audit", "verify", str(export)).exit_code == 0
    assert refused(bare("audit", "verify", "--head", noted, str(export)), "no row has the hash")


def _forge(log: Log) -> None:
    """Another actor in the second row, and every hash from there on as it should be."""
    previous, forged = GENESIS, []
    for line in map(json.loads, log.export()):
        line["actor"] = "somebody-else" if line["seq"] == 2 else line["actor"]
        row = {name: line[name] for name in COLUMNS if name not in {"previous", "hash", "at"}}
        at = next(one["at"] for one in log.rows() if one["seq"] == line["seq"])
        moment = NOON.fromisoformat(line["at"])
        hashed = chain_hash(**row, at=moment, previous=previous)
        forged.append(row | {"at": at, "detail": json.dumps(row["detail"]), "previous": previous, "hash": hashed})
        previous = hashed
    log.put_back(forged)
    log.run(f"UPDATE audit_head SET hash = '{previous}'")  # noqa: S608


def test_a_head_that_was_taken_out_is_a_sentence(log: Log) -> None:
    log.run("DELETE FROM audit_head")
    assert refused(log.verify(), "has lost its head")


def test_the_database_refuses_to_change_or_remove_a_row(log: Log) -> None:
    statements = [
        "UPDATE audit_entries SET actor = 'x'",
        "DELETE FROM audit_entries",
        "DELETE FROM audit_entries WHERE seq = 4",
    ]
    if log.engine.dialect.name == "postgresql":
        statements.append("TRUNCATE audit_entries")
    for statement in statements:
        with pytest.raises(DBAPIError, match="the audit log is append-only"):
            log.run(statement)
    assert log.verify().exit_code == 0


def test_the_chain_survives_a_purge(log: Log) -> None:
    """Cases and messages go; the log keeps references and digests of them, and holds."""
    hanging = ("messages", "deliveries", "case_search", "case_entries", "first_decisions")
    log.run(*(f"DELETE FROM {table}" for table in (*hanging, "cases")))  # noqa: S608
    result = log.verify()
    assert result.exit_code == 0
    assert "4 rows" in result.stdout
    said = "\n".join(log.export())
    assert not any(words in said for words in ("mission.example", "meeting", "inspector", "police.example"))


def test_two_processes_that_append_at_once_make_one_chain(log: Log) -> None:
    program = (
        "import asyncio, sys\n"
        "from gateway.clock import SystemClock\n"
        "from gateway.store.sealing import Seal\n"
        "from gateway.store.unit_of_work import Store\n"
        "async def append():\n"
        "    store = Store.open(sys.argv[1], Seal(), SystemClock())\n"
        "    for number in range(30):\n"
        "        async with store.begin() as work:\n"
        "            await work.audit.append('process', 'test', str(number), {})\n"
        "    await store.close()\n"
        "asyncio.run(append())\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", program, log.url]) for _ in range(2)]
    assert [one.wait(50) for one in both] == [0, 0]
    result = log.verify()
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"{ROWS + 60} rows" in result.stdout


EDITED: dict[str, Callable[[str], str]] = {
    "a name more": lambda line: line[:-1] + ',"note":"x"}',
    "a name twice": lambda line: line[:-1] + ',"actor":"gateway"}',
    "a name twice, inside": lambda line: line.replace('"detail": {', '"detail":{"item":"y",'),
    "a name less": lambda line: line.replace('"actor"', '"Actor"'),
    "a fraction": lambda line: line.replace('"seq": 3', '"seq":3.9'),
    "a float": lambda line: line.replace('"seq": 3', '"seq":3.0'),
    "a number as text": lambda line: line.replace('"seq": 3', '"seq":"3"'),
    "a text as number": lambda line: line.replace('"item": "x"', '"item":1'),
    "another form of the time": lambda line: line.replace("+00:00", "Z"),
    "another time zone": lambda line: line.replace("+00:00", "+01:00"),
    "no time zone": lambda line: line.replace("+00:00", ""),
    "not a number": lambda line: line.replace('"seq": 3', '"seq":NaN'),
    "no object": lambda line: f"[{line}]",
    "two on a line": lambda line: line + line,
    "deep": lambda line: line.replace('{"item": "x"}', "[" * 100_000),
    "no text": lambda line: line.replace('"cli:desk"', "null"),
}


@pytest.mark.parametrize("edit", EDITED.values(), ids=EDITED)
def test_an_edited_line_of_an_export_is_named(exported: list[str], tmp_path: Path, edit: Callable[[str], str]) -> None:
    edited = edit(exported[2])
    assert edited != exported[2]
    file = tmp_path / "export.jsonl"
    file.write_text("\n".join([*exported[:2], edited, exported[3]]))
    assert refused(bare("audit", "verify", str(file)), "export.jsonl:3: this line is no row", "row 3 was changed")


@pytest.fixture
def exported(tmp_path: Path, sqlite_url: str) -> list[str]:
    config = write_configuration(tmp_path, next_hop=2526, smarthost=None, url=sqlite_url)
    asyncio.run(_fill(sqlite_url))
    result = bare("--config", str(config), "audit", "show", "--json")
    return result.stdout.splitlines()


def test_lines_cut_moved_or_repeated_in_an_export_are_found(exported: list[str], tmp_path: Path) -> None:
    first, second, third, fourth = exported
    file = tmp_path / "export.jsonl"
    for lines in ([second, third, fourth], [first, third, fourth], [first, third, second, fourth], [first, first, second],
                  [first, second, third, third], [first, second, second, third, fourth], [first, second[:-9], third]):  # fmt: skip
        file.write_text("\n".join(lines))
        assert refused(bare("audit", "verify", str(file)), "row", "export.jsonl:2")
    head = json.loads(fourth)["hash"]
    file.write_text(f"{first}\n{second}\n{third}")
    assert refused(bare("audit", "verify", "--head", head, str(file)), "no row has the hash")
