from __future__ import annotations

import re
from dataclasses import replace

import pytest

from filters.authentication import Authentication, MethodResult, Result
from gateway.compose.text import ComposeError
from gateway.compose.values import Language
from tests.support.correspondence import ILDC, INTERPOL, LOOP_TOKEN, VOICE, a_decline, in_languages, read, text_of
from tests.support.records import a_case

HOSTILE = replace(
    a_case(),
    header_from='"Evil\r\nBcc: x@evil.example" <zzz-from@mission.example>',
    subject="zzz-subject\r\nBcc: x@evil.example",
    message_id="<1@mission.example>\r\nBcc: x@evil.example",
    mission_en="zzz-mission {{ 7*7 }}",
    mission_fr="zzz-mission {{ 7*7 }}",
    helo="zzz-helo",
    client_ip="203.0.113.99",
    entry="zzz-entry",
    authentication=Authentication(spf=MethodResult(result=Result.PASS, domain="zzz-spf.example")),
)


def test_a_decline_goes_to_the_reverse_path_only_and_cant_be_answered_or_bounced() -> None:
    post = a_decline(replace(a_case(), reverse_path="second.secretary@mission.example"))
    message = read(post)
    assert (post.reverse_path, post.recipient) == ("", "second.secretary@mission.example")
    assert message.get_all("To") == ["second.secretary@mission.example"]
    assert not {"cc", "bcc", "reply-to"} & {name.lower() for name in message}


def test_its_header_holds_these_fields_and_no_others() -> None:
    message = read(a_decline(replace(a_case(), reference="LG-2345-6789", message_id=" <1.2@mission.example> ")))
    assert dict(message.items()) == {
        "Date": "Mon, 04 May 2026 12:00:00 +0000",
        "From": "The Example Police Service / Le Service de police d'Exemple - international requests / "
        "demandes internationales <liaison@police.example>",
        "To": "office@mission.example",
        "Subject": "Auto: Your message / Votre message [LG-2345-6789]",
        "Message-ID": "<item-1@mx.police.example>",
        "In-Reply-To": "<1.2@mission.example>",
        "References": "<1.2@mission.example>",
        "Auto-Submitted": "auto-replied",
        "X-Auto-Response-Suppress": "All",
        "X-Liaison-Loop": LOOP_TOKEN,
        "Content-Language": "en, fr",
        "MIME-Version": "1.0",
        "Content-Type": 'text/plain; charset="utf-8"',
        "Content-Transfer-Encoding": "quoted-printable",
    }


@pytest.mark.parametrize("language", list(Language))
def test_each_language_refers_to_both_offices_and_excepts_emergencies_and_consular_matters(language: Language) -> None:
    text = text_of(a_decline(replace(a_case(), reference="LG-2345-6789"), in_languages(language)))
    for said in (
        ILDC,
        INTERPOL,
        "911",
        "consular@police.example",
        "+1 555 0101",
        "liaison@police.example",
        "LG-2345-6789",
    ):
        assert said in text


def test_both_languages_are_complete_and_in_the_order_asked_for() -> None:
    english, french = (text_of(a_decline(HOSTILE, in_languages(language))) for language in (Language.EN, Language.FR))
    bilingual = text_of(a_decline(HOSTILE, in_languages(Language.FR, Language.EN)))
    assert bilingual.index(french.strip()) < bilingual.index(english.strip())
    message = read(a_decline(HOSTILE, in_languages(Language.FR, Language.EN)))
    assert message["Content-Language"] == "fr, en"
    assert message["Subject"].startswith("Auto: Votre message / Your message [")


def test_nothing_of_the_original_is_echoed_but_the_reverse_path() -> None:
    content = a_decline(HOSTILE).content + text_of(a_decline(HOSTILE)).encode()
    assert b"zzz" not in content
    assert b"evil" not in content
    assert b"203.0.113.99" not in content
    assert b"49" not in content


