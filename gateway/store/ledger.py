"""The ledger's table: how much mail came from where, by the day. No local part, recipient, subject or content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from gateway.model.tally import Tally, TallyKey
from gateway.store.engine import insert_new
from gateway.store.schema import ledger

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from gateway.store.engine import Connection


_AT_ONCE = 500
"""Rows in one statement: SQLite takes a bounded number of values."""


class Ledger:
    """The tallies that a unit of work sees."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, counts: Mapping[TallyKey, int]) -> None:
        """Add to what stands; any number of processes do so side by side. In order, so that none waits in a circle."""
        rows = [
            {"day": key.day, "domain": key.domain, "sender": key.sender, "emergency": key.emergency, "messages": count}
            for key, count in sorted(counts.items())
        ]
        for at in range(0, len(rows), _AT_ONCE):
            statement = insert_new(ledger).values(rows[at : at + _AT_ONCE])
            more = statement.on_conflict_do_update(
                index_elements=[ledger.c.day, ledger.c.domain, ledger.c.sender, ledger.c.emergency],
                set_={"messages": ledger.c.messages + statement.excluded.messages},
            )
            await self._connection.execute(more)

    async def since(self, day: date) -> list[Tally]:
        """Everything counted on that day and after it."""
        rows = await self._connection.execute(select(ledger).where(ledger.c.day >= day))
        return [
            Tally(key=TallyKey(row.day, row.domain, row.sender, row.emergency), messages=row.messages) for row in rows
        ]

    async def forget_before(self, day: date) -> None:
        """Remove what is older."""
        await self._connection.execute(delete(ledger).where(ledger.c.day < day))
