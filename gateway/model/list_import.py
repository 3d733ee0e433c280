"""What an import would do, line by line, before it is done."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filters.lists import ListEntry
    from filters.pack_rows import PackProblem
    from filters.sentence import Sentence


class LineFate(StrEnum):
    """What becomes of one line."""

    NEW = "new"
    KNOWN = "known"
    """Stands already, and is left as it is."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportLine:
    """One line. `kind` and `value` are as the file gives them; `entry` is None where it could not be read."""

    line: int
    """From 1; 0 where none can be named."""
    fate: LineFate
    kind: str
    value: str
    entry: ListEntry | None
    reasons: tuple[PackProblem, ...] = ()
    """Why it is refused, what would be right, and the line of each: an entry of a TOML pack has several."""
    remarks: tuple[Sentence, ...] = ()
    """What is worth knowing all the same: overlaps, and what a known entry says differently."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSheet:
    """Every line of a file, in its order."""

    lines: tuple[ImportLine, ...]

    @property
    def new(self) -> tuple[ListEntry, ...]:
        """The entries that would be added."""
        return tuple(line.entry for line in self.lines if line.fate is LineFate.NEW and line.entry is not None)

    @property
    def known(self) -> int:
        """How many stand already."""
        return sum(line.fate is LineFate.KNOWN for line in self.lines)

    @property
    def refused(self) -> tuple[ImportLine, ...]:
        """The lines that can't be added."""
        return tuple(line for line in self.lines if line.fate is LineFate.REFUSED)
