from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gateway.compose.digest import compose_digest
from gateway.compose.text import ComposeError
from gateway.model.digest import Digest
from tests.support.clocks import NOON
from tests.support.correspondence import VOICE, read, text_of

if TYPE_CHECKING:
    from gateway.model.outbox import Post

DIGEST = Digest(
    held=3, oldest=NOON, reports=4, declines=5, failed=6, uncertain=7, reports_past=8, declines_past=9,
    overdue=10,
    forwards=2, answers=11, unanswered=13, ending=14, due=15, references=("LG-AAAAA-22222", "LG-BBBBB-33333"), open_cases=12,
)  # fmt: skip


def a_digest(digest: Digest = DIGEST, recipient: str = "records@police.example") -> Post:
    return compose_digest(
        digest=digest, recipient=recipient, voice=VOICE, now=NOON, message_id_token="id1", loop_token="t1"
    )


def test_its_envelope_and_fields_are_those_of_the_agency() -> None:
    post = a_digest()
    message = read(post)
    assert (post.reverse_path, post.recipient) == (VOICE.contact_email, "records@police.example")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["X-Liaison-Loop"] == "t1"
    assert message["To"] == "records@police.example"
    assert message["In-Reply-To"] is None
    assert message["Message-ID"] == f"<id1@{VOICE.hostname}>" == post.message_id
    assert message["Subject"] == "Waiting for a decision / En attente d'une décision"
    assert message.get_content_type() == "text/plain"


def test_it_says_every_number_in_both_languages() -> None:
    english, french = text_of(a_digest()).split("-" * 70)
    for part, words in ((english, "and 10 more"), (french, "et 10 autres")):
        assert all(f": {number}" in part for number in (3, 4, 5, 6, 7, 10, 11, 13, 14, 15))
        assert "LG-AAAAA-22222, LG-BBBBB-33333" in " ".join(part.split())
        assert words in " ".join(part.split())
    assert "reports 8, declines 9" in " ".join(english.split())


def test_it_is_silent_about_what_is_not_there() -> None:
    quiet = replace(DIGEST, held=0, oldest=None, reports_past=0, declines_past=0, references=(), open_cases=0)
    text = text_of(a_digest(quiet))
    assert "oldest" not in text
    assert "limits" not in text
    assert "more" not in text


def test_a_recipient_that_is_no_mailbox_is_refused() -> None:
    with pytest.raises(ComposeError):
        a_digest(recipient="a@b.example\r\nBcc: c@d.example")


def test_each_number_has_the_page_that_shows_it_where_there_are_pages() -> None:
    post = compose_digest(
        digest=DIGEST, recipient="records@police.example", voice=VOICE, now=NOON + timedelta(days=4, hours=1),
        message_id_token="id1", loop_token="t1", console="https://liaison.police.example",
    )  # fmt: skip
    english, french = text_of(post).split("-" * 70)
    for part in (english, french):
        assert part.count("https://liaison.police.example/") == 10
    assert "4 days ago" in " ".join(english.split())
    assert "forwarded by officers: 2" in " ".join(english.split())
    assert "http" not in text_of(a_digest())


def test_what_only_nears_or_waits_for_somebody_else_asks_for_no_digest() -> None:
    nothing = replace(DIGEST, held=0, reports=0, declines=0, failed=0, uncertain=0, overdue=0, answers=0)
    assert not nothing.says_something
    assert replace(nothing, answers=1).says_something
