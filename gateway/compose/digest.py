"""The digest: once a day, what waits for a decision. Numbers and references; nothing of any message.

A new mail of the agency's to its own records mailbox. RFC 3834 §5 for its Auto-Submitted field.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.compose import templates
from gateway.compose.headers import Letterhead, header_section, is_internationalized, mailbox, new_message_id
from gateway.compose.mime import text_part
from gateway.compose.moments import timestamp
from gateway.model.outbox import Post, Purpose

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.compose.values import AgencyVoice
    from gateway.model.digest import Digest


def compose_digest(
    *,
    digest: Digest,
    recipient: str,
    voice: AgencyVoice,
    now: datetime,
    message_id_token: str,
    loop_token: str,
    console: str = "",
) -> Post:
    """The digest of this moment, in the languages of notices. `console` is the address of the pages, "" without any."""
    languages = voice.notice_languages
    values = _values(digest, voice, now, console)
    message_id = new_message_id(message_id_token, voice.hostname)
    header = header_section(
        Letterhead(
            sender_name=voice.names(languages),
            sender=voice.contact_email,
            recipient=recipient,
            subject=templates.subject(Purpose.DIGEST, languages, values, voice.texts),
            at=now,
            message_id=message_id,
            auto_submitted="auto-generated",
            loop_token=loop_token,
            languages=languages,
        )
    )
    return Post(
        reverse_path=mailbox(voice.contact_email),
        recipient=mailbox(recipient),
        content=header + text_part(templates.body(Purpose.DIGEST, languages, values, voice.texts)).octets(),
        message_id=message_id,
        smtputf8=is_internationalized(recipient, voice.contact_email),
    )


def _values(digest: Digest, voice: AgencyVoice, now: datetime, console: str) -> templates.Values:
    return {
        **voice.variables(),
        "now": timestamp(now),
        "held": digest.held,
        "oldest": timestamp(digest.oldest) if digest.oldest else "",
        "oldest_days": (now - digest.oldest).days if digest.oldest else 0,
        "reports": digest.reports,
        "declines": digest.declines,
        "failed": digest.failed,
        "uncertain": digest.uncertain,
        "overdue": digest.overdue,
        "forwards": digest.forwards,
        "answers": digest.answers,
        "unanswered": digest.unanswered,
        "ending": digest.ending,
        "due": digest.due,
        "console": console,
        "reports_past": digest.reports_past,
        "declines_past": digest.declines_past,
        "references": ", ".join(digest.references),
        "more": digest.open_cases - len(digest.references),
    }
