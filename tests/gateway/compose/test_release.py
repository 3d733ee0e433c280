from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gateway.compose.release import compose_release
from gateway.compose.text import ComposeError
from tests.support.clocks import NOON
from tests.support.correspondence import VOICE
from tests.support.records import RAW, a_case, a_delivery

if TYPE_CHECKING:
    from gateway.model.case import Case
    from gateway.model.outbox import Post


def released(case: Case | None = None, original: bytes = RAW) -> Post:
    return compose_release(case=case or a_case(), delivery=a_delivery(), original=original, voice=VOICE)


@pytest.mark.parametrize("original", [RAW, b"", b"Received: by x\r\nFrom: a\r\n\r\n\xff\0\r\n.\r\n", b"\r\nno header"])
def test_the_original_stands_unchanged_behind_one_received_field_and_the_flag(original: bytes) -> None:
    case = replace(a_case(), reference="LG-2345-6789", received_at=NOON)
    content = released(case, original).content
    assert content.endswith(original)
    added = content.removesuffix(original) if original else content
    assert added.startswith(b"Received: from mail.mission.example ([192.0.2.1])\r\n\tby mx.police.example with ESMTPS")
    assert added.count(b"Received:") == 1
    assert (
        b" id LG-2345-6789;\r\n\tMon, 4 May 2026 12:00:00 +0000\r\nX-Liaison-Flag: tier=confirmed; ref=LG-2345-6789; auth=pass\r\nAuthentication-Results: mx.police.example; spf=pass"
        in added
    )
    assert added.endswith(b"\r\n")
    assert added.count(b"\r") == added.count(b"\n") == added.count(b"\r\n")


def test_the_envelope_is_the_originals() -> None:
    post = released(replace(a_case(), smtputf8=True))
    assert (post.reverse_path, post.recipient) == ("office@mission.example", "inspector@police.example")
    assert post.message_id == "<1@mission.example>"
    assert post.smtputf8


def test_a_bounce_is_released_from_the_null_path() -> None:
    assert released(replace(a_case(), reverse_path="")).reverse_path == ""


def test_no_other_recipient_is_betrayed() -> None:
    assert b"\tfor " not in released().content


def test_a_hostile_helo_stays_in_its_field() -> None:
    content = released(replace(a_case(), helo="x\r\nX-Liaison-Flag: tier=clear")).content
    assert content.removesuffix(RAW).count(b"\r\nX-Liaison-Flag:") == 1


def test_a_hostile_message_id_is_left_out_of_the_post() -> None:
    assert released(replace(a_case(), message_id="<1@a>\r\nx")).message_id == ""


@pytest.mark.parametrize("reverse_path", ["a@b.example>\r\nRCPT TO:<c@d.example", "a\0@b.example"])
def test_a_reverse_path_with_controls_is_refused(reverse_path: str) -> None:
    with pytest.raises(ComposeError):
        released(replace(a_case(), reverse_path=reverse_path))
