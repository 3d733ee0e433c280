from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from filters.authentication import Authentication, MethodResult, Result
from filters.disposition import Tier
from gateway.compose.report import compose_report
from gateway.compose.text import shown
from gateway.compose.values import Language, Mission
from gateway.model.case import ActionState, DeliveryState
from gateway.shipped import shipped
from tests.support.clocks import NOON
from tests.support.correspondence import (
    LOOP_TOKEN,
    MISSION,
    VOICE,
    a_report,
    document_of,
    entities,
    in_languages,
    read,
    sha256,
    text_of,
)
from tests.support.records import RAW, a_case, a_delivery

HOSTILE = replace(
    a_case(),
    header_from="Evil\r\nBcc: x@evil.example\0\u202e <e@mission.example>",
    reverse_path='"a\\"\r\n{{ 7*7 }}"@mission.example',
    subject="zzz-subject\r\nBcc: x@evil.example",
    message_id="<zzz>\r\nBcc: x@evil.example",
    entry="mission.example\r\n",
    client_ip="192.0.2.1\n",
    authentication=Authentication(
        spf=MethodResult(result=Result.PASS, domain="\r\nevil.example"),
        dkim=(MethodResult(result=Result.PASS, domain="p" * 5000),),
    ),
)


if TYPE_CHECKING:
    from gateway.model.case import Case

Schema = dict[str, object]

KEYWORDS = {"type", "const", "enum", "pattern", "minimum", "required", "properties", "additionalProperties", "items"}
ANNOTATIONS = {"$schema", "$defs", "title", "description"}


def conforms(value: object, schema: Schema, definitions: dict[str, Schema]) -> bool:
    """The part of JSON Schema 2020-12 that report.schema.json uses; any other keyword fails the test."""
    if reference := schema.get("$ref"):
        return conforms(value, definitions[str(reference).removeprefix("#/$defs/")], definitions)
    assert schema.keys() <= KEYWORDS | ANNOTATIONS
    choices = schema.get("enum", [schema.get("const", value)])
    assert isinstance(choices, list)
    return value in choices and has_type(value, schema, definitions)


def has_type(value: object, schema: Schema, definitions: dict[str, Schema]) -> bool:
    match schema.get("type"):
        case "object":
            return isinstance(value, dict) and has_properties(value, schema, definitions)
        case "string":
            return isinstance(value, str) and re.search(str(schema.get("pattern", "")), value) is not None
        case "array":
            items = schema["items"]
            assert isinstance(items, dict)
            return isinstance(value, list) and all(conforms(item, items, definitions) for item in value)
        case "integer":
            assert schema["minimum"] == 0
            return type(value) is int and value >= 0
        case other:
            assert other is None
            return True


def has_properties(value: dict[str, object], schema: Schema, definitions: dict[str, Schema]) -> bool:
    properties, required = schema["properties"], schema["required"]
    assert isinstance(properties, dict)
    assert isinstance(required, list)
    assert schema["additionalProperties"] is False
    named = set(required) <= value.keys() <= properties.keys()
    return named and all(conforms(value[name], properties[name], definitions) for name in value)


def follows_the_schema(document: object) -> bool:
    schema = json.loads((shipped("templates") / "mail/report/report.schema.json").read_text("utf-8"))
    return conforms(document, schema, schema["$defs"])


def test_a_report_is_a_new_message_of_the_agencys() -> None:
    post = a_report(replace(a_case(), reference="LG-2345-6789"))
    message = read(post)
    assert (post.reverse_path, post.recipient) == ("reports@police.example", "collation@ildc.example")
    assert post.needs_verified_tls
    assert message["From"].addresses[0].addr_spec == "reports@police.example"
    assert message["To"] == "collation@ildc.example"
    assert message["Auto-Submitted"] == "auto-notified; owner-token=LG-2345-6789"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["X-Liaison-Loop"] == LOOP_TOKEN
    assert message["Message-ID"] == post.message_id == "<item-1@mx.police.example>"
    assert message["In-Reply-To"] is None
    assert [part.get_content_type() for part in message.iter_parts()] == [
        "text/plain",
        "application/json",
        "message/rfc822",
    ]


