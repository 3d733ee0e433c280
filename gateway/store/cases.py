"""Cases, one row each. What hangs on them is read by `gateway.store.case_files`.

Never decides what a case is; finds it again by its intake key (decision 3).
"""

from __future__ import annotations

import hashlib
from dataclasses import fields
from typing import TYPE_CHECKING, Literal

from sqlalchemy import bindparam, insert, select, text, update

from gateway.errors import StoreError
from gateway.model.case import Case, CaseStatus
from gateway.model.outbox import Purpose
from gateway.store.case_search import keep_case
from gateway.store.embedded import FEW, brief
from gateway.store.engine import insert_new
from gateway.store.schema import case_entries, cases

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Executable, RowMapping

    from filters.lists import ListEntry
    from gateway.model.case import ActionState, CaseId, Disposal
    from gateway.store.engine import Connection

CaseAction = Literal[Purpose.DECLINE, Purpose.REPORT]
"""The purposes that a case has a state for."""

_FIELDS = tuple(field.name for field in fields(Case))
_THIS = cases.c.id == bindparam("this")

# Whichever constraint is met first: the reference is drawn from the intake key, and two nodes may write both at once.
_INSERT = brief(insert_new(cases).on_conflict_do_nothing().returning(*cases.c))
_BY_ID = brief(select(cases).where(_THIS))
_BY_REFERENCE = brief(select(cases).where(cases.c.reference == bindparam("this")))
_BY_KEYS = brief(
    select(cases).where(cases.c.intake_key.in_(bindparam("these", expanding=True))).order_by(cases.c.id).limit(1)
)
_THIS_KEY = cases.c.intake_key == bindparam("this")
_FIND_AND_WRITE = brief(update(cases).where(_THIS_KEY).values(intake_key=bindparam("this")).returning(*cases.c))
_CHANGE = brief(update(cases).where(_THIS))
_SILENCE = brief(update(cases).where(_THIS, ~cases.c.silenced).values(silenced=True))
_REOPEN = brief(
    update(cases)
    .where(_THIS, cases.c.status == CaseStatus.CLOSED)
    .values(status=CaseStatus.OPEN, disposal=None, closed_at=None)
)
_IN_TURN = text("SELECT pg_advisory_xact_lock(:turn)")
_MET = brief(insert(case_entries))
_CLOSE = brief(update(cases).where(_THIS, cases.c.status == CaseStatus.OPEN).values(status=CaseStatus.CLOSED))


class Cases:
    """The cases that a unit of work sees."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def insert_or_find(self, case: Case) -> tuple[Case, bool]:
        """The stored case of this intake key, and whether it is new; `case.id` is ignored.

        A second transaction with the same key waits for the first one's end, then finds its case, in its turn. It
        writes the row again: the first may have committed without a synchronous standby's word for it, and only a
        COMMIT of something waits for that.
        """
        values = {name: getattr(case, name) for name in _FIELDS if name != "id"}
        row = (await self._connection.execute(_INSERT, values)).mappings().one_or_none()
        if row is not None:
            stored = case_of(row)
            await keep_case(self._connection, stored)
            return stored, True
        found = await self.by_intake_keys((case.intake_key,))
        if found is not None:
            await self.in_turn(found.reference)  # before its row is locked: whoever decides goes in this order
            found = await self._one(_FIND_AND_WRITE, case.intake_key)
        if found is None:
            raise StoreError("The case of this message is not there: it went away, or its reference is another case's")
        return found, False

    async def meet(self, case_id: CaseId, entries: Sequence[ListEntry], at: datetime) -> None:
        """A case met these entries. The first are enough: a hostile message can name all of a list."""
        met = dict.fromkeys((entry.kind, entry.value) for entry in entries[:FEW])
        rows = [{"case_id": case_id, "kind": kind, "value": value, "received_at": at} for kind, value in met]
        if rows:
            await self._connection.execute(_MET, rows)

    async def by_reference(self, reference: str) -> Case | None:
        """The case "LG-XXXXX-XXXXX"."""
        return await self._one(_BY_REFERENCE, reference)

    async def by_id(self, case_id: CaseId) -> Case | None:
        """The case of this row."""
        return await self._one(_BY_ID, case_id)

    async def by_intake_keys(self, keys: Sequence[str]) -> Case | None:
        """The oldest case that has one of these intake keys."""
        row = (await self._connection.execute(_BY_KEYS, {"these": list(keys)})).mappings().one_or_none()
        return None if row is None else case_of(row)

    async def in_turn(self, reference: str) -> Case | None:
        """The case, for one who decides about it or adds to it: who comes second sees what the first one did.

        SQLite lets one write at a time. No row is locked: the outbox changes the case's rows in its own order.
        """
        if self._connection.dialect.name == "postgresql":
            turn = int.from_bytes(hashlib.sha256(reference.encode()).digest()[:8], signed=True)
            await self._connection.execute(_IN_TURN, {"turn": turn})
        return await self.by_reference(reference)

    async def set_action(self, case_id: CaseId, action: CaseAction, state: ActionState) -> None:
        """How far the decline or report is. While it has an outbox item, `Outbox` keeps this by itself."""
        await self._connection.execute(_CHANGE, {"this": case_id, action.value: state})

    async def set_reasons(self, case_id: CaseId, *, decline: tuple[str, ...], report: tuple[str, ...]) -> None:
        """Why decline and report were not started by the gateway."""
        reasons = {"decline_reasons": decline, "report_reasons": report}
        await self._connection.execute(_CHANGE, {"this": case_id, **reasons})

    async def silence(self, case_id: CaseId) -> bool:
        """No decline from now on; False if that was so already."""
        return (await self._connection.execute(_SILENCE, {"this": case_id})).rowcount == 1

    async def reopen(self, case_id: CaseId) -> bool:
        """Take a case up again; False if it is open."""
        return (await self._connection.execute(_REOPEN, {"this": case_id})).rowcount == 1

    async def assign(self, case_id: CaseId, person: str, at: datetime) -> None:
        """Who sees to it from now on; "" for nobody."""
        assigned = {"assigned_to": person, "assigned_at": at if person else None}
        await self._connection.execute(_CHANGE, {"this": case_id, **assigned})

    async def close(self, case_id: CaseId, disposal: Disposal, at: datetime) -> bool:
        """Close an open case; False if it is closed already or not there."""
        closing = {"this": case_id, "disposal": disposal, "closed_at": at}
        return (await self._connection.execute(_CLOSE, closing)).rowcount == 1

    async def _one(self, statement: Executable, this: str | CaseId) -> Case | None:
        row = (await self._connection.execute(statement, {"this": this})).mappings().one_or_none()
        return None if row is None else case_of(row)


def case_of(row: RowMapping) -> Case:
    """Of a row of the table: columns carry the names of the fields, and their types give the fields' values."""
    return Case(**{name: row[name] for name in _FIELDS})
