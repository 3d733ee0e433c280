"""How long a closed case is kept: its class by plain rules, and the day on which it may be disposed of.

The days are the agency's own schedule (`[retention]`). Nothing is disposed of while it is open, on legal hold, or while
mail of it is still to leave.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from gateway.model.case import ActionState, ContactKind, Disposal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from gateway.model.case import Case, CaseFile


class RetentionClass(StrEnum):
    """What a record is, for its schedule; the first rule that applies, from the top."""

    DISMISSED = "dismissed"
    """Closed as no approach by a mission."""
    CONTACT = "contact"
    """A contact by hand."""
    REPORTED = "reported"
    """A report has left, or may have."""
    HANDLED = "handled"
    """All other."""


_REPORTED = frozenset({ActionState.SENT, ActionState.UNCERTAIN, ActionState.SENDING, ActionState.WAITING})


def retention_class(kind: ContactKind, disposal: Disposal | None, report: ActionState) -> RetentionClass:
    """The class of a case; of an open one, the class that it would have if it were closed as handled now."""
    if disposal is Disposal.DISMISSED:
        return RetentionClass.DISMISSED
    if not kind.is_mail:
        return RetentionClass.CONTACT
    return RetentionClass.REPORTED if report in _REPORTED else RetentionClass.HANDLED


@dataclass(frozen=True, slots=True)
class Schedule:
    """Days after closing for each class; 0 keeps it for ever."""

    days: Mapping[RetentionClass, int]

    def due_at(self, kept_as: RetentionClass, closed_at: datetime | None) -> datetime | None:
        """From when on a case may be disposed of; None while it is open, and for what is kept for ever."""
        days = self.days[kept_as]
        return closed_at + timedelta(days=days) if closed_at is not None and days else None

    def first_closing(self, now: datetime) -> datetime | None:
        """Cases that closed at this moment or later are all still kept; None if every case is, for ever."""
        shortest = min((days for days in self.days.values() if days), default=None)
        return now - timedelta(days=shortest) if shortest is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """What a schedule says about one case. `days` is 0 for ever; `due_at` is None then, and while it is open."""

    kept_as: RetentionClass
    days: int
    due_at: datetime | None
    on_hold: bool


def keeping(file: CaseFile, schedule: Schedule) -> Keeping:
    """What the schedule says about a case."""
    case: Case = file.case
    kept_as = retention_class(case.kind, case.disposal, case.report)
    return Keeping(
        kept_as=kept_as,
        days=schedule.days[kept_as],
        due_at=schedule.due_at(kept_as, case.closed_at),
        on_hold=file.on_hold,
    )
