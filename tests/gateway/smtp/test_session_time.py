"""When a session that waits for its client is closed."""

from __future__ import annotations

import pytest

from gateway.settings import Smtp
from gateway.smtp import replies
from gateway.smtp.session_time import PATIENCE_UNDER_STRESS, SessionTime

LIMITS = Smtp(idle_timeout=50, transaction_timeout=100, session_timeout=1000)


@pytest.mark.parametrize(
    ("silent", "held_up", "reply"),
    [
        (PATIENCE_UNDER_STRESS + 1, False, None),
        (PATIENCE_UNDER_STRESS + 1, True, replies.IDLE_TOO_LONG),
        (PATIENCE_UNDER_STRESS - 1, True, None),
        (51, False, replies.IDLE_TOO_LONG),
    ],
)
def test_patience_is_short_where_others_wait_for_room(silent: float, held_up: bool, reply: object) -> None:
    assert SessionTime(0).objection(silent, 0, "one", LIMITS, held_up=held_up) == reply


def test_stress_does_not_make_anybody_more_patient() -> None:
    impatient = Smtp(idle_timeout=2)
    assert SessionTime(0).objection(3, 0, "one", impatient, held_up=True) == replies.IDLE_TOO_LONG


def test_a_mail_transaction_has_its_time_from_when_it_was_first_seen() -> None:
    session = SessionTime(0)
    seen = [session.objection(now, now, in_hand, LIMITS) for now, in_hand in [(950, "a"), (1049, "a"), (1051, "a")]]
    assert seen == [None, None, replies.TRANSACTION_TOO_LONG]
    assert session.objection(1052, 1052, "b", LIMITS) is None
    assert session.objection(1053, 1053, "", LIMITS) == replies.SESSION_SPENT
