"""A database with as many cases as an agency has after years, written as fast as the database takes them.

What intake writes for each: case, message, deliveries, text for the search, outbox items, audit rows; and what people
did about it. Names and words are drawn from short lists by a seed, so that the same number makes the same cases.
"""

from __future__ import annotations

import hashlib
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, text, update

from filters.authentication import Authentication, DnsAnswer, DnsStatus, MethodResult, Result
from filters.disposition import Mode, Tier
from gateway import tokens
from gateway.model.audit import BEGINNING, ChainHead, chain_hash
from gateway.model.case import ActionState, CaseStatus, DeliveryState, Disposal, StoredFinding
from gateway.model.outbox import OutboxState, Purpose
from gateway.store.engine import open_engine
from gateway.store.schema import (
    audit_entries,
    audit_head,
    case_search,
    cases,
    deliveries,
    first_decisions,
    messages,
    outbox_items,
)
from gateway.store.sealing import Seal, columns_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Table

Row = dict[str, Any]

NEWEST = datetime(2026, 9, 1, tzinfo=UTC)
_SLICE = 2000
_TABLES = (cases, messages, deliveries, case_search, outbox_items, first_decisions, audit_entries)
_MISSIONS = tuple((f"mission{number}.example", f"Mission {number}", f"Mission n° {number}") for number in range(60))
_WORDS = ("meeting", "request", "information", "réunion", "visit", "delegation", "assistance", "file", "invitation")
_PEOPLE = ("alice", "benoit", "chantal", "")
_STATES = ((Tier.CONFIRMED, 40), (Tier.UNVERIFIED, 30), (Tier.RELATED, 10), (Tier.SUSPECT, 10), (Tier.EMERGENCY, 10))
_DECLINES = ((ActionState.SENT, 60), (ActionState.REVIEW, 30), (ActionState.NONE, 8), (ActionState.UNCERTAIN, 2))
_REPORTS = ((ActionState.SENT, 85), (ActionState.REVIEW, 14), (ActionState.FAILED, 1))
_BODY = b"We would like to meet. " * 40
_RESULT = MethodResult(result=Result.PASS, domain="mission.example", reason="192.0.2.1 matches 'ip4:192.0.2.0/24'.")
_AUTHENTICATION = Authentication(
    spf=_RESULT,
    dkim=(_RESULT,),
    dmarc=_RESULT,
    answers=tuple(
        DnsAnswer(name=f"{name}mission.example", kind="TXT", status=DnsStatus.FOUND, records=("v=spf1 " + "x" * 300,))
        for name in ("", "_dmarc.", "s1._domainkey.")
    ),
)


async def write_cases(url: str, number: int, *, open_share: float = 0.5) -> None:
    """Write them into a migrated and empty database. `open_share` of them are open; half of these are held."""
    engines = open_engine(url)
    async with engines.migrator.begin() as connection:
        await connection.run_sync(_write, number, open_share)
    if engines.file is None:
        async with engines.migrator.connect() as raw:  # type: ignore[union-attr]
            vacuum = await raw.execution_options(isolation_level="AUTOCOMMIT")
            await vacuum.execute(text("VACUUM ANALYZE"))  # as autovacuum does it, by and by
    await engines.close()


def _write(connection: Connection, number: int, open_share: float) -> None:
    chance = random.Random(number)  # noqa: S311 -- the same cases each time
    head = BEGINNING
    for first in range(1, number + 1, _SLICE):
        rows: dict[Table, list[Row]] = {table: [] for table in _TABLES}
        for place in range(first, min(first + _SLICE, number + 1)):
            case = _case(chance, place, number, is_open=chance.random() < open_share)
            for table, row in _rows(chance, place, case):
                rows[table].append(row)
            for row in _audit(chance, case, head):
                rows[audit_entries].append(row)
                head = ChainHead(row["seq"], row["hash"])
        for table, written in rows.items():
            if written:
                connection.execute(insert(table), written)
    connection.execute(update(audit_head).values(seq=head.seq, hash=head.hash))
    if connection.dialect.name == "postgresql":  # whose next number does not follow from the highest one
        for table in (cases, deliveries):
            sequence = func.pg_get_serial_sequence(table.name, "id")
            connection.execute(select(func.setval(sequence, select(func.max(table.c.id)).scalar_subquery())))


