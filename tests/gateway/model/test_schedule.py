"""When an outbox item is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.model.schedule import next_attempt

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
RETRY = (60, 300, 900)


@pytest.mark.parametrize(("attempts", "pause"), [(0, 0), (1, 60), (2, 300), (3, 900), (4, 900), (400, 900)])
def test_the_pauses_grow_and_the_last_repeats(attempts: int, pause: int) -> None:
    due = next_attempt(created_at=NOON, now=NOON, attempts=attempts, retry=RETRY, give_up_after=3600)
    assert due == NOON + timedelta(seconds=pause)


def test_an_attempt_past_the_end_is_not_made() -> None:
    late = NOON + timedelta(seconds=3600 - 60)
    assert next_attempt(created_at=NOON, now=late, attempts=1, retry=RETRY, give_up_after=3600) is not None
    assert next_attempt(created_at=NOON, now=late, attempts=2, retry=RETRY, give_up_after=3600) is None
