"""The numbers that monitoring is told: outbox items by purpose and state, and the open cases that wait for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import exists, func, select

from gateway.model.backlog import Backlog, Undecided
from gateway.model.case import ActionState
from gateway.model.outbox import OutboxState
from gateway.store.lateness import HELD, OPEN, Latenesses
from gateway.store.schema import cases, outbox_items, stored_values
from gateway.store.values import OUTBOX_PAUSED

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.model.outbox import Purpose
    from gateway.store.engine import Connection

_PAUSED = exists().where(stored_values.c.key == OUTBOX_PAUSED)


class Backlogs:
    """What a unit of work sees of it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def backlog(self) -> Backlog:
        """The numbers now: a few questions, each of which goes through one table."""
        by_state = await self.by_state()
        open_cases, decline, report = (await self._connection.execute(_OF_CASES)).one()
        delivery, held_since, paused = (await self._connection.execute(_OF_OTHERS)).one()
        return Backlog(
            items={which: number for which, (number, _) in by_state.items()},
            oldest={which: since for which, (_, since) in by_state.items()},
            paused=bool(paused),
            open_cases=open_cases,
            undecided=Undecided(delivery=delivery, decline=decline, report=report),
            unaccepted_since=await Latenesses(self._connection).unaccepted_since(),
            held_since=held_since,
        )

    async def by_state(self) -> dict[tuple[Purpose, OutboxState], tuple[int, datetime]]:
        """How many outbox items there are of each purpose and state, and when the oldest of those was made."""
        rows = await self._connection.execute(_BY_STATE)
        return {(purpose, state): (number, since) for purpose, state, number, since in rows}

    async def failed(self) -> dict[Purpose, int]:
        """How many items of each purpose have failed: there are few, whatever else is on record."""
        rows = await self._connection.execute(_FAILED)
        return {purpose: number for purpose, number in rows}  # noqa: C416 -- rows are no pairs to mypy


_BY_STATE = select(
    outbox_items.c.purpose, outbox_items.c.state, func.count(), func.min(outbox_items.c.created_at)
).group_by(outbox_items.c.purpose, outbox_items.c.state)
_FAILED = (
    select(outbox_items.c.purpose, func.count())
    .where(outbox_items.c.state == OutboxState.FAILED)
    .group_by(outbox_items.c.purpose)
)
_OF_CASES = (
    select(
        func.count(),
        func.count().filter(cases.c.decline == ActionState.REVIEW),
        func.count().filter(cases.c.report == ActionState.REVIEW),
    )
    .select_from(cases)
    .where(OPEN)
)
_OF_OTHERS = (
    select(func.count(), func.min(cases.c.received_at), select(_PAUSED).scalar_subquery())
    .select_from(cases)
    .where(OPEN & HELD)
)
