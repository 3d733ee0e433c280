"""When an outbox item is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.model.schedule import next_attempt

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
RETRY = (60, 300, 900)


@pytest.mark.parametrize(("attempts", "pause"), [(0, 0), (1, 60), (2, 300), (3, 900), (4, 900), (400, 900)])
def test_the_pauses_grow_and_the_last_repeats(attempts: int, pause: int) -> None:
    due = next_attempt(now=NOON, attempts=attempts, retry=RETRY, give_up_after=1e9)
    assert due == NOON + timedelta(seconds=pause)


def test_it_is_given_up_when_the_pauses_were_long_enough() -> None:
    assert next_attempt(now=NOON, attempts=3, retry=RETRY, give_up_after=60 + 300 + 900) is not None
    assert next_attempt(now=NOON, attempts=4, retry=RETRY, give_up_after=60 + 300 + 900) is None
