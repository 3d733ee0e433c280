"""Tallies in words."""

from __future__ import annotations

import pytest

from gateway.model.tally import met_sentence


@pytest.mark.parametrize(
    ("messages", "senders", "said"),
    [
        (0, 0, "0 messages from 0 senders"),
        (1, 1, "1 message from 1 sender"),
        (2, 1, "2 messages from 1 sender"),
    ],
)
def test_one_is_said_in_the_singular(messages: int, senders: int, said: str) -> None:
    assert met_sentence(messages, senders) == said
