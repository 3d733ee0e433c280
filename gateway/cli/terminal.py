"""What a terminal gets in place of plain lines: coloured tables, and bars that show how far long work is."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
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


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table on stdout; its cells are fit to be printed."""
    Console(file=sys.stdout, highlight=False).print(_table(headings, rows))


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


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Nothing is cut off, and the first column, which people copy, stays on one line.

    Cells are `Text`: rich must not take brackets of a subject for markup.
    """
    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for number, heading in enumerate(headings):
        table.add_column(heading, overflow="fold", no_wrap=number == 0)
    for row in rows:
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
    return table