def test_the_subject_holds_the_reference_and_nothing_of_the_message() -> None:
    subjects = {read(a_report(replace(case, reference="LG-2345-6789")))["Subject"] for case in (a_case(), HOSTILE)}
    assert subjects == {
        "Foreign mission contact - report for collation / Contact d'une mission étrangère - signalement [LG-2345-6789]"
    }


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        (
            Language.EN,
            (
                "Report reference: LG-2345-6789",
                "Channel: e-mail",
                "Reporting agency: The Example Police Service, International Requests Unit",
                "Received: 2026-05-04 12:00:00 UTC",
                "Mission or body: Embassy of Example",
                "List entry: mission.example",
                "Sender as shown: consul <office@mission.example>",
                "Envelope sender: office@mission.example",
                "Sender verification: verified",
                "SPF: pass mission.example",
                "DKIM: none",
                "DMARC: none",
                "IP address of the sending server: 192.0.2.1",
                "Recipients in this agency: 1",
                "Action taken (number of recipients): held: 1.",
                "Decline sent: no, a person decides",
                f"SHA-256 of the original: {sha256(RAW)}",
                f"Size of the original: {len(RAW)} octets",
                "Original attached: yes, exactly as received",
            ),
        ),
        (
            Language.FR,
            (
                "aux fins de regroupement",
                "Référence du signalement : LG-2345-6789",
                "Mode de contact : courriel",
                "Organisme : Le Service de police d'Exemple, Groupe des demandes internationales",
                "Reçu le : 2026-05-04 12:00:00 UTC",
                "Mission ou organisme étranger : Ambassade d'Exemple",
                "Inscription à la liste : mission.example",
                "Expéditeur affiché : consul <office@mission.example>",
                "Expéditeur de l'enveloppe : office@mission.example",
                "Vérification de l'expéditeur : expéditeur vérifié",
                "SPF : pass mission.example",
                "Adresse IP du serveur d'envoi : 192.0.2.1",
                "Destinataires dans l'organisme : 1",
                "Mesure prise (nombre de destinataires) : mise en attente : 1.",
                "Réponse de renvoi transmise : non, la décision revient à une personne",
                f"SHA-256 de l'original : {sha256(RAW)}",
                f"Taille de l'original : {len(RAW)} octets",
                "Original joint : oui, exactement comme reçu",
            ),
        ),
    ],
)
def test_the_summary_tells_the_contact_in_words(language: Language, lines: tuple[str, ...]) -> None:
    case = replace(a_case(), reference="LG-2345-6789", received_at=NOON)
    text = " ".join(text_of(a_report(case, in_languages(language))).split())
    for line in lines:
        assert line in text


def test_the_data_tell_the_same_and_follow_the_shipped_schema() -> None:
    document = document_of(a_report(replace(a_case(), reference="LG-2345-6789", received_at=NOON)))
    assert follows_the_schema(document)
    assert document == {
        "schema": "liaison-report/1",
        "type": "first",
        "version": 1,
        "reference": "LG-2345-6789",
        "reported_at": "2026-05-04T12:00:00Z",
        "agency": {
            "name_en": "the Example Police Service",
            "name_fr": "le Service de police d'Exemple",
            "unit_en": "International Requests Unit",
            "unit_fr": "Groupe des demandes internationales",
            "contact_email": "liaison@police.example",
            "contact_phone": "+1 555 0100",
        },
        "channel": "e-mail",
        "received_at": "2026-05-04T12:00:00Z",
        "mission": {"name_en": "Embassy of Example", "name_fr": "Ambassade d'Exemple", "entry": "mission.example"},
        "tier": "confirmed",
        "sender": {"as_shown": "consul <office@mission.example>", "envelope": "office@mission.example"},
        "verification": {
            "result": "pass",
            "spf": "pass mission.example",
            "dkim": "none",
            "dmarc": "none",
            "results": [
                {"method": "spf", "result": "pass", "domain": "mission.example", "reason": "192.0.2.1 matches 'mx'."},
                {"method": "dmarc", "result": "none", "domain": "", "reason": ""},
            ],
            "dns": [
                {
                    "name": "mission.example",
                    "type": "TXT",
                    "status": "found",
                    "records": ["v=spf1 mx -all", shown("x\0\xff")],
                }
            ],
        },
        "findings": [
            {
                "rule": "listed-identity",
                "identity": "",
                "address": "",
                "entry": "mission.example",
                "evidence": "The sender is listed.",
            }
        ],
        "list_version": 3,
        "client_ip": "192.0.2.1",
        "action": {"recipients": 1, "held": 1, "released": 0, "delivered": 0, "refused": 0, "pending": 0},
        "decline": "review",
        "original": {"sha256": sha256(RAW), "size": len(RAW), "attached_as": "message/rfc822"},
    }


def test_the_schema_refuses_what_it_does_not_know() -> None:
    document = document_of(a_report())
    assert not follows_the_schema({**document, "subject": "x"})
    assert not follows_the_schema({**document, "schema": "liaison-report/2"})
    assert not follows_the_schema({name: value for name, value in document.items() if name != "original"})
    assert not follows_the_schema({**document, "received_at": "yesterday"})


@pytest.mark.parametrize("tier", list(Tier))
@pytest.mark.parametrize("result", list(Result))
def test_every_tier_and_result_can_be_reported(tier: Tier, result: Result) -> None:
    case = replace(a_case(), tier=tier, authentication=Authentication(spf=MethodResult(result=result)))
    auth = case.authentication.overall
    assert follows_the_schema(document_of(a_report(case)))
    assert f": {auth}\n" not in text_of(a_report(case)).split("SPF", 1)[0], "in words"


