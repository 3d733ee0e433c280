"""When an outbox item is tried again, or given up. A pure decision."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


def next_attempt(*, now: datetime, attempts: int, retry: tuple[int, ...], give_up_after: float) -> datetime | None:
    """The time of the next attempt after `attempts` failed ones, or None to give up (RFC 5321 §4.5.4.1).

    `retry` are the seconds between attempts, the last one repeats; `give_up_after` seconds may be spent on pauses. What
    an item waited before its first attempt, for a route or for a person, is not spent.
    """
    pauses = [retry[min(number, len(retry)) - 1] for number in range(1, attempts + 1)]
    return None if sum(pauses) > give_up_after else now + timedelta(seconds=pauses[-1] if pauses else 0)