def _rows(chance: random.Random, place: int, case: Row) -> Iterator[tuple[Table, Row]]:
    is_open = case["status"] is CaseStatus.OPEN
    sealed = Seal().seal(_content(case), case["reference"])
    case |= {"sha256": sealed.sha256, "size": sealed.size}
    recipients = [
        f"officer{chance.randrange(500)}-{copy}@police.example" for copy in range(chance.choice((1, 1, 1, 2, 5)))
    ]
    held = is_open and chance.random() < 0.5
    yield cases, case
    yield messages, {"case_id": place, **columns_of(sealed)}
    for recipient in recipients:
        yield deliveries, _delivery(place, recipient, case["tier"], held=held)
    searched = (case["reference"], case["reverse_path"], case["header_from"], case["subject"], *recipients)
    yield case_search, {"case_id": place, "text": "".join(f"{one.casefold()}\n" for one in searched)}
    for purpose in (Purpose.REPORT, Purpose.NOTICE):
        yield outbox_items, _item(place, case, purpose)
    if not is_open:
        yield (
            first_decisions,
            {"case_id": place, "received_at": case["received_at"], "seconds": chance.randrange(10_800)},
        )


def _item(place: int, case: Row, purpose: Purpose) -> Row:
    at = case["received_at"]
    return {
        "id": f"{purpose}-{place}",
        "case_id": place,
        "purpose": purpose,
        "recipient": "collation@ildc.example",
        "state": OutboxState.SENT,
        "created_at": at,
        "due_at": at,
        "attempts": 1,
        "last_reply": "250 2.0.0 taken",
        "requested_by": "gateway",
        "summary": False,
    }


def _case(chance: random.Random, place: int, number: int, *, is_open: bool) -> Row:
    entry, mission_en, mission_fr = chance.choice(_MISSIONS)
    received_at = NEWEST - timedelta(minutes=5 * (number - place) + chance.randrange(600))
    sender = f"office{chance.randrange(40)}@{entry}"
    finding = StoredFinding(rule="listed-identity", evidence=f"{sender} is listed.", identity="RFC5321.MailFrom",
                            address=sender, entry=f"subtree {entry}")  # fmt: skip
    return {
        "id": place,
        "reference": tokens.case_reference(b"bench", str(place)),
        "intake_key": hashlib.sha256(str(place).encode()).hexdigest(),
        "tier": _drawn(chance, _STATES),
        "status": CaseStatus.OPEN if is_open else CaseStatus.CLOSED,
        "received_at": received_at,
        "reverse_path": sender,
        "header_from": f"Consular Section <{sender}>",
        "subject": " ".join(chance.choices(_WORDS, k=5)),
        "message_id": f"<{place}@{entry}>",
        "entry": entry,
        "entries": (f"subtree {entry}",),
        "mission_en": mission_en,
        "mission_fr": mission_fr,
        "decline": _drawn(chance, _DECLINES),
        "report": _drawn(chance, _REPORTS),
        "mode": Mode.AUTO,
        "rulebook_version": 3,
        "client_ip": "192.0.2.1",
        "helo": f"mail.{entry}",
        "protocol": "ESMTPS",
        "tls": "TLSv1.3",
        "smtputf8": False,
        "body": "8BITMIME",
        "findings": (finding, finding),
        "ambiguous": (),
        "decline_reasons": ("The address had an answer within the last 7 days.",),
        "report_reasons": (),
        "authentication": _AUTHENTICATION,
        "silenced": False,
        "disposal": None if is_open else Disposal.HANDLED,
        "closed_at": None if is_open else received_at + timedelta(hours=3),
        "assigned_to": chance.choice(_PEOPLE),
    }


def _content(case: Row) -> bytes:
    fields = f"From: {case['header_from']}\r\nSubject: {case['subject']}\r\nMessage-ID: {case['message_id']}\r\n\r\n"
    return fields.encode() + _BODY


def _delivery(place: int, recipient: str, tier: Tier, *, held: bool) -> Row:
    state = DeliveryState.HELD if held else DeliveryState.RELAYED
    return {"case_id": place, "recipient": recipient, "key": recipient, "tier": tier, "state": state, "reply": ""}


def _audit(chance: random.Random, case: Row, head: ChainHead) -> Iterator[Row]:
    """What the gateway did with it, and people too if it is closed."""
    person = f"console:{chance.choice(_PEOPLE) or 'dominique'}"
    done = [("gateway", "case-recorded"), ("gateway", "report-sent")]
    if case["status"] is CaseStatus.CLOSED:
        done += [(person, action) for action in ("content-viewed", "content-viewed", "decline-requested")]
        done += [("gateway", "decline-sent"), (person, "case-handled")]
    for actor, action in done:
        said: Row = {
            "seq": head.seq + 1,
            "at": case["received_at"],
            "actor": actor,
            "action": action,
            "subject": case["reference"],
            "detail": {"tier": str(case["tier"])},
            "previous": head.hash,
        }
        head = ChainHead(said["seq"], chain_hash(**said))
        yield said | {"hash": head.hash}


def _drawn(chance: random.Random, weighted: tuple[tuple[Any, int], ...]) -> Any:
    words, weights = zip(*weighted, strict=True)
    return chance.choices(words, weights)[0]
