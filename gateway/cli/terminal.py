"""What a terminal gets in place of plain lines: coloured tables, and bars that show how far long work is."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from gateway.model.tracking import Item, Track

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
_APART = 3
"""Places that a column takes beside its text; the table as a whole takes one less."""


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on stdout; its cells are fit to be printed. Where words would break in it, a block of lines for each row.

    People copy references and addresses, and no half of one.
    """
    console = Console(file=sys.stdout, highlight=False)
    widths = _widths(console.width, headings, rows)
    if widths is not None:
        console.print(_table(headings, rows, widths))
        return
    for number, row in enumerate(rows):
        if number:
            console.print()
        for line in _block(headings, row):
            console.print(line, soft_wrap=True)


@contextmanager
def progress_bar() -> Iterator[Track]:
    """A bar on stderr, which goes when it is full."""
    with Progress(console=Console(stderr=True), transient=True) as bar:

        def track(items: Sequence[Item], doing: str) -> Iterable[Item]:
            return bar.track(items, description=doing)

        yield track


@contextmanager
def spinner(doing: str) -> Iterator[None]:
    """A line on stderr that moves, and goes when the work is done."""
    with Console(stderr=True).status(Text(doing)):
        yield


def _widths(places: int, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int] | None:
    """Places for each column: its longest word, and of what is left over as much as its lines can use.

    None where not even the words fit. The first column, which people copy, is never wrapped.
    """
    columns = [*zip(headings, *rows, strict=True)]
    least = [max(cell_len(word) for cell in column for word in ("", *cell.split())) for column in columns]
    most = [max(cell_len(line) for cell in column for line in ("", *cell.splitlines())) for column in columns]
    least[0] = most[0]
    left_over = places - sum(least) - _APART * len(columns) + 1
    if left_over < 0:
        return None
    for done, number in enumerate(sorted(range(len(columns)), key=lambda number: most[number] - least[number])):
        more = min(most[number] - least[number], left_over // (len(columns) - done))
        least[number] += more
        left_over -= more
    return least


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]], widths: Sequence[int]) -> Table:
    """Nothing is cut off. Cells are `Text`: rich must not take brackets of a subject for markup."""
    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for heading, width in zip(headings, widths, strict=True):
        table.add_column(heading, overflow="fold", width=width)
    for row in rows:
        table.add_row(*map(_styled, row))
    return table


def _block(headings: Sequence[str], row: Sequence[str]) -> Iterator[Text]:
    """What a row says, a line for each cell that says something."""
    for heading, cell in zip(headings, row, strict=True):
        if cell:
            yield Text.assemble((f"{heading}: " if heading else "", "bold"), _styled(cell))


def _styled(cell: str) -> Text:
    return Text(cell, style=_STYLES.get(cell, ""))
