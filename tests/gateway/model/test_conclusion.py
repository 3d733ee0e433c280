"""What the client is told when the steps of a plan went this way or that."""

from __future__ import annotations

import pytest

from gateway.model.conclusion import ACCEPTED, TRY_AGAIN, conclude
from gateway.model.reply import Reply

TAKEN = Reply(250, "2.0.0", "queued as 4711 on mail7.internal")
LATER = Reply(451, "4.7.1", "greylisted")
NEVER = Reply(554, "5.7.1", "spam")


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([], ACCEPTED),
        ([TAKEN], ACCEPTED),
        ([TAKEN, TAKEN], ACCEPTED),
        ([LATER], LATER),
        ([NEVER], NEVER),
        ([TAKEN, TRY_AGAIN], TRY_AGAIN),
        ([TAKEN, LATER], LATER),
        ([TAKEN, NEVER], NEVER),
        ([NEVER, TAKEN], NEVER),
    ],
)
def test_the_worst_step_speaks_for_all(steps: list[Reply], told: Reply) -> None:
    assert conclude(steps) == told


def test_our_own_trouble_is_transient() -> None:
    assert TRY_AGAIN.transient
    assert TRY_AGAIN.enhanced == "4.3.0"
