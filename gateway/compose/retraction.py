"""The retraction: takes a report back under its reference, because the case was dismissed as no approach by a mission.

It answers the mail with the report, so that both are found together, and repeats nothing that the report said of its
sender, who may be nobody's agent. RFC 5436 §2.7.1 for its Auto-Submitted field; `retraction.schema.json` for its data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from gateway.compose import templates
from gateway.compose.headers import (
    Letterhead,
    header_section,
    is_internationalized,
    mailbox,
    new_message_id,
    token,
)
from gateway.compose.mime import json_part, multipart, text_part
from gateway.compose.values import AgencyVoice, rfc3339, timestamp
from gateway.model.outbox import Post, Purpose

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.model.case import Case

SCHEMA = "liaison-retraction/1"


def compose_retraction(
    *,
    case: Case,
    report_message_id: str,
    recipient: str,
    voice: AgencyVoice,
    now: datetime,
    message_id_token: str,
    loop_token: str,
    needs_verified_tls: bool = True,
) -> Post:
    """The retraction of one case's report. `report_message_id` is of the mail that holds it, "" if not known."""
    languages = voice.report_languages
    reference = token("the reference", case.reference)
    values: templates.Values = {
        **voice.variables(),
        "ref": case.reference,
        "received": timestamp(case.received_at),
    }
    message_id = new_message_id(message_id_token, voice.hostname)
    header = header_section(
        Letterhead(
            sender_name=voice.names(languages),
            sender=voice.collation_from,
            recipient=recipient,
            subject=f"{templates.subject(Purpose.RETRACTION, languages, values)} [{reference}]",
            at=now,
            message_id=message_id,
            auto_submitted=f"auto-notified; owner-token={reference}",
            loop_token=loop_token,
            languages=languages,
            answers=report_message_id,
        )
    )
    text = text_part(voice.marked(templates.body(Purpose.RETRACTION, languages, values)))
    document = json_part(_document(case, report_message_id, voice, now), "retraction.json")
    return Post(
        reverse_path=mailbox(voice.collation_from),
        recipient=mailbox(recipient),
        content=header + multipart((text, document)).octets(),
        message_id=message_id,
        needs_verified_tls=needs_verified_tls,
        smtputf8=is_internationalized(recipient, voice.collation_from),
    )


def _document(case: Case, report_message_id: str, voice: AgencyVoice, now: datetime) -> str:
    document = {
        "schema": SCHEMA,
        **voice.marking_data(),
        "type": "withdrawal",
        "reference": case.reference,
        "retracted_at": rfc3339(now),
        "agency": voice.data(),
        "report": report_message_id,
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"
