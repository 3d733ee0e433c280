"""What people and programs read: sentences, tables and JSON on stdout, trouble on stderr.

Never lets a message's text reach the terminal as it is: what can't be seen, or would move the cursor, is replaced.
Rich is used, and imported, only where stdout is a terminal (`gateway.cli.terminal`); in a pipe everything is plain and
whole.
"""

from __future__ import annotations

import io
import json
import sys
import unicodedata
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from gateway.model.tracking import untracked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateway.model.tracking import Track

_GAP = "  "


def say(sentence: str = "") -> None:
    """A result for people."""
    click.echo(printable(sentence))


def complain(sentence: str) -> None:
    """Trouble, on stderr."""
    click.echo(printable(sentence), err=True)


def emphasize(text: str) -> None:
    """A heading; bold where stdout is a terminal."""
    click.secho(printable(text), bold=True)


def show_json(value: object) -> None:
    """One JSON document, indented; ASCII, so that no locale can spoil it."""
    click.echo(json.dumps(value, indent=2))


def show_json_line(value: object) -> None:
    """One JSON document on one line, for outputs that programs read line by line."""
    click.echo(json.dumps(value))


def show_table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str) -> None:
    """A table; the sentence `empty` when there are no rows."""
    cells = [[printable(cell) for cell in row] for row in rows]
    if not rows:
        say(empty)
    elif sys.stdout.isatty():
        from gateway.cli.terminal import print_table

        print_table(headings, cells)
    else:
        click.echo("\n".join(_plain_lines([headings, *cells])))


@contextmanager
def progress() -> Iterator[Track]:
    """Shows on a terminal how far long work is; nothing where nobody sees it."""
    if not sys.stderr.isatty():
        yield untracked
        return
    from gateway.cli.terminal import progress_bar

    with progress_bar() as track:
        yield track


@contextmanager
def waiting(doing: str) -> Iterator[None]:
    """Shows on a terminal that something takes time; nothing where nobody sees it."""
    if not sys.stderr.isatty():
        yield
        return
    from gateway.cli.terminal import spinner

    with spinner(doing):
        yield


def printable(text: str) -> str:
    """The text with U+FFFD for everything a terminal would obey or hide: controls, bidirectional marks, surrogates."""
    return "".join(char if _is_seen(char) else "\ufffd" for char in text) if not text.isprintable() else text


def survive_narrow_encodings() -> None:
    """Where the locale has no character for something, its code is printed instead of a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _is_seen(char: str) -> bool:
    return char.isprintable() or char == "\n" or unicodedata.category(char) == "Zs"


def _plain_lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as their widest cell, by what a terminal shows: Chinese letters take two places."""
    from rich.cells import cell_len

    flat = [[cell.replace("\n", " ") for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*flat, strict=True)]
    return [
        _GAP.join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in flat
    ]
