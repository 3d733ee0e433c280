from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text

from tests.gateway.cli.conftest import bare

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from tests.gateway.cli.conftest import CommandLine


@pytest.fixture
def export(liaison: CommandLine) -> list[str]:
    """The lines of an export of four rows: the first list, a case, its note, its end."""
    liaison.case()
    liaison.ok("cases", "note", "LG-TEST-0001", "a note")
    liaison.ok("cases", "close", "LG-TEST-0001")
    lines = liaison.ok("audit", "show", "--json").splitlines()
    assert len(lines) == 4
    return lines


def verify(tmp_path: Path, lines: list[str], *arguments: str) -> Result:
    """On another machine: no configuration, no store."""
    file = tmp_path / "export.jsonl"
    file.write_text("\n".join(lines) + "\n")
    return bare("audit", "verify", *arguments, str(file))


def head(line: str) -> str:
    return str(json.loads(line)["hash"])


def tampered(line: str, **changed: object) -> str:
    return json.dumps(json.loads(line) | changed)


def test_the_stored_chain_holds_and_its_head_is_printed(liaison: CommandLine, export: list[str]) -> None:
    said = liaison.ok("audit", "verify").splitlines()
    assert said == ["The audit chain holds: 4 rows.", f"Its head is {head(export[-1])}"]


def test_people_see_actor_action_and_subject(liaison: CommandLine, export: list[str]) -> None:
    shown = liaison.ok("audit", "show")
    assert len(shown.splitlines()) == 1 + len(export)
    assert "case-handled" in shown


def test_one_subject_can_be_shown_alone(liaison: CommandLine, export: list[str]) -> None:
    assert len(liaison.ok("audit", "show", "--subject", "LG-TEST-0001", "--json").splitlines()) == 3
    assert liaison.ok("audit", "show", "--subject", "LG-NONE") == "The audit log has nothing about LG-NONE.\n"


def test_an_export_verifies_without_configuration_and_store(tmp_path: Path, export: list[str]) -> None:
    result = verify(tmp_path, export, "--head", head(export[-1]))
    assert (result.exit_code, result.stderr) == (0, "")
    assert "No row follows the head that was given." in result.stdout


def test_a_head_noted_earlier_is_found_in_a_chain_that_grew(tmp_path: Path, export: list[str]) -> None:
    result = verify(tmp_path, export, "--head", head(export[1]).upper())
    assert result.exit_code == 0
    assert "2 rows follow the head that was given." in result.stdout


def test_an_export_that_lacks_its_last_rows_is_told_by_the_head(tmp_path: Path, export: list[str]) -> None:
    assert verify(tmp_path, export[:-1]).exit_code == 0
    result = verify(tmp_path, export[:-1], "--head", head(export[-1]))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no row has the hash" in result.stderr


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda lines: [lines[0], *lines[2:]], "row 2 is missing"),
        (lambda lines: [lines[0], tampered(lines[1], actor="cli:nobody"), *lines[2:]], "row 2 was changed"),
        (lambda lines: [lines[0], tampered(lines[1], hash="0" * 64), *lines[2:]], "row 2 was changed"),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "row 1 is missing"),
    ],
    ids=["a row taken out", "an actor changed", "a hash changed", "rows swapped"],
)
def test_what_was_done_to_an_export_is_named(tmp_path: Path, export: list[str], damage: object, words: str) -> None:
    assert callable(damage)
    result = verify(tmp_path, damage(export))
    assert (result.exit_code, result.stdout) == (1, "")
    assert words in result.stderr


@pytest.mark.parametrize("lines", [[], ["", " "]])
def test_an_export_without_a_row_proves_nothing(tmp_path: Path, lines: list[str]) -> None:
    result = verify(tmp_path, lines)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no row of an audit export is in it" in result.stderr


def test_rows_cut_off_in_the_store_are_missed_without_any_head(liaison: CommandLine, export: list[str]) -> None:
    engine = create_engine(f"sqlite:///{liaison.database}")
    with engine.begin() as connection:
        connection.execute(text("DROP TRIGGER IF EXISTS audit_entries_no_delete"))
        for (name,) in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            connection.execute(text(f"DROP TRIGGER {name}"))
        connection.execute(text("DELETE FROM audit_entries WHERE seq = 4"))
    engine.dispose()
    result = liaison("audit", "verify")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "4 rows were written, and 3 are there" in result.stderr


@pytest.mark.parametrize(
    "line",
    ["not json", "[]", "3", "null", '{"seq": 1}', '{"seq": 1e999}', "[" * 100_000, "\x00\x01", '{"seq": ' + "9" * 9000 + "}",
     '{"seq":1,"at":"yesterday","actor":"","action":"","subject":"","detail":{},"previous":"","hash":""}',
     '{"seq":1,"at":"2026-05-04T12:00:00+00:00","actor":"","action":"","subject":"","detail":[],"previous":"","hash":""}'],
    ids=str.__len__,
)  # fmt: skip
def test_a_line_that_is_no_row_is_named(tmp_path: Path, line: str) -> None:
    result = verify(tmp_path, ["", line])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "export.jsonl:2: this line is no row of an audit export" in result.stderr


@pytest.mark.parametrize("head", ["abc", "", "0" * 63, "g" * 64, "0" * 64 + " "])
def test_what_can_not_be_a_head_is_wrong_usage_and_no_word_against_the_chain(
    tmp_path: Path, export: list[str], head: str
) -> None:
    result = verify(tmp_path, export, "--head", head)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "64 hexadecimal digits" in " ".join(result.stderr.split())


@pytest.mark.parametrize(("since", "code"), [("2026-12-01", 2), ("2026-11-02", 2), ("2026-11-01", 0)])
def test_a_period_that_ends_before_it_begins_is_stated_by_nobody(liaison: CommandLine, since: str, code: int) -> None:
    result = liaison("audit", "statement", "--since", since, "--until", "2026-11-01")
    assert (result.exit_code, result.stdout == "") == (code, code == 2)
    assert ("ends before it begins" in result.stderr) is (code == 2)


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    result = bare("audit", "verify", str(tmp_path / "none.jsonl"))
    assert result.exit_code == 1
    assert "the export can't be read" in result.stderr
