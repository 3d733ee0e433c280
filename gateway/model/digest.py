"""What waits for a decision, in numbers: what the daily digest tells records staff."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

MOST_REFERENCES = 20
"""How many cases a digest names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """Numbers of open cases and of outbox items; `references` are those of the oldest open cases."""

    held: int
    """Cases with copies that nobody has yet."""
    oldest: datetime | None
    """When the oldest of those was received."""
    reports: int
    declines: int
    """Cases whose report, or whose decline, waits for a person."""
    failed: int
    uncertain: int
    reports_past: int
    declines_past: int
    """What the daily limits left to a person, yesterday and today."""
    overdue: int
    """Cases whose report the collation address should have by now, and has not."""
    forwards: int
    """Of the cases whose report waits, those that an officer forwarded."""
    answers: int
    """Cases for which mail came that may be an answer of the collation address, and nobody has recorded it."""
    unanswered: int
    """Cases that were reported and of which nothing was heard; nobody has to do anything."""
    ending: int
    """Exemptions that end soon."""
    due: int
    """Entries of the sender lists whose review is due."""
    references: tuple[str, ...]
    open_cases: int

    @property
    def says_something(self) -> bool:
        """Whether anything waits at all. What only nears, or waits for somebody else, is told beside it."""
        waits = (self.held, self.reports, self.declines, self.failed, self.uncertain, self.overdue, self.answers)
        return any(waits)
