"""What people and programs read: sentences, tables and JSON on stdout, trouble on stderr.

Never lets a message's text reach the terminal as it is: what can't be seen, or would move the cursor, is replaced.
Rich is used only where stdout is a terminal; in a pipe everything is plain and whole.
"""

from __future__ import annotations

import io
import json
import sys
import unicodedata
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

import click
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from gateway.model.tracking import untracked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from gateway.model.tracking import Item, Track

_GAP = "  "
_STYLES: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("confirmed", "spoofed", "refused", "failed", "wrong"), "red"),
        **dict.fromkeys(("unverified", "suspect", "related", "uncertain", "held", "review"), "yellow"),
        **dict.fromkeys(("open", "waiting", "sending", "pending", "emergency"), "bold"),
        **dict.fromkeys(("relayed", "released", "sent", "new", "ok"), "green"),
        **dict.fromkeys(("closed", "none", "never", "cancelled", "known"), "dim"),
    }
)
"""How a cell looks on a terminal that consists of this one word."""


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
        Console(file=sys.stdout, highlight=False).print(_rich_table(headings, cells))
    else:
        click.echo("\n".join(_plain_lines([headings, *cells])))


@contextmanager
def progress() -> Iterator[Track]:
    """Shows on a terminal how far long work is; nothing where nobody sees it."""
    if not sys.stderr.isatty():
        yield untracked
        return
    with Progress(console=Console(stderr=True), transient=True) as bar:

        def track(items: Sequence[Item], doing: str) -> Iterable[Item]:
            return bar.track(items, description=doing)

        yield track


def moment(at: datetime) -> str:
    """For people: 2026-05-04 12:00:05Z (RFC 3339 §5.6). All times of the gateway are UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S}Z"


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


def _rich_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Nothing is cut off, and the first column, which people copy, stays on one line.

    Cells are `Text`: rich must not take brackets of a subject for markup.
    """
    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for number, heading in enumerate(headings):
        table.add_column(heading, overflow="fold", no_wrap=number == 0)
    for row in rows:
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
    return table


def _plain_lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as their widest cell, by what a terminal shows: Chinese letters take two places."""
    flat = [[cell.replace("\n", " ") for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*flat, strict=True)]
    return [
        _GAP.join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in flat
    ]
