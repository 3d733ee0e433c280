"""The notice: tells a recipient that mail was held for review, and what to do.

It shows nothing of the original: no subject, no text, no address; the mission's name comes from the list entry.
RFC 5436 §2.7.1 for its Auto-Submitted field; the null reverse-path keeps it from being answered.
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
    token,
)
from gateway.compose.mime import text_part
from gateway.compose.moments import timestamp
from gateway.compose.text import shown
from gateway.compose.values import AgencyVoice, Language, Mission
from gateway.model.outbox import Post, Purpose

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.model.case import Case


def compose_notice(
    *,
    case: Case,
    mission: Mission,
    recipient: str,
    voice: AgencyVoice,
    now: datetime,
    message_id_token: str,
    loop_token: str,
) -> Post:
    """The notice of one case to one recipient of held mail, an address or the bare `postmaster`."""
    languages = voice.notice_languages
    reference = token("the reference", case.reference)
    values: templates.Values = {
        **voice.variables(),
        "ref": reference,
        "received": timestamp(case.received_at),
        "mission_en": shown(mission.named(Language.EN)),
        "mission_fr": shown(mission.named(Language.FR)),
    }
    addressee = _addressee(recipient, voice)
    message_id = new_message_id(message_id_token, voice.hostname)
    header = header_section(
        Letterhead(
            sender_name=voice.names(languages),
            sender=voice.contact_email,
            recipient=addressee,
            subject=f"{templates.subject(Purpose.NOTICE, languages, values, voice.texts)} [{reference}]",
            at=now,
            message_id=message_id,
            auto_submitted=f"auto-notified; owner-token={reference}",
            loop_token=loop_token,
            languages=languages,
        )
    )
    part = text_part(templates.body(Purpose.NOTICE, languages, values, voice.texts))
    return Post(
        reverse_path="",
        recipient=recipient,
        content=header + part.octets(),
        message_id=message_id,
        smtputf8=is_internationalized(addressee, voice.contact_email),
    )


def _addressee(recipient: str, voice: AgencyVoice) -> str:
    """A To field needs a domain, which the bare `postmaster` of RFC 5321 §4.1.1.3 lacks."""
    if recipient.lower() == "postmaster":
        return mailbox(f"{recipient}@{voice.hostname}")
    return mailbox(recipient)
