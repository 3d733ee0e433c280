"""Days as people type them into forms."""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from filters.sentence import Sentence
from gateway.errors import RefusedError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


def end_of_day(said: str) -> datetime:
    """When the day is over, in UTC, as for the commands: a last day is included. RefusedError if it is none."""
    try:
        return datetime.combine(date.fromisoformat(said), time(), UTC) + timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise _no_day(said) from error


def day_if_said(said: str) -> date | None:
    """The day, None where nothing was said. RefusedError if it is none: nobody guesses what goes on record."""
    day = day_or_none(said)
    if said and day is None:
        raise _no_day(said)
    return day


def day_or_none(said: str) -> date | None:
    """The day, or None for what is none: a filter of an old address never fails."""
    try:
        return date.fromisoformat(said)
    except ValueError:
        return None


def _no_day(said: str) -> RefusedError:
    return RefusedError("{said} is no day; one looks like 2027-05-31", said=repr(said))


def ignored_day(said: str) -> Sentence | None:
    """That a filter by it filters nothing, where it is no day."""
    if not said or day_or_none(said) is not None:
        return None
    return Sentence("{said} is no day, and filters nothing; one looks like 2027-05-31", said=repr(said))


def whole_days(since: str, until: str, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    """From the beginning of one day to the end of another, in that zone; None for what is none.

    The first and the last year count as none: days before and after are reckoned with.
    """
    first, last = (
        None if day is None or day.year in {MINYEAR, MAXYEAR} else datetime.combine(day, time(), zone)
        for day in (day_or_none(since), day_or_none(until))
    )
    return first, None if last is None else last + timedelta(days=1)
