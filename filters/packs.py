"""Sender packs: lists as files, in TOML or CSV; read with a problem for each thing that is wrong, and written again.

Reads texts, never files, and leaves it to `filters.guard` whether an entry may be saved.
"""

from __future__ import annotations

import csv
import io
import re
import tomllib
from itertools import pairwise
from typing import TYPE_CHECKING

from filters.lists import ListEntry
from filters.pack_rows import COLUMNS, PackLine, PackProblem, Row, columns_of
from filters.sentence import Sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Parsed = tuple[tuple[ListEntry, ...], tuple[PackProblem, ...]]
"""The entries that are right, and the problems of the others."""

_LANGUAGES = ("en", "fr", "zh")


Lines = tuple[PackLine, ...]
"""Every entry of a file in its order, right or wrong."""


def _parsed(lines: Lines) -> Parsed:
    problems = (problem for line in lines for problem in line.problems)
    return (
        tuple(line.entry for line in lines if line.entry is not None),
        tuple(sorted(problems, key=lambda problem: problem.line)),
    )


def _lines(rows: Iterable[Row], pack: str) -> Lines:
    """Every row read; of two entries that cover the same, the second is a problem."""
    seen: set[tuple[str, str]] = set()
    return tuple(_line(row, pack, seen) for row in rows)


def _line(row: Row, pack: str, seen: set[tuple[str, str]]) -> PackLine:
    entry = row.entry(pack)
    if entry is not None and (entry.kind, entry.value) in seen:
        row.refuse(
            "value", Sentence("{kind} {value} stands in this file twice; keep one", kind=entry.kind, value=entry.value)
        )
        entry = None
    if entry is not None:
        seen.add((entry.kind, entry.value))
    return PackLine(
        line=row.line, entry=entry, problems=tuple(row.problems), kind=row.given("kind"), value=row.given("value")
    )


def _nothing(problem: PackProblem) -> Lines:
    """A text that is no list at all."""
    return (PackLine(line=problem.line, entry=None, problems=(problem,)),)


# --- TOML -------------------------------------------------------------------------------------------------------

_ENTRY_LINE = re.compile(r"^[ \t]*\[\[[ \t]*entry[ \t]*\]\]", re.MULTILINE)
_KEY_LINE = re.compile(r"^[ \t]*\"?([A-Za-z0-9_-]+)\"?[ \t]*=", re.MULTILINE)
_ENDLESS_NUMBER = re.compile(r"[0-9][0-9_]{4000}")
_ERROR_PLACE = re.compile(r" ?\(at (?:line (\d+), column \d+|end of document)\)")


def parse_pack(text: str, name: str) -> Parsed:
    """The entries of a TOML pack, marked with the pack's `name`. A text that is no TOML is one problem."""
    return _parsed(pack_lines(text, name))


