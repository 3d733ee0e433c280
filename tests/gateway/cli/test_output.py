from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from gateway.cli.output import printable, show_table
from gateway.clock import moment

if TYPE_CHECKING:
    from tests.gateway.cli.conftest import CommandLine


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("外交部 é", "外交部 é"),
        ("no\u00a0break\u3000wide", "no\u00a0break\u3000wide"),
        ("two\nlines", "two\nlines"),
        ("\x1b[31m", "\ufffd[31m"),
        ("\u202eexe", "\ufffdexe"),
        ("a\u200bb\udcff\r", "a\ufffdb\ufffd\ufffd"),
    ],
    ids=ascii,
)
def test_what_a_terminal_would_obey_or_hide_is_replaced(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_columns_of_a_pipe_are_aligned_by_what_is_seen(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(("name", "state"), [("外交部", "new"), ("embassy", "")], empty="")
    assert capsys.readouterr().out == "name     state\n外交部   new\nembassy\n"


def test_an_empty_table_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(("name",), [], empty="Nothing.")
    assert capsys.readouterr().out == "Nothing.\n"


def test_moments_are_written_in_utc() -> None:
    assert moment(datetime(2026, 5, 4, 12, 0, 5, 999, tzinfo=UTC)) == "2026-05-04 12:00:05Z"


def on_a_terminal(*arguments: str, columns: int = 80) -> str:
    """What `liaison` writes to a terminal of so many columns."""
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", *arguments], stdout=child, stderr=subprocess.PIPE,
        env=os.environ | {"TERM": "xterm", "COLUMNS": str(columns)},
    )  # fmt: skip
    os.close(child)
    written = b""
    while chunk := _read(parent):
        written += chunk
    _, trouble = process.communicate(timeout=30)
    os.close(parent)
    assert process.returncode == 0, trouble
    return written.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says EIO when the other side is closed
        return b""


def test_on_a_terminal_there_is_colour_and_a_reference_stays_whole(liaison: CommandLine) -> None:
    liaison.case(subject="[red]a subject that is far too long for one line of a narrow terminal[/red]")
    shown = on_a_terminal("cases", "list", "--config", str(liaison.config))
    assert "\x1b[" in shown
    assert "LG-TEST-0001" in shown
    assert "[red]" in shown.replace("\r\n", "")
    assert "…" not in shown


@pytest.mark.parametrize("columns", [40, 80, 120, 240])
@pytest.mark.parametrize(
    "command", [("cases", "list"), ("senders", "list", "--hits"), ("audit", "show"), ("outbox", "list")]
)
def test_on_a_terminal_of_any_width_no_word_is_broken(
    liaison: CommandLine, command: tuple[str, ...], columns: int
) -> None:
    reverse_path = "first.secretary.and.a.long.name@embassy-of-a-far-away-country.example"
    liaison.case(reverse_path=reverse_path, entry=reverse_path)
    liaison.ok("senders", "add", "address", reverse_path)
    liaison.ok("cases", "report", "LG-TEST-0001")
    shown = re.sub(r"\x1b\[[0-9;]*m", "", on_a_terminal(*command, "--config", str(liaison.config), columns=columns))
    assert set(" ".join(liaison.ok(*command).splitlines()[1:]).split()) - set(shown.split()) == set()


def test_where_words_would_break_a_row_is_a_block_of_lines(liaison: CommandLine) -> None:
    shown = on_a_terminal("senders", "list", "--config", str(liaison.config), columns=40)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown).split("\r\n\r\n")
    assert len(plain) == 3
    assert plain[0].splitlines()[:2] == ["kind: subtree", "value: mission.example"]


def test_a_table_fills_a_terminal_and_no_more(liaison: CommandLine) -> None:
    liaison.case(subject="a subject of many short words " * 9)
    shown = on_a_terminal("cases", "list", "--config", str(liaison.config), columns=140)
    lines = [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines()]
    assert max(map(len, lines)) <= 140
    assert any("─" in line for line in lines)
