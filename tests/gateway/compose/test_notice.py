from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.compose.text import ComposeError
from gateway.compose.values import Language, Mission
from tests.support.correspondence import VOICE, a_notice, in_languages, read, text_of
from tests.support.records import a_case


def test_a_notice_goes_to_one_recipient_from_the_null_path() -> None:
    post = a_notice(replace(a_case(), reference="LG-2345-6789"))
    message = read(post)
    assert (post.reverse_path, post.recipient) == ("", "inspector@police.example")
    assert message["To"] == "inspector@police.example"
    assert message["From"].addresses[0].addr_spec == "liaison@police.example"
    assert message["Auto-Submitted"] == "auto-notified; owner-token=LG-2345-6789"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["In-Reply-To"] is None
    assert message["Subject"].endswith("[LG-2345-6789]")


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (Language.EN, ("was held", "Embassy of Example", "Do not reply", "+1 555 0100", "liaison@police.example")),
        (
            Language.FR,
            ("mis en attente", "Ambassade d'Exemple", "Ne répondez pas", "+1 555 0100", "liaison@police.example"),
        ),
    ],
)
def test_it_says_what_happened_and_what_to_do(language: Language, said: tuple[str, ...]) -> None:
    text = " ".join(text_of(a_notice(replace(a_case(), reference="LG-2345-6789"), in_languages(language))).split())
    for words in (*said, "LG-2345-6789"):
        assert words in text


def test_it_shows_nothing_of_the_original() -> None:
    case = replace(
        a_case(),
        reverse_path="zzz@mission.example",
        header_from="zzz <zzz@mission.example>",
        subject="zzz",
        message_id="<zzz@mission.example>",
        client_ip="203.0.113.99",
        helo="zzz",
    )
    content = a_notice(case).content + text_of(a_notice(case)).encode()
    assert b"zzz" not in content
    assert b"203.0.113.99" not in content
    assert b"mission.example" not in content


def test_a_mission_without_a_name_leaves_whole_sentences() -> None:
    text = " ".join(text_of(a_notice(mission=Mission())).split())
    assert "was not delivered to you. Reference:" in text
    assert "ne vous a pas été remis. Référence" in text


def test_a_mission_name_with_a_line_break_is_shown_as_one_line() -> None:
    assert "Embassy<U+000A>Bcc: x" in " ".join(text_of(a_notice(mission=Mission("Embassy\nBcc: x"))).split())


def test_an_agency_without_a_phone_number_points_to_911() -> None:
    text = text_of(a_notice(voice=replace(VOICE, contact_phone="")))
    assert "call 911." in text
    assert "composez le 911." in text


def test_the_bare_postmaster_is_told_at_our_host_name() -> None:
    post = a_notice(recipient="Postmaster")
    assert post.recipient == "Postmaster"
    assert read(post)["To"] == "Postmaster@mx.police.example"


@pytest.mark.parametrize("recipient", ["", "inspector", "a@police.example\r\nBcc: b@evil.example"])
def test_a_recipient_that_is_no_mailbox_is_refused(recipient: str) -> None:
    with pytest.raises(ComposeError):
        a_notice(recipient=recipient)


def test_lines_fit_and_end_in_crlf() -> None:
    content = a_notice().content
    assert content.isascii()
    assert content.count(b"\r") == content.count(b"\n") == content.count(b"\r\n")
    assert max(map(len, content.split(b"\r\n"))) <= 78
    assert max(map(len, text_of(a_notice()).splitlines())) <= 72
