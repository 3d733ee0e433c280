"""Forwards: which mail of an officer brought which message to which case, and what the officer is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, insert, select

from filters.forwards import Trouble
from gateway.model.forward import Acknowledgement, ForwardedMail
from gateway.store.columns import named
from gateway.store.correspondence_schema import acknowledgements, forwards
from gateway.store.embedded import brief
from gateway.store.engine import insert_new

if TYPE_CHECKING:
    from gateway.model.case import CaseId
    from gateway.store.engine import Connection

_ADD = brief(insert_new(forwards).on_conflict_do_nothing().returning(forwards.c.id))
_OF_CASE = brief(select(forwards).where(forwards.c.case_id == bindparam("this")).order_by(forwards.c.id))
_OF_ITEM = brief(select(acknowledgements).where(acknowledgements.c.item_id == bindparam("this")))


class Forwards:
    """The forwards that a unit of work sees."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, case_id: CaseId, forwarded: ForwardedMail) -> bool:
        """Put it on the case; False if the same mail has brought it before."""
        row = {"case_id": case_id, **named(forwarded)}
        return (await self._connection.execute(_ADD, row)).one_or_none() is not None

    async def of(self, case_id: CaseId) -> list[ForwardedMail]:
        """Those of a case, in the order in which they came."""
        rows = (await self._connection.execute(_OF_CASE, {"this": case_id})).mappings()
        return [ForwardedMail(**{name: row[name] for name in ForwardedMail.__slots__}) for row in rows]

    async def acknowledge(self, told: Acknowledgement) -> None:
        """Keep what the mail of an outbox item says: it is written when it leaves."""
        await self._connection.execute(insert(acknowledgements), named(told))

    async def acknowledgement(self, item_id: str) -> Acknowledgement | None:
        """What the mail of an outbox item says."""
        row = (await self._connection.execute(_OF_ITEM, {"this": item_id})).mappings().one_or_none()
        if row is None:
            return None
        troubles = tuple(Trouble(one) for one in row["troubles"])
        return Acknowledgement(**{**row, "troubles": troubles})