@pytest.mark.parametrize(
    "word",
    [
        "csis",
        "scrs",
        "notice",
        "avis",
        "report",
        "signal",
        "copy",
        "copie",
        "list",
        "interfer",
        "ingérence",
        "China",
        "PRC",
        "RPC",
        "hold",
        "held",
        "Liaison Gateway",
        "0.1.0",
    ],
)
def test_the_reply_says_nothing_about_reports_lists_or_motives(word: str) -> None:
    post = a_decline()
    said = text_of(post).replace(ILDC, "").replace("liaison@police.example", "")
    assert not re.search(rf"\b{word}", said, re.IGNORECASE)


@pytest.mark.parametrize(
    "message_id",
    ["", "1@mission.example", "<1@mission.example> <2@mission.example>", "<1@a>\r\nBcc: x@evil.example", "<é@a>"],
)
def test_an_original_without_a_strict_message_id_is_answered_without_naming_it(message_id: str) -> None:
    message = read(a_decline(replace(a_case(), message_id=message_id)))
    assert message["In-Reply-To"] is None
    assert message["References"] is None
    assert "Bcc" not in message


@pytest.mark.parametrize(
    "reverse_path",
    [
        "",
        "postmaster",
        "a@mission.example, b@evil.example",
        "a@mission.example>\r\nRCPT TO:<b@evil.example",
        "a@mission.example\n",
    ],
)
def test_a_reverse_path_that_is_not_one_mailbox_is_never_answered(reverse_path: str) -> None:
    with pytest.raises(ComposeError):
        a_decline(replace(a_case(), reverse_path=reverse_path))


def test_a_quoted_reverse_path_is_answered_as_it_is() -> None:
    post = a_decline(replace(a_case(), reverse_path='"the  office, \\"2\\""@mission.example'))
    assert post.recipient == '"the  office, \\"2\\""@mission.example'
    assert b'\r\nTo: <"the  office, \\"2\\""@mission.example>\r\n' in post.content


def test_an_internationalized_reverse_path_needs_smtputf8() -> None:
    assert a_decline(replace(a_case(), reverse_path="大使@mission.example")).smtputf8
    assert not a_decline().smtputf8


def test_lines_fit_and_end_in_crlf() -> None:
    content = a_decline(HOSTILE).content
    assert content.isascii()
    assert content.endswith(b"\r\n")
    assert content.count(b"\r") == content.count(b"\n") == content.count(b"\r\n")
    assert max(map(len, content.split(b"\r\n"))) <= 78
    assert max(map(len, text_of(a_decline(HOSTILE)).splitlines())) <= 72


def test_an_agency_without_consular_phone_or_unit_still_makes_whole_sentences() -> None:
    voice = replace(VOICE, consular_email="", consular_phone="", unit_en="", unit_fr="")
    text = " ".join(text_of(a_decline(voice=voice)).split())
    assert "please contact liaison@police.example. You" in text
    assert "communiquer avec liaison@police.example. Il" in text
    assert text.count("The Example Police Service") == 2


@pytest.mark.parametrize("name", ["The Service\r\nBcc: x@evil.example", "The\0Service"])
def test_an_agency_name_cant_break_out_of_its_field(name: str) -> None:
    with pytest.raises(ComposeError, match="control character"):
        a_decline(voice=replace(VOICE, name_en=name))


def test_a_french_agency_name_reads_back_from_the_from_field() -> None:
    voice = replace(in_languages(Language.FR), name_fr="la Sûreté régionale de l'Île-aux-Exemples")
    sender = read(a_decline(voice=voice))["From"].addresses[0]
    assert (
        " ".join(sender.display_name.split()) == "La Sûreté régionale de l'Île-aux-Exemples - demandes internationales"
    )
    assert sender.addr_spec == "liaison@police.example"
    assert "réponse automatique de la Sûreté régionale" in " ".join(text_of(a_decline(voice=voice)).split())


def test_a_phone_number_is_never_broken_between_lines() -> None:
    for length in range(1, 60):
        voice = replace(VOICE, consular_email="c" * length + "@police.example")
        assert text_of(a_decline(voice=voice)).count("+1 555 0101") == 2
