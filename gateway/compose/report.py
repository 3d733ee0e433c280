"""The report: tells the collation address of one contact, in words, as data, and with the original itself.

It is a new message of the agency's, never a redirect. The subject holds nothing but the reference; the recipients
are counted, not named. RFC 5436 §2.7.1 for its Auto-Submitted field; `report.schema.json` for its data.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, assert_never

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
from gateway.compose.mime import JSON, Part, json_part, multipart, octets_part, original_part, text_part
from gateway.compose.moments import rfc3339, timestamp
from gateway.compose.text import shown
from gateway.compose.values import AgencyVoice, Language, Mission
from gateway.model.case import Case, ContactKind, Delivery, DeliveryState
from gateway.model.outbox import Post, Purpose

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from gateway.model.contact import Contact

SCHEMA = "liaison-report/1"

_CHANNELS: Mapping[ContactKind, str] = MappingProxyType(
    {kind: str(kind) for kind in ContactKind} | {ContactKind.MAIL: "e-mail", ContactKind.FORWARD: "e-mail"}
)
_CONTACT = ("role", "approached", "asked", "answered", "note")
"""What is told of a contact by hand beside who it was, which stands where a mail's sender stands."""
_LONGEST = 4000
"""Characters of it in the summary and in report.json."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What became of the message, in numbers of recipients; of a pending delivery that is not known."""

    recipients: int
    held: int
    released: int
    delivered: int
    refused: int
    pending: int


def compose_report(
    *,
    case: Case,
    deliveries: tuple[Delivery, ...],
    mission: Mission,
    original: bytes | None,
    recipient: str,
    voice: AgencyVoice,
    now: datetime,
    message_id_token: str,
    loop_token: str,
    contact: Contact | None = None,
    eightbit: bool = False,
    needs_verified_tls: bool = True,
) -> Post:
    """The first report of one case; of a contact by hand with what was written down.

    `original` is the content as received, or None for a summary alone; `recipient` the collation address;
    `eightbit` tells whether the hop that takes the report offers 8BITMIME; `needs_verified_tls` travels in the post.
    """
    reference = token("the reference", case.reference)
    attached = () if original is None else (_original(original, reference, case.kind, eightbit=eightbit),)
    action = action_of(deliveries)
    values = _values(case, action, mission, voice, attached=bool(attached)) | _contact_values(case, contact)
    message_id = new_message_id(message_id_token, voice.hostname)
    languages = voice.report_languages
    header = header_section(
        Letterhead(
            sender_name=voice.names(languages),
            sender=voice.collation_from,
            recipient=recipient,
            subject=f"{templates.subject(Purpose.REPORT, languages, values, voice.texts)} [{reference}]",
            at=now,
            message_id=message_id,
            auto_submitted=f"auto-notified; owner-token={reference}",
            loop_token=loop_token,
            languages=languages,
        )
    )
    summary = text_part(voice.marked(templates.body(Purpose.REPORT, languages, values, voice.texts)))
    data = _document(case, action, mission, voice, now, attached) | _contact_document(contact)
    return Post(
        reverse_path=mailbox(voice.collation_from),
        recipient=mailbox(recipient),
        content=header + multipart((summary, _json(data), *attached)).octets(),
        message_id=message_id,
        needs_verified_tls=needs_verified_tls,
        smtputf8=is_internationalized(recipient, voice.collation_from),
    )


def _original(original: bytes, reference: str, kind: ContactKind, *, eightbit: bool) -> Part:
    if kind.is_mail:
        return original_part(original, filename=f"{reference}.eml", eightbit=eightbit)
    return octets_part(original, filename=f"{reference}.json", media_type=JSON)


def _contact_values(case: Case, contact: Contact | None) -> templates.Values:
    told = _contact_data(contact) if contact is not None else dict.fromkeys(_CONTACT, "")
    return {"channel": _CHANNELS[case.kind], **told}


def action_of(deliveries: tuple[Delivery, ...]) -> Action:
    """What became of the message, counted."""
    counted = Counter(_became(delivery.state) for delivery in deliveries)
    return Action(
        recipients=len(deliveries),
        held=counted["held"],
        released=counted["released"],
        delivered=counted["delivered"],
        refused=counted["refused"],
        pending=counted["pending"],
    )


