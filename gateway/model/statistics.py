"""Statistics as values: contacts by month, tier and mission, and how long a person took to decide. Counts nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import tzinfo

    from filters.disposition import Tier
    from gateway.model.case import ContactKind

MOST_MONTHS = 60
"""That are told at once: five years."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Months:
    """Calendar months, one after the other, as they begin and end in `zone`."""

    first: date
    """The first day of the first month."""
    count: int
    zone: tzinfo

    @property
    def days(self) -> tuple[date, ...]:
        """The first day of each month."""
        return tuple(_later(self.first, number) for number in range(self.count))

    @property
    def bounds(self) -> tuple[datetime, ...]:
        """Where each month begins, and where the last one ends."""
        return tuple(
            datetime(day.year, day.month, 1, tzinfo=self.zone)
            for day in (_later(self.first, number) for number in range(self.count + 1))
        )


def months_until(now: datetime, count: int, zone: tzinfo) -> Months:
    """So many months, the last one that of `now`; at least one, at most `MOST_MONTHS`."""
    count = min(max(1, count), MOST_MONTHS)
    today = now.astimezone(zone).date()
    return Months(first=_later(today.replace(day=1), 1 - count), count=count, zone=zone)


def _later(first: date, months: int) -> date:
    """The first day of the month that is so many months later."""
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    return date(year, month + 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedCases:
    """How many cases were received: contacts by tier, the same by kind, and those that were dismissed."""

    by_tier: Mapping[Tier, int]
    by_kind: Mapping[ContactKind, int]
    dismissed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MissionCount:
    """How many contacts a mission made; both names "" where no entry said whose it is."""

    mission_en: str
    mission_fr: str
    contacts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionTime:
    """How long it took, from the receipt of a case to a person's first decision about it."""

    median: timedelta
    cases: int
    """That somebody has decided."""

    @classmethod
    def of(cls, seconds: Sequence[int]) -> DecisionTime | None:
        """Of cases that waited so long; None of none."""
        if not seconds:
            return None
        ordered, count = sorted(seconds), len(seconds)
        median = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2  # the one in the middle, or between the two
        return cls(median=timedelta(seconds=median), cases=count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contacts:
    """What the pages show of these months. What was dismissed was no contact, and is counted apart."""

    months: Months
    by_month: Mapping[date, ReceivedCases]
    by_mission: tuple[MissionCount, ...]
    """The most frequent first."""
    decision_by_month: Mapping[date, DecisionTime]
    """By the month in which the case was received; a month without a decision is not in it."""
    decision: DecisionTime | None
    """Over all months."""

    @property
    def total(self) -> int:
        """Contacts in all."""
        return sum(self.of_month(day) for day in self.by_month)

    @property
    def dismissed(self) -> int:
        """Cases in all that were none."""
        return sum(received.dismissed for received in self.by_month.values())

    def of_month(self, day: date) -> int:
        """Contacts in the month that begins on that day."""
        return sum(self.by_month[day].by_tier.values())

    def of_tier(self, tier: Tier) -> int:
        """Contacts of a tier."""
        return sum(received.by_tier[tier] for received in self.by_month.values())

    def of_kind(self, kind: ContactKind) -> int:
        """Contacts of a kind."""
        return sum(received.by_kind[kind] for received in self.by_month.values())
