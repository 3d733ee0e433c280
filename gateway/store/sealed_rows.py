"""Everything that is stored sealed, seen as what it is: octets under a key. For the change to another key.

Three tables hold some: raw messages, frozen mail, secrets of second factors. It opens and closes; what the octets say
is nobody's business here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from gateway.store.people import secret_subject
from gateway.store.people_schema import people
from gateway.store.schema import cases, frozen_posts, messages
from gateway.store.sealing import Seal, Sealed, reseal

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Table

    from gateway.store.engine import Connection


@dataclass(frozen=True, slots=True)
class _Place:
    """A table with sealed columns: `prefix` is before their names, `id` names the row."""

    kind: str
    table: Table
    id: str
    prefix: str = ""

    def column(self, name: str) -> ColumnElement[object]:
        return self.table.c[self.prefix + name]

    @property
    def row(self) -> ColumnElement[object]:
        return self.table.c[self.id]


_PLACES = (
    _Place("message", messages, "case_id"),
    _Place("mail", frozen_posts, "item_id"),
    _Place("second factor", people, "name", "totp_"),
)


@dataclass(frozen=True, slots=True)
class SealedRow:
    """One row: what `kind` of octets it is, whose (`subject`, to which it is bound), under which key, how many."""

    kind: str
    id: int | str
    subject: str
    key_id: str
    size: int


@dataclass(frozen=True, slots=True)
class Resealed:
    """A row's octets under another key; to be put where they still are under the one that `row` names."""

    row: SealedRow
    sealed: Sealed


class SealedRows:
    """The sealed rows that a unit of work sees."""

    def __init__(self, connection: Connection, seal: Seal) -> None:
        self._connection = connection
        self._seal = seal

    async def keys_in_use(self) -> dict[str, int]:
        """The number of rows under each key; "" for those that are not encrypted."""
        counted: dict[str, int] = {}
        for place in _PLACES:
            key = place.column("key_id")
            statement = select(key.label("key"), func.count().label("rows")).where(key.is_not(None)).group_by(key)
            for row in (await self._connection.execute(statement)).mappings():
                counted[row["key"]] = counted.get(row["key"], 0) + row["rows"]
        return counted

    async def not_under(self, key_ids: frozenset[str], limit: int | None = None) -> list[SealedRow]:
        """The rows under none of these keys."""
        found: list[SealedRow] = []
        for place in _PLACES:
            key, size = place.column("key_id"), place.column("size")
            subject = cases.c.reference if place.table is messages else place.row
            columns = select(
                place.row.label("id"), subject.label("subject"), key.label("key_id"), size.label("size")
            ).order_by(place.row)
            if place.table is messages:
                columns = columns.join(cases, cases.c.id == messages.c.case_id)
            statement = columns.where(key.is_not(None), key.not_in(sorted(key_ids))).limit(limit)
            rows = (await self._connection.execute(statement)).mappings()
            found += [SealedRow(kind=place.kind, **row) for row in rows]
        return found

    async def reseal(self, row: SealedRow) -> Resealed | None:
        """The row's octets under the first key, or None where the row is gone. SealError if they can't be opened."""
        place = _place(row)
        columns = select(*(place.column(name).label(name) for name in ("sha256", "size", "key_id", "blob")))
        found = (await self._connection.execute(columns.where(place.row == row.id))).mappings().one_or_none()
        if found is None or found["key_id"] is None:
            return None
        subject = secret_subject(row.subject) if place.table is people else row.subject
        return Resealed(row, await reseal(self._seal, Sealed(**found), subject))

    async def put(self, resealed: Resealed) -> bool:
        """Put it where it belongs; False if the row has changed meanwhile, and stays as it is."""
        row, sealed = resealed.row, resealed.sealed
        place = _place(row)
        unchanged = (place.row == row.id, place.column("key_id") == row.key_id)
        values = {place.prefix + "key_id": sealed.key_id, place.prefix + "blob": sealed.blob}
        same = (*unchanged, place.column("sha256") == sealed.sha256)
        return (await self._connection.execute(update(place.table).where(*same).values(values))).rowcount == 1


def _place(row: SealedRow) -> _Place:
    return next(place for place in _PLACES if place.kind == row.kind)