def _became(state: DeliveryState) -> str:
    match state:
        case DeliveryState.HELD:
            return "held"
        case DeliveryState.RELEASED:
            return "released"
        case DeliveryState.PENDING:
            return "pending"
        case DeliveryState.RELAYED:
            return "delivered"
        case DeliveryState.REFUSED:
            return "refused"
        case unreachable:
            assert_never(unreachable)


def _values(case: Case, action: Action, mission: Mission, voice: AgencyVoice, *, attached: bool) -> templates.Values:
    return {
        **voice.variables(),
        "ref": case.reference,
        "received": timestamp(case.received_at),
        "mission_en": shown(mission.named(Language.EN)),
        "mission_fr": shown(mission.named(Language.FR)),
        "entry": shown(case.entry),
        "sender": shown(case.header_from),
        "envelope_sender": shown(case.reverse_path),
        "client_ip": shown(case.client_ip),
        "auth": case.authentication.overall,
        "spf": _result(case, "spf"),
        "dkim": _result(case, "dkim"),
        "dmarc": _result(case, "dmarc"),
        "decline": case.decline,
        "sha256": shown(case.sha256),
        "size": case.size,
        "attached": int(attached),
        **asdict(action),
    }


def _result(case: Case, method: str) -> str:
    return shown(case.authentication.texts[method])


def _document(
    case: Case,
    action: Action,
    mission: Mission,
    voice: AgencyVoice,
    now: datetime,
    attached: tuple[Part, ...],
) -> dict[str, object]:
    """The report as data; its shape is `report.schema.json`, which ships beside the templates."""
    return {
        "schema": SCHEMA,
        **voice.marking_data(),
        "type": "first",
        "reference": case.reference,
        "version": 1,
        "reported_at": rfc3339(now),
        "agency": voice.data(),
        "channel": _CHANNELS[case.kind],
        "received_at": rfc3339(case.received_at),
        "mission": {
            "name_en": shown(mission.named(Language.EN)),
            "name_fr": shown(mission.named(Language.FR)),
            "entry": shown(case.entry),
        },
        "tier": case.tier,
        "sender": {"as_shown": shown(case.header_from), "envelope": shown(case.reverse_path)},
        "verification": _verification(case),
        "findings": _findings(case),
        "list_version": case.rulebook_version,
        "client_ip": shown(case.client_ip),
        "action": asdict(action),
        "decline": case.decline,
        "original": {
            "sha256": case.sha256,
            "size": case.size,
            "attached_as": attached[0].media_type if attached else None,
        },
    }


def _verification(case: Case) -> dict[str, object]:
    return {
        "result": case.authentication.overall,
        "spf": _result(case, "spf"),
        "dkim": _result(case, "dkim"),
        "dmarc": _result(case, "dmarc"),
        "results": [
            {"method": method, "result": one.result, "domain": shown(one.domain), "reason": shown(one.reason)}
            for method, one in case.authentication.results
        ],
        "dns": [
            {
                "name": shown(answer.name),
                "type": answer.kind,
                "status": answer.status,
                "records": [shown(record) for record in answer.records],
            }
            for answer in case.authentication.answers
        ],
    }


def _findings(case: Case) -> list[dict[str, str]]:
    return [
        {
            "rule": one.rule,
            "identity": one.identity,
            "address": shown(one.address),
            "entry": shown(one.entry),
            "evidence": shown(one.evidence),
        }
        for one in case.findings
    ]


def _json(data: dict[str, object]) -> Part:
    return json_part(orjson.dumps(data, option=orjson.OPT_INDENT_2).decode() + "\n", "report.json")


def _contact_document(contact: Contact | None) -> dict[str, object]:
    return {} if contact is None else {"contact": _contact_data(contact)}


def _contact_data(contact: Contact) -> dict[str, str]:
    return {name: _told(getattr(contact, name)) for name in _CONTACT}


def _told(text: str) -> str:
    """What somebody wrote on several lines, on one; all of it is in the attached document."""
    return shown(" ".join(text.split()), limit=_LONGEST)
