"""What takes too long, counted. The one place that says which cases are overdue, for lists, digest and alerts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import String, and_, cast, exists, func, or_, select

from filters.rules import Rule
from gateway.model.case import ActionState, CaseStatus, DeliveryState
from gateway.model.lateness import MOST_REFERENCES, NOT_ACCEPTED, OWED, UNPROVEN_BY_FAULT, Late, Lateness
from gateway.model.outbox import Purpose
from gateway.store.schema import cases, deliveries, outbox_items

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from gateway.model.lateness import Patience
    from gateway.store.engine import Connection

UNSCREENED_WITHIN = timedelta(days=1)
"""A failure of screening is told for so long after the last message that it met."""
MOST_LOOKED_AT = 500
"""Cases of that time in which such a failure is looked for: their rows are wide."""

_SCREENING_FAILED = f'"{Rule.SCREENING_FAILED.value}"'
_UNPROVEN_BY_FAULT = f'"reason":"{UNPROVEN_BY_FAULT} ('
"""As the evidence of a case is written: what a sender's own DNS records say has no such quotes in it."""

_EVER = datetime.max.replace(tzinfo=UTC)

OPEN = cases.c.status == CaseStatus.OPEN
HELD = exists().where((deliveries.c.case_id == cases.c.id) & (deliveries.c.state == DeliveryState.HELD))
"""Of a row of `cases`: whether it is open; whether a copy of its mail is held."""
_ASKED_FOR = and_(outbox_items.c.purpose == Purpose.REPORT, outbox_items.c.state.in_(NOT_ACCEPTED))
_OWED = and_(OPEN, cases.c.report == ActionState.REVIEW, cases.c.tier.in_(OWED))
_ASKED_AT = (
    select(func.min(outbox_items.c.created_at))
    .where(_ASKED_FOR, outbox_items.c.case_id == cases.c.id)
    .correlate(cases)
    .scalar_subquery()
)


def overdue(before: datetime) -> ColumnElement[bool]:
    """Of a row of `cases`: its report was asked for before that moment, and the collation address does not have it.

    Or the case is that of a listed sender, came before that moment, and its report waits for a person.
    """
    asked_for = select(outbox_items.c.case_id).where(_ASKED_FOR, outbox_items.c.created_at <= before)
    return or_(cases.c.id.in_(asked_for), and_(_OWED, cases.c.received_at <= before))


class Latenesses:
    """What a unit of work sees of it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def lateness(self, now: datetime, patience: Patience) -> Lateness:
        """Everything that is late now."""
        return Lateness(
            reports=await self.reports(now - patience.report),
            held=await self._late(and_(OPEN, HELD, cases.c.received_at <= now - patience.held), cases.c.received_at),
            unscreened=await self._unscreened(now - UNSCREENED_WITHIN),
        )

    async def reports(self, before: datetime) -> Late:
        """The cases that are overdue, as of the moment before which their report should have been accepted."""
        return await self._late(overdue(before), func.coalesce(_ASKED_AT, cases.c.received_at))

    async def unaccepted_since(self) -> datetime | None:
        """Since when the oldest report waits that is not accepted, however short that is."""
        return (await self._late(overdue(_EVER), func.coalesce(_ASKED_AT, cases.c.received_at), references=0)).since

    async def _late(
        self, condition: ColumnElement[bool], since: ColumnElement[Any], *, references: int = MOST_REFERENCES
    ) -> Late:
        counted = select(func.count(), func.min(since)).select_from(cases).where(condition)
        number, oldest = (await self._connection.execute(counted)).one()
        if not number or not references:
            return Late(number=number, since=oldest)
        named = select(cases.c.reference).where(condition).order_by(cases.c.received_at, cases.c.id).limit(references)
        return Late(number=number, since=oldest, references=tuple((await self._connection.execute(named)).scalars()))

    async def _unscreened(self, since: datetime) -> Late:
        """Among the newest cases: a failure of the machinery is met by more than one message."""
        newest = (
            select(cases.c.reference, cases.c.received_at, cases.c.findings, cases.c.authentication)
            .where(cases.c.received_at >= since)
            .order_by(cases.c.received_at.desc())
            .limit(MOST_LOOKED_AT)
            .subquery()
        )
        failed = or_(
            cast(newest.c.findings, String).contains(_SCREENING_FAILED, autoescape=True),
            cast(newest.c.authentication, String).contains(_UNPROVEN_BY_FAULT, autoescape=True),
        )
        rows = select(newest.c.reference, newest.c.received_at).where(failed).order_by(newest.c.received_at)
        found = (await self._connection.execute(rows)).all()
        if not found:
            return Late()
        return Late(
            number=len(found),
            since=found[0].received_at,
            references=tuple(row.reference for row in found[:MOST_REFERENCES]),
        )
