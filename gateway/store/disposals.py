"""Disposal: takes a case away with everything that hangs on it, and keeps what a certificate says of it.

Never decides which case goes. Audit rows stay: they hold references and digests. What hangs on a case is found by the
foreign keys of the schema, so that a table that comes later is not forgotten.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, exists, insert, literal, select, true, tuple_, update

from gateway.model.disposal import ClosedCase, DisposedCase, PurgeRun
from gateway.model.outbox import OutboxState
from gateway.store.columns import named
from gateway.store.engine import insert_new
from gateway.store.holds import is_on_hold
from gateway.store.records_schema import disposal_certificates, disposed_cases
from gateway.store.schema import cases, decline_windows, outbox_items
from gateway.store.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import BindParameter, Column, ColumnElement, Delete, Table, Update

    from gateway.model.case import CaseId
    from gateway.store.engine import Connection

_UNFINISHED = exists().where(
    outbox_items.c.case_id == cases.c.id, outbox_items.c.state.in_((OutboxState.WAITING, OutboxState.SENDING))
)
_CLOSED = select(
    *(cases.c[name] for name in ClosedCase.__slots__ if name not in {"on_hold", "unfinished"}),
    is_on_hold().label("on_hold"),
    _UNFINISHED.label("unfinished"),
).where(cases.c.closed_at.is_not(None))
_THIS: BindParameter[Any] = bindparam("this")


class Disposals:
    """What a unit of work sees of it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def closed(self, before: datetime, after: ClosedCase | None, most: int) -> list[ClosedCase]:
        """At most so many cases that closed before that moment, behind that one, in the order in which they closed."""
        statement = _CLOSED.where(cases.c.closed_at < before).order_by(cases.c.closed_at, cases.c.id).limit(most)
        if after is not None:
            here = (literal(after.closed_at, cases.c.closed_at.type), literal(after.id, cases.c.id.type))
            statement = statement.where(tuple_(cases.c.closed_at, cases.c.id) > tuple_(*here))
        return [ClosedCase(**row) for row in (await self._connection.execute(statement)).mappings()]

    async def closed_case(self, reference: str) -> ClosedCase | None:
        """The case, if it is closed."""
        found = await self._connection.execute(_CLOSED.where(cases.c.reference == reference))
        row = found.mappings().one_or_none()
        return None if row is None else ClosedCase(**row)

    async def reference(self, case_id: CaseId) -> str | None:
        """Of a case that may have gone since."""
        named = select(cases.c.reference).where(cases.c.id == case_id)
        return (await self._connection.execute(named)).scalar_one_or_none()

    async def remove(self, case_id: CaseId) -> None:
        """Take the case away, and all rows that hang on it."""
        for statement in _removals():
            await self._connection.execute(statement, {"this": case_id})

    async def begin(self, run: PurgeRun) -> bool:
        """Write down that a purge begins; False if there was one of that id."""
        statement = insert_new(disposal_certificates).on_conflict_do_nothing().returning(disposal_certificates.c.id)
        return (await self._connection.execute(statement, named(run))).one_or_none() is not None

    async def keep(self, run_id: str, disposed: Sequence[DisposedCase], at: datetime) -> bool:
        """What is left of these cases, for the certificate of a purge that goes on; False if it has ended.

        The unit of work is then to be left, which undoes the removal: nothing goes without a certificate.
        """
        if disposed:
            rows = [{"certificate": run_id, **named(one)} for one in disposed]
            await self._connection.execute(insert(disposed_cases), rows)
        return (await self._connection.execute(_open(run_id), {"seen_at": at})).rowcount == 1

    async def disposed(self, run_id: str) -> list[DisposedCase]:
        """What a purge has disposed of, in the order in which the cases closed."""
        columns = [disposed_cases.c[name] for name in DisposedCase.__slots__]
        statement = select(*columns).where(disposed_cases.c.certificate == run_id)
        ordered = statement.order_by(disposed_cases.c.closed_at, disposed_cases.c.reference)
        return [DisposedCase(**row) for row in (await self._connection.execute(ordered)).mappings()]

    async def end(self, run_id: str, document: str, at: datetime) -> bool:
        """The certificate of a purge; False if it has one."""
        return (await self._connection.execute(_open(run_id), {"document": document, "ended_at": at})).rowcount == 1

    async def run(self, run_id: str) -> PurgeRun | None:
        """The purge of that id."""
        return next(iter(await self._runs(disposal_certificates.c.id == run_id)), None)

    async def runs(self) -> list[PurgeRun]:
        """Every purge, the newest first."""
        return await self._runs(true())

    async def broken_off(self, before: datetime) -> list[PurgeRun]:
        """Purges without a certificate that have done nothing since that moment: whoever ran them is gone."""
        return await self._runs(disposal_certificates.c.ended_at.is_(None) & (disposal_certificates.c.seen_at < before))

    async def _runs(self, wanted: ColumnElement[bool]) -> list[PurgeRun]:
        newest = (disposal_certificates.c.begun_at.desc(), disposal_certificates.c.id)
        statement = select(disposal_certificates).where(wanted).order_by(*newest)
        rows = (await self._connection.execute(statement)).mappings()
        return [PurgeRun(**row) for row in rows]


@cache
def _removals() -> tuple[Delete, ...]:
    """In the order in which foreign keys allow it. Asked for when every table of the schema is known."""
    return tuple(_along_foreign_keys())


def _along_foreign_keys() -> Iterator[Delete]:
    """From every table that points to a case or to its mail, the furthest first; at last the case."""
    items = select(outbox_items.c.id).where(outbox_items.c.case_id == _THIS)
    yield delete(decline_windows).where(decline_windows.c.item_id.in_(items))
    for table in reversed(metadata.sorted_tables):
        if table is cases:
            yield delete(cases).where(cases.c.id == _THIS)
        else:
            yield from (delete(table).where(column == _THIS) for column in _pointing(table, cases))
            yield from (delete(table).where(column.in_(items)) for column in _pointing(table, outbox_items))


def _pointing(table: Table, target: Table) -> Iterator[Column[Any]]:
    return (key.parent for key in table.foreign_keys if key.column.table is target)


def _open(run_id: str) -> Update:
    """Of the certificate of a purge that has not ended."""
    unfinished = (disposal_certificates.c.id == run_id) & disposal_certificates.c.ended_at.is_(None)
    return update(disposal_certificates).where(unfinished)