@pytest.mark.parametrize("decline", list(ActionState))
def test_every_state_of_the_decline_is_told_in_words(decline: ActionState) -> None:
    post = a_report(replace(a_case(), decline=decline))
    assert follows_the_schema(document_of(post))
    assert "Decline sent: " in text_of(post)


def test_recipients_are_counted_by_what_became_of_the_message_and_never_named() -> None:
    states = [*DeliveryState, DeliveryState.HELD]
    post = compose_report(
        case=a_case(),
        deliveries=tuple(a_delivery(f"secret-{number}@police.example", state) for number, state in enumerate(states)),
        mission=MISSION,
        original=None,
        recipient="collation@ildc.example",
        voice=VOICE,
        now=NOON,
        message_id_token="item-1",
        loop_token=LOOP_TOKEN,
        needs_verified_tls=False,
    )
    counted = {"recipients": 6, "held": 2, "released": 1, "delivered": 1, "refused": 1, "pending": 1}
    said = "held: 2. released after review: 1. delivered: 1. refused by the mail server: 1. not known yet: 1."
    assert document_of(post)["action"] == counted
    assert said in " ".join(text_of(post).split())
    assert "secret-" not in text_of(post)
    assert not post.needs_verified_tls


def test_a_summary_leaves_the_original_out_and_says_so() -> None:
    post = a_report(original=None)
    assert [part.get_content_type() for part in read(post).iter_parts()] == ["text/plain", "application/json"]
    original = document_of(post)["original"]
    assert original == {"sha256": sha256(RAW), "size": len(RAW), "attached_as": None}
    assert "Original attached: no, available on request" in text_of(post)
    assert b"We would like to meet" not in post.content


@pytest.mark.parametrize(
    "original",
    [
        pytest.param(RAW, id="7bit"),
        pytest.param(b"From: a\r\n\r\n\xb9\xab\xb0\xb2\r\n", id="8bit"),
        pytest.param(b"From: a\r\n\r\n" + b"x" * 100_000 + b"\r\n", id="long-line"),
        pytest.param(b"From: a\r\n\r\n\0\n\r", id="binary"),
        pytest.param(b"", id="empty"),
    ],
)
@pytest.mark.parametrize("eightbit", [False, True])
def test_the_attached_original_has_the_digest_that_the_report_states(original: bytes, eightbit: bool) -> None:
    post = a_report(a_case(original), original=original, eightbit=eightbit)
    header, body = entities(post.content)[-1]
    attached = base64.b64decode(body) if b"base64" in header else body
    stated = document_of(post)["original"]
    assert isinstance(stated, dict)
    assert sha256(attached) == stated["sha256"] == sha256(original)
    assert f"Content-Type: {stated['attached_as']}".encode() in header


def test_what_the_sender_wrote_is_shown_and_does_nothing() -> None:
    post = a_report(HOSTILE)
    message, text = read(post), " ".join(text_of(post).split())
    assert "Bcc" not in message
    assert "Evil<U+000D><U+000A>Bcc: x@evil.example<U+0000><U+202E> <e@mission.example>" in text
    assert '"a\\"<U+000D><U+000A>{{ 7*7 }}"@mission.example' in text
    assert "zzz" not in text
    assert follows_the_schema(document_of(post))


def test_a_bounce_is_reported_with_its_empty_envelope_sender() -> None:
    post = a_report(replace(a_case(), reverse_path=""))
    assert "Envelope sender: empty (<>)" in text_of(post)
    assert document_of(post)["sender"] == {"as_shown": "consul <office@mission.example>", "envelope": ""}


def test_a_mission_without_a_name_is_told_by_its_entry() -> None:
    text = text_of(a_report(mission=Mission()))
    assert "Mission or body: not named in the list" in text
    assert "Mission ou organisme étranger\u00a0: non désigné dans la liste" in text


def test_a_report_in_french_alone_has_no_english() -> None:
    post = a_report(voice=in_languages(Language.FR))
    assert read(post)["Content-Language"] == "fr"
    assert "collation" not in text_of(post) + str(read(post)["Subject"])


@pytest.mark.parametrize("case", [a_case(), HOSTILE], ids=["ordinary", "hostile"])
def test_lines_fit_and_end_in_crlf(case: Case) -> None:
    post = a_report(case, original=b"\0\r\n\n\xff" * 1000)
    assert post.content.isascii()
    assert post.content.count(b"\r") == post.content.count(b"\n") == post.content.count(b"\r\n")
    assert max(map(len, post.content.split(b"\r\n"))) <= 78
    assert all(len(line) <= 78 for line in text_of(a_report()).splitlines())
