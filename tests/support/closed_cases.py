"""Closed cases with everything that hangs on a case, for tests of records duties."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from gateway.model.case import CaseStatus, ContactKind, Disposal, Note
from gateway.model.hold import Hold
from gateway.model.outbox import OutboxState, Purpose
from gateway.model.retention import RetentionClass, Schedule
from gateway.operations.purging import Purging
from tests.support.clocks import NOON
from tests.support.records import a_case, a_delivery, a_post, an_item, freeze, record

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.model.case import Case
    from gateway.store.unit_of_work import Store, Work

SECRET_WORD = "Zwetschgenkuchen"
"""Stands in the message, its addresses and its subject, and must be nowhere afterwards."""
LETTER = (
    f"From: {SECRET_WORD} <{SECRET_WORD.lower()}@mission.example>\r\nSubject: {SECRET_WORD}\r\n\r\n".encode()
    + f"{SECRET_WORD} for everybody.\r\n".encode()
    + b"0123456789abcdef" * 3000
)
SCHEDULE = Schedule(
    MappingProxyType(
        {
            RetentionClass.REPORTED: 3650,
            RetentionClass.HANDLED: 730,
            RetentionClass.DISMISSED: 365,
            RetentionClass.CONTACT: 0,
        }
    )
)


def purging(store: Store, clock: Clock, *, automatic: bool = False) -> Purging:
    return Purging(
        store=store,
        clock=clock,
        schedule=SCHEDULE,
        agency="the Example Police Service",
        authority="By-law 2026-1",
        automatic=automatic,
    )


async def a_closed_case(
    work: Work,
    *,
    days_ago: float,
    number: int | None = None,
    disposal: Disposal = Disposal.HANDLED,
    kind: ContactKind = ContactKind.MAIL,
    reported: bool = False,
    raw: bytes = LETTER,
) -> Case:
    """Closed so many days before noon, with a row in every table that knows of cases."""
    sender = f"{SECRET_WORD.lower()}@mission.example"
    wanted = replace(
        a_case(raw, number=number),
        header_from=f"{SECRET_WORD} <{sender}>",
        reverse_path=sender,
        subject=SECRET_WORD,
        kind=kind,
    )
    case = await record(work, wanted, raw, a_delivery(f"{SECRET_WORD.lower()}@police.example"))
    closed_at = NOON - timedelta(days=days_ago)
    if reported:
        await _report(work, case)
    await work.notes.add(case.stored_id, Note(at=NOON, actor="console:ann", text=f"about {SECRET_WORD}"))
    await work.statistics.decided(case, NOON)
    await work.cases.close(case.stored_id, disposal, closed_at)
    await work.audit.append("console:ann", f"case-{disposal}", case.reference, {})
    return replace(case, status=CaseStatus.CLOSED, disposal=disposal, closed_at=closed_at)


async def _report(work: Work, case: Case) -> None:
    """A report that left, with its bytes."""
    item = an_item(case, Purpose.REPORT)
    await work.outbox.add([item])
    await work.outbox.claim("w1", "n1", NOON, NOON + timedelta(seconds=60), 10)
    await freeze(work, item.id, a_post(item, b"Subject: report\r\n\r\n" + LETTER))
    await work.outbox.mark_sending(item.id, "w1", NOON)
    await work.outbox.settle(item.id, state=OutboxState.SENT, reply="250 ok")


async def hold(work: Work, case: Case, reason: str = "a lawsuit") -> None:
    placed = Hold(number=1, reason=reason, ordered_by="", placed_at=NOON, placed_by="cli:ann")
    await work.holds.place(case.stored_id, placed)
