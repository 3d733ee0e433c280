"""The one source of time, and how people read it. Tests hand in another `Clock`; nothing else reads the wall clock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time, in UTC."""

    def now(self) -> datetime:
        """The present moment, time-zone aware."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment."""
        return datetime.now(UTC)  # noqa: TID251 -- this is the clock


def moment(at: datetime) -> str:
    """For people: 2026-05-04 12:00:05Z (RFC 3339 §5.6). All times of the gateway are UTC."""
    return f"{at:{_FORM}}Z"


def moment_in(text: str) -> datetime | None:
    """The moment, where a text is what `moment` made of one."""
    try:
        return datetime.strptime(text, f"{_FORM}Z").replace(tzinfo=UTC)
    except ValueError:
        return None


_FORM = "%Y-%m-%d %H:%M:%S"
