"""The mail that we originate, for tests: an agency that speaks, letters it composes, and how they read."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import TYPE_CHECKING

from gateway.compose.decline import compose_decline
from gateway.compose.notice import compose_notice
from gateway.compose.report import compose_report
from gateway.compose.values import AgencyVoice, Language, Mission
from tests.support.clocks import NOON
from tests.support.records import RAW, a_case, a_delivery

if TYPE_CHECKING:
    from gateway.model.case import Case
    from gateway.model.outbox import Post

ILDC = "RCMP.international-international.GRC@rcmp-grc.gc.ca"
INTERPOL = "Interpolottawa@rcmp-grc.gc.ca"
MISSION = Mission("Embassy of Example", "Ambassade d'Exemple")
LOOP_TOKEN = "item-1.0123456789abcdef"

VOICE = AgencyVoice(
    hostname="mx.police.example",
    name_en="the Example Police Service",
    name_fr="le Service de police d'Exemple",
    unit_en="International Requests Unit",
    unit_fr="Groupe des demandes internationales",
    contact_email="liaison@police.example",
    contact_phone="+1 555 0100",
    consular_email="consular@police.example",
    consular_phone="+1 555 0101",
    ildc_address=ILDC,
    interpol_address=INTERPOL,
    collation_from="reports@police.example",
)


def in_languages(*languages: Language, voice: AgencyVoice = VOICE) -> AgencyVoice:
    return replace(voice, decline_languages=languages, notice_languages=languages, report_languages=languages)


def a_decline(case: Case | None = None, voice: AgencyVoice = VOICE) -> Post:
    return compose_decline(
        case=case or a_case(), voice=voice, now=NOON, message_id_token="item-1", loop_token=LOOP_TOKEN
    )


def a_notice(
    case: Case | None = None,
    voice: AgencyVoice = VOICE,
    *,
    mission: Mission = MISSION,
    recipient: str = "inspector@police.example",
) -> Post:
    return compose_notice(
        case=case or a_case(),
        mission=mission,
        recipient=recipient,
        voice=voice,
        now=NOON,
        message_id_token="item-1",
        loop_token=LOOP_TOKEN,
    )


def a_report(
    case: Case | None = None,
    voice: AgencyVoice = VOICE,
    *,
    original: bytes | None = RAW,
    mission: Mission = MISSION,
    eightbit: bool = False,
) -> Post:
    return compose_report(
        case=case or a_case(original or RAW),
        deliveries=(a_delivery(),),
        mission=mission,
        original=original,
        recipient="collation@ildc.example",
        voice=voice,
        now=NOON,
        message_id_token="item-1",
        loop_token=LOOP_TOKEN,
        eightbit=eightbit,
    )


def read(post: Post) -> EmailMessage:
    """As another reader understands it: the standard library's."""
    message = BytesParser(policy=policy.default).parsebytes(post.content)
    assert isinstance(message, EmailMessage)
    return message


def entities(content: bytes) -> list[tuple[bytes, bytes]]:
    """Header section and body of each part of a multipart, cut by hand so that no reader can mend an octet."""
    found = re.search(rb'boundary="([^"]+)"', content)
    assert found
    _, *parts, epilogue = content.split(b"--" + found[1])
    assert epilogue == b"--\r\n"
    bodies = [part.removeprefix(b"\r\n").removesuffix(b"\r\n").split(b"\r\n\r\n", 1) for part in parts]
    return [(header, body) for header, body in bodies]


def text_of(post: Post) -> str:
    """The text that people read."""
    message = read(post)
    part = message.get_body(("plain",)) if message.is_multipart() else message
    assert part is not None
    return str(part.get_content())


def document_of(post: Post) -> dict[str, object]:
    """The report's report.json."""
    part = next(part for part in read(post).walk() if part.get_content_type() == "application/json")
    document = json.loads(part.get_content())
    assert isinstance(document, dict)
    return document


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
