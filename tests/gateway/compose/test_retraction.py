"""The retraction, and the report of a contact by hand: what each says, and to whom it can be told apart."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gateway.compose.later_report import Occasion, Thread, compose_retraction
from gateway.compose.report import compose_report
from gateway.compose.values import Language
from gateway.model.case import ContactKind
from gateway.model.contact import Contact
from gateway.shipped import shipped
from tests.gateway.compose.test_report import conforms, follows_the_schema
from tests.support.clocks import NOON
from tests.support.correspondence import LOOP_TOKEN, MISSION, VOICE, a_report, document_of, in_languages, read, text_of
from tests.support.records import a_case

if TYPE_CHECKING:
    from gateway.model.outbox import Post

REPORT_ID = "<item-0@mx.police.example>"
CASE = replace(a_case(), reference="LG-2345-6789", header_from="Wang <w@mission.example>", subject="zzz-subject")
CALL = Contact(
    kind=ContactKind.PHONE,
    at=NOON - timedelta(hours=1),
    asked="Where a person lives.\nAnd \u202esince when.",
    who="Li Wei",
    role="second secretary",
    approached="the duty inspector",
    answered="To write to the centre.",
    note="Will call again.",
)


def a_retraction(report: str = REPORT_ID, *languages: Language) -> Post:
    occasion = Occasion(
        recipient="collation@ildc.example",
        voice=in_languages(*languages) if languages else VOICE,
        now=NOON,
        message_id_token="item-1",
        loop_token=LOOP_TOKEN,
    )
    return compose_retraction(CASE, Thread(first=report, latest=report, version=2), occasion)


def a_report_of(contact: Contact, *languages: Language, attached: bool = True) -> Post:
    document = contact.document()
    case = replace(
        a_case(document), reference="LG-2345-6789", kind=contact.kind, header_from=contact.who, reverse_path=""
    )
    return compose_report(
        case=case,
        deliveries=(),
        mission=MISSION,
        original=document if attached else None,
        recipient="collation@ildc.example",
        voice=in_languages(*languages) if languages else VOICE,
        now=NOON,
        message_id_token="item-1",
        loop_token=LOOP_TOKEN,
        contact=contact,
    )


def test_a_retraction_is_a_later_mail_under_the_same_reference() -> None:
    post = a_retraction()
    message = read(post)
    assert (post.reverse_path, post.recipient, post.needs_verified_tls) == (
        "reports@police.example",
        "collation@ildc.example",
        True,
    )
    assert message["In-Reply-To"] == message["References"] == REPORT_ID
    assert message["Auto-Submitted"] == "auto-notified; owner-token=LG-2345-6789"
    assert message["X-Liaison-Loop"] == LOOP_TOKEN
    assert message["Subject"] == (
        "Foreign mission contact - report withdrawn / Contact d'une mission étrangère - signalement retiré [LG-2345-6789]"
    )


def test_a_retraction_says_nothing_of_who_wrote_and_what() -> None:
    content = a_retraction().content.decode() + text_of(a_retraction())
    for said_by_the_sender in ("Wang", "mission.example", "zzz-subject", CASE.sha256, CASE.client_ip):
        assert said_by_the_sender not in content


@pytest.mark.parametrize("language", list(Language))
def test_a_retraction_says_in_each_language_what_is_taken_back_and_whom_to_ask(language: Language) -> None:
    said = " ".join(text_of(a_retraction(REPORT_ID, language)).replace("\xa0", " ").split())
    assert "LG-2345-6789" in said
    assert "liaison@police.example" in said
    assert {"en": "Type of report: withdrawal", "fr": "Type de signalement : retrait"}[language] in said


@pytest.mark.parametrize("report", [REPORT_ID, ""])
def test_the_data_of_a_retraction_follow_the_shipped_schema(report: str) -> None:
    document = document_of(a_retraction(report))
    schema = json.loads((shipped("templates") / "mail/report/later-report.schema.json").read_text("utf-8"))
    assert conforms(document, schema, schema["$defs"])
    assert (document["reference"], document["type"], document["first"]) == ("LG-2345-6789", "withdrawal", report)
    assert not conforms(document | {"sender": "x"}, schema, schema["$defs"])


def test_a_retraction_without_the_reports_message_id_answers_nothing() -> None:
    assert read(a_retraction(""))["In-Reply-To"] is None


@pytest.mark.parametrize("kind", [kind for kind in ContactKind if not kind.is_mail])
def test_the_report_of_a_contact_by_hand_follows_the_schema_and_names_its_channel(kind: ContactKind) -> None:
    document = document_of(a_report_of(replace(CALL, kind=kind)))
    assert follows_the_schema(document)
    assert document["channel"] == kind
    assert document["sender"] == {"as_shown": "Li Wei", "envelope": ""}
    contact = document["contact"]
    assert isinstance(contact, dict)
    assert contact["asked"] == "Where a person lives. And <U+202E>since when."
    assert contact["answered"] == "To write to the centre."


def test_what_was_written_down_is_attached_octet_for_octet() -> None:
    *_, attached = read(a_report_of(CALL)).iter_parts()
    assert (attached.get_content_type(), attached.get_filename()) == ("application/json", "LG-2345-6789.json")
    assert attached.get_payload(decode=True) == CALL.document()
    assert document_of(a_report_of(CALL, attached=False))["original"] == {
        "sha256": a_case(CALL.document()).sha256,
        "size": len(CALL.document()),
        "attached_as": None,
    }


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        (
            Language.EN,
            ["Channel: telephone", "Took place: ", "Who: Li Wei", "Claimed role: second secretary",
             "What was asked: Where a person lives. And <U+202E>since when.",
             "What was answered: To write to the centre.", "Original attached: yes, as it was written down"],
        ),
        (
            Language.FR,
            ["Mode de contact : téléphone", "Date du contact : ", "Interlocuteur : Li Wei",
             "Fonction déclarée : second secretary", "Demande : Where a person lives. And <U+202E>since when.",
             "Réponse donnée : To write to the centre.", "Original joint : oui, tel que consigné"],
        ),
    ],
)  # fmt: skip
def test_the_report_of_a_contact_by_hand_says_what_is_known_and_nothing_of_mail(
    language: Language, lines: list[str]
) -> None:
    said = " ".join(text_of(a_report_of(CALL, language)).replace("\xa0", " ").split())
    for line in lines:
        assert line in said
    assert not re.search("SPF|DKIM|Envelope|enveloppe", said)


def test_a_contact_of_which_little_is_known_says_so() -> None:
    said = text_of(a_report_of(Contact(kind=ContactKind.EVENT, at=NOON, asked="a list of names"), Language.EN))
    for line in ("Who: no name was given", "Claimed role: none", "Who was approached: not recorded", "Note: none"):
        assert line in said


def test_a_document_of_a_contact_comes_back_as_it_was_written() -> None:
    assert Contact.read(CALL.document()) == CALL
    with pytest.raises(ValueError, match="no document of a contact"):
        Contact.read(b'{"schema": "other/1"}')


def test_a_report_of_mail_has_no_contact_in_it() -> None:
    assert "contact" in document_of(a_report_of(CALL))
    assert "contact" not in document_of(a_report())
