"""The ledger's table: how much mail came from where, by the day. No local part, recipient, subject or content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import case, delete, distinct, func, select

from gateway.model.tally import DomainTotal, Tally, TallyKey
from gateway.store.engine import insert_new
from gateway.store.schema import ledger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from sqlalchemy import ColumnElement

    from gateway.store.engine import Connection


_AT_ONCE = 500
"""Rows in one statement: SQLite takes a bounded number of values."""


_NEW = insert_new(ledger)
_ADD = _NEW.on_conflict_do_update(
    index_elements=[ledger.c.day, ledger.c.domain, ledger.c.sender, ledger.c.emergency],
    set_={"messages": ledger.c.messages + _NEW.excluded.messages},
)


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
            await self._connection.execute(_ADD, rows[at : at + _AT_ONCE])

    async def since(self, day: date) -> list[Tally]:
        """Everything counted on that day and after it."""
        rows = await self._connection.execute(select(ledger).where(ledger.c.day >= day))
        return [
            Tally(key=TallyKey(row.day, row.domain, row.sender, row.emergency), messages=row.messages) for row in rows
        ]

    async def domains(self, day: date) -> list[str]:
        """Every domain that mail came from on that day and after it."""
        statement = select(ledger.c.domain).where(ledger.c.day >= day).distinct()
        return list((await self._connection.execute(statement)).scalars())

    async def totals(self, day: date, domains: Sequence[str], senders: Sequence[str]) -> list[DomainTotal]:
        """What came from these domains, and from these senders at other domains; added up in the database."""
        found: dict[str, DomainTotal] = {}
        for at in range(0, len(domains), _AT_ONCE):
            wanted = (ledger.c.day >= day) & ledger.c.domain.in_(domains[at : at + _AT_ONCE])
            found |= {total.domain: total for total in await self._totals(wanted)}
        known = set(domains)
        for at in range(0, len(senders), _AT_ONCE):
            wanted = (ledger.c.day >= day) & ledger.c.sender.in_(senders[at : at + _AT_ONCE])
            for total in await self._totals(wanted):
                if total.domain not in known:
                    found[total.domain] = found[total.domain] + total if total.domain in found else total
        return list(found.values())

    async def _totals(self, wanted: ColumnElement[bool]) -> list[DomainTotal]:
        emergency = func.sum(case((ledger.c.emergency, ledger.c.messages), else_=0))
        counts = (func.sum(ledger.c.messages), func.count(distinct(ledger.c.sender)), emergency)
        statement = select(ledger.c.domain, *counts).where(wanted).group_by(ledger.c.domain)
        return [
            DomainTotal(domain=row[0], messages=int(row[1]), senders=row[2], emergency=int(row[3]))
            for row in await self._connection.execute(statement)
        ]

    async def forget_before(self, day: date) -> None:
        """Remove what is older."""
        await self._connection.execute(delete(ledger).where(ledger.c.day < day))
