"""Later reports under a reference: an amendment adds to the report that left, a retraction takes it back.

Both answer the mail with the first report, so that all are found together, and say which mail they supersede. A
retraction repeats nothing that the report said of its sender, who may be nobody's agent. RFC 5436 §2.7.1 for the
Auto-Submitted field; `later-report.schema.json` for the data.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
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
from gateway.compose.moments import rfc3339, timestamp
from gateway.compose.report import SCHEMA, action_of
from gateway.compose.text import shown
from gateway.model.amendment import LONGEST
from gateway.model.outbox import Post, Purpose

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.compose.values import AgencyVoice
    from gateway.model.amendment import Amendment
    from gateway.model.case import Case, Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """What was said under the reference before. Message-IDs with their angle brackets, "" where one is not known."""

    first: str
    """Of the mail with the first report."""
    latest: str
    """Of the last mail before this one."""
    version: int
    """Of this mail: the first report is 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What all mails of ours need: to whom, in whose name, when, and which tokens they carry."""

    recipient: str
    voice: AgencyVoice
    now: datetime
    message_id_token: str
    loop_token: str
    needs_verified_tls: bool = True


def compose_retraction(case: Case, thread: Thread, occasion: Occasion) -> Post:
    """The retraction of one case's report."""
    return _later(Purpose.RETRACTION, case, thread, occasion, {"type": "withdrawal"}, {})


def compose_amendment(
    case: Case, amendment: Amendment, deliveries: tuple[Delivery, ...], thread: Thread, occasion: Occasion
) -> Post:
    """What a person adds to one case's report, with the recipients as they are counted now."""
    action = action_of(deliveries)
    text = shown(" ".join(amendment.text.split()), limit=LONGEST)
    added: dict[str, object] = {"text": text, "tier": amendment.tier, "action": asdict(action)}
    said: templates.Values = {"text": text, "tier": amendment.tier or "", "version": thread.version, **asdict(action)}
    return _later(Purpose.AMENDMENT, case, thread, occasion, {"type": "amendment", "amendment": added}, said)


def _later(
    purpose: Purpose,
    case: Case,
    thread: Thread,
    occasion: Occasion,
    data: dict[str, object],
    said: templates.Values,
) -> Post:
    voice, languages = occasion.voice, occasion.voice.report_languages
    reference = token("the reference", case.reference)
    values: templates.Values = {
        **voice.variables(),
        "ref": case.reference,
        "received": timestamp(case.received_at),
        **said,
    }
    message_id = new_message_id(occasion.message_id_token, voice.hostname)
    header = header_section(
        Letterhead(
            sender_name=voice.names(languages),
            sender=voice.collation_from,
            recipient=occasion.recipient,
            subject=f"{templates.subject(purpose, languages, values, voice.texts)} [{reference}]",
            at=occasion.now,
            message_id=message_id,
            auto_submitted=f"auto-notified; owner-token={reference}",
            loop_token=occasion.loop_token,
            languages=languages,
            answers=thread.first,
        )
    )
    text = text_part(voice.marked(templates.body(purpose, languages, values, voice.texts)))
    document = json_part(_document(case, thread, voice, occasion.now, data), "report.json")
    return Post(
        reverse_path=mailbox(voice.collation_from),
        recipient=mailbox(occasion.recipient),
        content=header + multipart((text, document)).octets(),
        message_id=message_id,
        needs_verified_tls=occasion.needs_verified_tls,
        smtputf8=is_internationalized(occasion.recipient, voice.collation_from),
    )


def _document(case: Case, thread: Thread, voice: AgencyVoice, now: datetime, data: dict[str, object]) -> str:
    document = {
        "schema": SCHEMA,
        **voice.marking_data(),
        "reference": case.reference,
        "version": thread.version,
        "first": thread.first,
        "supersedes": thread.latest,
        "reported_at": rfc3339(now),
        "agency": voice.data(),
        **data,
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"
