"""A retry finds its case, whatever trace fields it gathered on the way."""

from __future__ import annotations

import pytest

from filters.address import NULL_PATH, Mailbox
from filters.content import header_length
from gateway.model.intake_key import intake_key, trace_length

SENDER = Mailbox("consul", "mission.example")
MESSAGE = b"From: consul@mission.example\r\nSubject: hello\r\n\r\nbody\r\n"


def key(content: bytes, sender: Mailbox = SENDER) -> str:
    return intake_key(sender, [content[trace_length(content[: header_length(content)]) :]])


@pytest.mark.parametrize(
    "trace",
    [
        b"Received: from a by b; now\r\n",
        b"Received: from a\r\n\tby b;\r\n now\r\nReceived: from c by d; then\r\n",
        b"Return-Path: <x@y.example>\r\n",
        b"received-spf: pass\r\nAuthentication-Results: mx; spf=pass\r\n",
        b"ARC-Seal: i=1\r\nARC-Message-Signature: i=1\r\nARC-Authentication-Results: i=1; mx\r\n",
        b"Received : odd spelling\r\n",
    ],
)
def test_trace_fields_at_the_top_do_not_change_the_key(trace: bytes) -> None:
    assert key(trace + MESSAGE) == key(MESSAGE)


@pytest.mark.parametrize(
    "other",
    [
        MESSAGE + b"more\r\n",
        b"X-Spam: no\r\n" + MESSAGE,
        MESSAGE.replace(b"Subject", b"Received: late\r\nSubject"),
    ],
)
def test_anything_else_changes_the_key(other: bytes) -> None:
    assert key(other) != key(MESSAGE)


def test_the_reverse_path_is_part_of_the_key_but_not_its_spelling() -> None:
    assert key(MESSAGE, NULL_PATH) != key(MESSAGE)
    assert key(MESSAGE, Mailbox("Consul", "MISSION.example")) == key(MESSAGE)


def test_the_cut_into_chunks_does_not_matter() -> None:
    assert intake_key(SENDER, [MESSAGE]) == intake_key(SENDER, [MESSAGE[:7], MESSAGE[7:]])