def pack_lines(text: str, name: str) -> Lines:
    """The same, entry by entry with its line."""
    try:
        document: Mapping[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return _nothing(_toml_problem(str(error), text))
    except ValueError:  # int(), where there are more digits than Python converts
        return _nothing(_endless_number(text))
    except RecursionError:
        return _nothing(PackProblem(0, Sentence("this is no pack: its arrays or tables are nested too deeply")))
    tables = document.get("entry", [])
    if document.keys() - {"entry"} or not isinstance(tables, list):
        strangers = ", ".join(sorted(document.keys() - {"entry"})) or "entry"
        said = Sentence("“{strangers}” is no part of a pack: every entry stands under [[entry]]", strangers=strangers)
        return _nothing(PackProblem(0, said))
    return _lines(_toml_rows(tables, text), name)


def _toml_problem(error: str, text: str) -> PackProblem:
    place = _ERROR_PLACE.search(error)
    line = int(place[1]) if place and place[1] else text.count("\n") + 1
    return PackProblem(line, Sentence("this is no TOML: {error}", error=_ERROR_PLACE.sub("", error)))


def _endless_number(text: str) -> PackProblem:
    number = _ENDLESS_NUMBER.search(text)
    line = text.count("\n", 0, number.start()) + 1 if number else 0
    return PackProblem(line, Sentence("a number has thousands of digits; no key needs one, and texts stand in quotes"))


def _toml_rows(tables: list[object], text: str) -> Iterator[Row]:
    """The TOML reader gives no lines: the n-th [[entry]] of the text is taken for the n-th entry."""
    starts = [match.start() for match in _ENTRY_LINE.finditer(text)]
    line, counted = 1, 0
    starts += [len(text)] * (len(tables) + 1 - len(starts))
    for table, (start, end) in zip(tables, pairwise(starts), strict=False):
        line, counted = line + text.count("\n", counted, start), start
        lines = {"": line}
        for key in _KEY_LINE.finditer(text, start, end):
            lines[key[1]] = lines[""] + text.count("\n", start, key.start(1))
        yield _toml_row(table if isinstance(table, dict) else {}, lines)


def _toml_row(table: Mapping[str, object], lines: Mapping[str, int]) -> Row:
    mission = table.get("mission", {})
    columns = {key: value for key, value in table.items() if key != "mission"}
    if isinstance(mission, dict) and mission.keys() <= set(_LANGUAGES):
        return Row({**columns, **{f"mission_{language}": name for language, name in mission.items()}}, lines)
    row = Row(columns, lines)
    row.refuse("mission", Sentence('“mission” has to be a table of names: { en = "…", fr = "…", zh = "…" }'))
    return row


def format_pack(entries: Iterable[ListEntry]) -> str:
    """A TOML pack that `parse_pack` reads back to the same entries."""
    return "\n".join(f"[[entry]]\n{''.join(_toml_lines(columns_of(entry)))}" for entry in entries)


def _toml_lines(columns: Mapping[str, str]) -> Iterator[str]:
    names = [(language, columns[f"mission_{language}"]) for language in _LANGUAGES]
    for column, value in columns.items():
        if column == "mission_en" and any(name for _, name in names):
            table = ", ".join(f"{language} = {_toml_string(name)}" for language, name in names if name)
            yield f"mission = {{ {table} }}\n"
        elif value and not column.startswith("mission_"):
            yield f"{column} = {value if column in {'legacy', 'review_by'} else _toml_string(value)}\n"


def _toml_string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda control: f"\\u{ord(control[0]):04x}", escaped) + '"'


# --- CSV --------------------------------------------------------------------------------------------------------


def parse_csv(text: str, name: str) -> Parsed:
    """The entries of a CSV text whose first line names its columns; as spreadsheets write it, also with semicolons."""
    return _parsed(csv_lines(text, name))


def csv_lines(text: str, name: str) -> Lines:
    """The same, entry by entry with its line."""
    text = text.removeprefix("\ufeff")
    first_line = text.partition("\n")[0]
    delimiter = ";" if ";" in first_line and "," not in first_line else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [column.strip().lower() for column in next(reader, [])]
        if not {"kind", "value"} <= set(header):
            said = Sentence("the first line has to name the columns: {columns}", columns=",".join(COLUMNS))
            return _nothing(PackProblem(1, said))
        rows = []
        line = reader.line_num + 1
        for cells in reader:  # a quoted cell may hold line ends
            if any(cells):
                rows.append(_csv_row(header, cells, line))
            line = reader.line_num + 1
    except csv.Error as error:
        return _nothing(PackProblem(reader.line_num, Sentence("this is no CSV: {error}", error=str(error))))
    return (*_odd_columns(header), *_lines(rows, name))


def _odd_columns(header: list[str]) -> Lines:
    """The first line, refused once for every column that is not known, or stands twice: its cells are not read."""
    known = ", ".join(COLUMNS)
    unknown = (
        PackProblem(1, Sentence("“{key}” is not known; the keys are {keys}", key=column, keys=known))
        for column in header
        if column not in {*COLUMNS, ""}
    )
    twice = (
        PackProblem(1, Sentence("the first line names the column {column} twice; keep one", column=column))
        for column in COLUMNS
        if header.count(column) > 1
    )
    problems = (*unknown, *twice)
    return (PackLine(line=1, entry=None, problems=problems),) if problems else ()


def _csv_row(header: list[str], cells: list[str], line: int) -> Row:
    given = {column: cell for column, cell in zip(header, cells, strict=False) if cell and column in COLUMNS}
    row = Row(given, {"": line})
    if len(cells) > len(header):
        said = {"cells": len(cells), "columns": len(header)}
        row.refuse("", Sentence("the line has {cells} cells, the first line names {columns} columns", **said))
    return row


def format_csv(entries: Iterable[ListEntry]) -> str:
    """A CSV text (RFC 4180) that `parse_csv` reads back to the same entries."""
    written = io.StringIO(newline="")
    writer = csv.DictWriter(written, COLUMNS)
    writer.writeheader()
    writer.writerows(map(columns_of, entries))
    return written.getvalue()
