"""When an outbox item is tried again, or given up. A pure decision."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


def next_attempt(
    *, created_at: datetime, now: datetime, attempts: int, retry: tuple[int, ...], give_up_after: float
) -> datetime | None:
    """The time of the next attempt after `attempts` failed ones, or None to give up (RFC 5321 §4.5.4.1).

    `retry` are the seconds between attempts, the last one repeats; `give_up_after` counts from `created_at`.
    """
    pause = retry[min(attempts, len(retry)) - 1] if attempts else 0
    due = now + timedelta(seconds=pause)
    return None if due > created_at + timedelta(seconds=give_up_after) else due
