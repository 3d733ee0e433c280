"""A database with as many cases as an agency has after years, written as fast as the database takes them.

What intake writes for each: case, message, deliveries, text for the search, one audit row. Names and words are
drawn from short lists by a seed, so that the same number makes the same cases.
"""

from __future__ import annotations

import hashlib
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, text, update

from filters.authentication import Authentication, DnsAnswer, DnsStatus, MethodResult, Result
from filters.disposition import Mode, Tier
from gateway import tokens
from gateway.model.audit import GENESIS, chain_hash
from gateway.model.case import ActionState, CaseStatus, DeliveryState, Disposal, StoredFinding
from gateway.store.engine import open_engine
from gateway.store.schema import audit_entries, audit_head, case_search, cases, deliveries, messages
from gateway.store.sealing import Seal, columns_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Table

Row = dict[str, Any]

NEWEST = datetime(2026, 9, 1, tzinfo=UTC)
_SLICE = 2000
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
    previous = GENESIS
    for first in range(1, number + 1, _SLICE):
        rows: dict[Table, list[Row]] = {
            table: [] for table in (cases, messages, deliveries, case_search, audit_entries)
        }
        for place in range(first, min(first + _SLICE, number + 1)):
            for table, row in _rows(chance, place, number, previous, is_open=chance.random() < open_share):
                rows[table].append(row)
            previous = rows[audit_entries][-1]["hash"]
        for table, written in rows.items():
            connection.execute(insert(table), written)
    connection.execute(update(audit_head).values(seq=number, hash=previous))


def _rows(
    chance: random.Random, place: int, number: int, previous: str, *, is_open: bool
) -> Iterator[tuple[Table, Row]]:
    case = _case(chance, place, number, is_open=is_open)
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
    yield audit_entries, _audit(place, case, previous)


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


def _audit(place: int, case: Row, previous: str) -> Row:
    said: Row = {
        "seq": place,
        "at": case["received_at"],
        "actor": "gateway",
        "action": "case-recorded",
        "subject": case["reference"],
        "detail": {"tier": str(case["tier"])},
        "previous": previous,
    }
    return said | {"hash": chain_hash(**said)}


def _drawn(chance: random.Random, weighted: tuple[tuple[Any, int], ...]) -> Any:
    words, weights = zip(*weighted, strict=True)
    return chance.choices(words, weights)[0]
