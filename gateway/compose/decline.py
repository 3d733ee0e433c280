"""The decline: the RFC 3834 response that says no for the agency and refers its reader to the RCMP or INTERPOL Ottawa.

It goes to the reverse-path only, quotes nothing, names no recipient and says nothing about reports or lists. Of the
original it holds the reverse-path and, if it is strictly one, the Message-ID. RFC 3834 §3, §4; RFC 5321 §4.5.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.compose import templates
from gateway.compose.headers import (
    Letterhead,
    header_section,
    is_internationalized,
    mailbox,
    new_message_id,
    strict_message_id,
    token,
)
from gateway.compose.mime import text_part
from gateway.compose.moments import timestamp
from gateway.compose.values import AgencyVoice, Language
from gateway.model.outbox import Post, Purpose

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.compose.templates import Values
    from gateway.model.case import Case

_FUNCTION = {Language.EN: "international requests", Language.FR: "demandes internationales"}
"""RFC 3834 §3.1.1: the display name says what responds, and for whom."""


def compose_decline(*, case: Case, voice: AgencyVoice, now: datetime, message_id_token: str, loop_token: str) -> Post:
    """The decline of one case. `ComposeError` if its reverse-path is not one mailbox (the null path is none)."""
    languages = voice.decline_languages
    recipient = mailbox(case.reverse_path)
    reference = token("the reference", case.reference)
    values = _values(case, voice)
    message_id = new_message_id(message_id_token, voice.hostname)
    header = header_section(
        Letterhead(
            sender_name=f"{voice.names(languages)} - {' / '.join(_FUNCTION[language] for language in languages)}",
            sender=voice.contact_email,
            recipient=recipient,
            subject=f"Auto: {templates.subject(Purpose.DECLINE, languages, values, voice.texts)} [{reference}]",
            at=now,
            message_id=message_id,
            auto_submitted="auto-replied",
            loop_token=loop_token,
            languages=languages,
            answers=strict_message_id(case.message_id),
        )
    )
    part = text_part(templates.body(Purpose.DECLINE, languages, values, voice.texts))
    return Post(
        reverse_path="",
        recipient=recipient,
        content=header + part.octets(),
        message_id=message_id,
        smtputf8=is_internationalized(recipient, voice.contact_email),
    )


def _values(case: Case, voice: AgencyVoice) -> Values:
    return {
        **voice.variables(),
        "ref": case.reference,
        "received": timestamp(case.received_at),
        "consular_email": voice.consular_email or voice.contact_email,
        "consular_phone": voice.consular_phone,
        "ildc_name_en": voice.ildc_name_en,
        "ildc_name_fr": voice.ildc_name_fr,
        "ildc_email": voice.ildc_address,
        "interpol_email": voice.interpol_address,
    }
