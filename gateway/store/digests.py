"""The digests table, which gives each day one digest whatever the number of nodes; and the numbers that it tells."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from gateway.model.case import ActionState, AnswerState, ContactKind
from gateway.model.case_list import CaseFilter
from gateway.model.digest import MOST_REFERENCES, Digest
from gateway.model.list_table import ends_soon
from gateway.model.outbox import OutboxState, Purpose
from gateway.store.case_filter import matching
from gateway.store.engine import insert_new
from gateway.store.lateness import HELD, OPEN, overdue
from gateway.store.limits import Limits
from gateway.store.list_records import ListRecords
from gateway.store.schema import cases, digests, outbox_items
from gateway.store.senders import Senders

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import ColumnElement

    from gateway.model.lateness import Patience
    from gateway.store.engine import Connection


class Digests:
    """What a unit of work sees of them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def take_day(self, day: date) -> bool:
        """Whether nobody has written, or decided not to write, the digest of this day yet."""
        once = insert_new(digests).values(day=day).on_conflict_do_nothing()
        return (await self._connection.execute(once.returning(digests.c.day))).one_or_none() is not None

    async def digest(self, now: datetime, patience: Patience) -> Digest:
        """What waits now."""
        held = select(func.count(), func.min(cases.c.received_at)).select_from(cases).where(OPEN & HELD)
        held_count, oldest = (await self._connection.execute(held)).one()
        named = select(cases.c.reference).where(OPEN).order_by(cases.c.received_at, cases.c.id).limit(MOST_REFERENCES)
        limits, since = Limits(self._connection), (now - timedelta(days=1)).date()
        return Digest(
            held=held_count,
            oldest=oldest,
            reports=await self._cases(cases.c.report == ActionState.REVIEW),
            declines=await self._cases(cases.c.decline == ActionState.REVIEW),
            failed=await self._items(OutboxState.FAILED),
            uncertain=await self._items(OutboxState.UNCERTAIN),
            reports_past=await limits.refused(Purpose.REPORT, since),
            declines_past=await limits.refused(Purpose.DECLINE, since),
            overdue=await self._cases(overdue(now - patience.report), closed_too=True),
            forwards=await self._cases((cases.c.kind == ContactKind.FORWARD) & (cases.c.report == ActionState.REVIEW)),
            answers=await self._cases(cases.c.answer == AnswerState.RECEIVED, closed_too=True),
            unanswered=await self._cases(matching(CaseFilter(answer=AnswerState.NONE)), closed_too=True),
            ending=await self._ending(now),
            due=len(await ListRecords(self._connection).due(now.date())),
            references=tuple((await self._connection.execute(named)).scalars()),
            open_cases=await self._cases(OPEN),
        )

    async def _ending(self, now: datetime) -> int:
        exemptions = await Senders(self._connection).exemptions(now)
        return sum(ends_soon(one, now) for one in exemptions)

    async def _cases(self, wanted: ColumnElement[bool], *, closed_too: bool = False) -> int:
        """Of the open ones, or of all."""
        counted = select(func.count()).select_from(cases).where(wanted if closed_too else OPEN & wanted)
        return int((await self._connection.execute(counted)).scalar_one())

    async def _items(self, state: OutboxState) -> int:
        counted = select(func.count()).select_from(outbox_items).where(outbox_items.c.state == state)
        return int((await self._connection.execute(counted)).scalar_one())
