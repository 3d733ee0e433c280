"""The acknowledgement: tells an officer under which reference a forwarded message is on record, or why it is not.

One answer to one mail of our own people (RFC 3834): auto-replied, with a null reverse-path, and nothing of the message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from filters.forwards import MOST_ATTACHED, Trouble
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
from gateway.model.outbox import Post, Purpose

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.compose.values import AgencyVoice
    from gateway.model.forward import Acknowledgement


def compose_acknowledgement(
    *,
    told: Acknowledgement,
    recipient: str,
    received: datetime,
    voice: AgencyVoice,
    now: datetime,
    loop_token: str,
) -> Post:
    """The answer to one mail that came to the intake mailbox at `received`; `recipient` is its reverse-path."""
    languages = voice.notice_languages
    references = [token("the reference", reference) for reference in told.references]
    values: templates.Values = {
        **voice.variables(),
        "received": timestamp(received),
        "refs": ", ".join(references),
        "most": MOST_ATTACHED,
        **{trouble.name.lower(): told.troubles.count(trouble) for trouble in Trouble},
    }
    message_id = new_message_id(told.item_id, voice.hostname)
    subject = templates.subject(Purpose.ACKNOWLEDGEMENT, languages, values, voice.texts)
    header = header_section(
        Letterhead(
            sender_name=voice.names(languages),
            sender=voice.contact_email,
            recipient=recipient,
            subject=f"{subject} [{references[0]}]" if len(references) == 1 else subject,
            at=now,
            message_id=message_id,
            auto_submitted="auto-replied",
            loop_token=loop_token,
            languages=languages,
            answers=strict_message_id(told.answers),
        )
    )
    return Post(
        reverse_path="",
        recipient=mailbox(recipient),
        content=header + text_part(templates.body(Purpose.ACKNOWLEDGEMENT, languages, values, voice.texts)).octets(),
        message_id=message_id,
        smtputf8=is_internationalized(recipient, voice.contact_email),
    )
