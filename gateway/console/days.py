"""Days as people type them into forms."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from gateway.errors import RefusedError


def end_of_day(said: str) -> datetime:
    """When the day is over, in UTC, as for the commands: a last day is included. RefusedError if it is none."""
    try:
        day = date.fromisoformat(said)
    except ValueError as error:
        raise RefusedError("{said} is no day; one looks like 2027-05-31", said=repr(said)) from error
    return datetime.combine(day, time(), UTC) + timedelta(days=1)


def day_or_none(said: str) -> date | None:
    """The day, or None for what is none: a filter of an old address never fails."""
    try:
        return date.fromisoformat(said)
    except ValueError:
        return None
