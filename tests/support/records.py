"""Recorded cases for tests: a complete case, as intake would write it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING

from filters.authentication import Authentication, DnsAnswer, DnsStatus, MethodResult, Result
from filters.disposition import Mode, Tier
from gateway.model.case import ActionState, Case, CaseStatus, Delivery, DeliveryState, StoredFinding
from gateway.model.outbox import OutboxItem, Post, Purpose, new_item
from tests.support.clocks import NOON

if TYPE_CHECKING:
    from gateway.model.case import CaseId
    from gateway.store.unit_of_work import Work

RAW = b"From: consul <office@mission.example>\r\nSubject: meeting\r\n\r\nWe would like to meet.\r\n"

_numbers = count(1)


def a_case(raw: bytes = RAW, *, number: int | None = None) -> Case:
    """A case that is not stored yet; the number makes its reference and its intake key."""
    number = next(_numbers) if number is None else number
    return Case(
        reference=f"LG-TEST-{number:04}",
        intake_key=f"key-{number}",
        tier=Tier.CONFIRMED,
        status=CaseStatus.OPEN,
        received_at=NOON + timedelta(seconds=number),
        reverse_path="office@mission.example",
        header_from="consul <office@mission.example>",
        subject="meeting",
        message_id="<1@mission.example>",
        sha256=hashlib.sha256(raw).hexdigest(),
        size=len(raw),
        entry="mission.example",
        entries=("subtree mission.example",),
        mission_en="Embassy of Example",
        mission_fr="Ambassade d'Exemple",
        decline=ActionState.REVIEW,
        report=ActionState.NONE,
        mode=Mode.AUTO,
        rulebook_version=3,
        client_ip="192.0.2.1",
        helo="mail.mission.example",
        protocol="ESMTPS",
        tls="TLSv1.3",
        smtputf8=False,
        body="8BITMIME",
        findings=(StoredFinding(rule="listed-identity", evidence="The sender is listed.", entry="mission.example"),),
        ambiguous=("Two From fields.",),
        authentication=Authentication(
            spf=MethodResult(result=Result.PASS, domain="mission.example", reason="192.0.2.1 matches 'mx'."),
            answers=(
                DnsAnswer(
                    name="mission.example", kind="TXT", status=DnsStatus.FOUND, records=("v=spf1 mx -all", "x\0\xff")
                ),
            ),
        ),
    )


def a_delivery(recipient: str = "inspector@police.example", state: DeliveryState = DeliveryState.HELD) -> Delivery:
    return Delivery(recipient=recipient, key=recipient.casefold(), tier=Tier.CONFIRMED, state=state)


def an_item(
    case: Case | None, purpose: Purpose = Purpose.REPORT, *, to: str = "collation@ildc.example", due_in: float = 0
) -> OutboxItem:
    """An item that waits, due so many seconds after noon."""
    return new_item(
        f"item-{next(_numbers):06}",
        purpose,
        to,
        case,
        now=NOON,
        requested_by="",
        due_at=NOON + timedelta(seconds=due_in),
    )


def a_post(item: OutboxItem, content: bytes = b"Subject: report\r\n\r\nhere it is\r\n") -> Post:
    return Post(
        reverse_path="liaison@police.example",
        recipient=item.to,
        content=content,
        message_id=f"<{item.id}@police.example>",
        needs_verified_tls=True,
    )


async def freeze(work: Work, item_id: str, post: Post) -> bool:
    """As the outbox freezes it, sealed with the keys of the unit of work."""
    return await work.outbox.freeze(item_id, post, work.outbox._seal.seal(post.content, item_id))


async def record(work: Work, case: Case | None = None, raw: bytes = RAW, *deliveries: Delivery) -> Case:
    """What intake writes for one flagged message: case, message, deliveries, audit row."""
    stored, _ = await work.cases.insert_or_find(case or a_case(raw))
    await work.messages.put(stored, raw)
    await work.deliveries.add_missing(stored_id(stored), deliveries or [a_delivery()])
    await work.audit.append("gateway", "case.recorded", stored.reference, {"sha256": stored.sha256})
    return stored


def stored_id(case: Case) -> CaseId:
    assert case.id is not None
    return case.id


async def record_item(work: Work, purpose: Purpose = Purpose.REPORT, *, due_in: float = 0) -> OutboxItem:
    """A case of its own with one item that waits."""
    item = an_item(await record(work), purpose, due_in=due_in)
    await work.outbox.add([item])
    return replace(item)
