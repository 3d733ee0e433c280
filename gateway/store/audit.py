"""The audit log: append-only rows, each covering the one before it.

Never changes or removes a row, and triggers refuse whoever tries by mistake; whoever means it can drop them, and is
found out by the chain. An append locks the head until the unit of work ends, so that the chain has no forks; append
last, for other units wait for it.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, insert, select, true, update

from gateway.errors import StoreError
from gateway.model.audit import AuditEntry, ChainHead, chain_hash
from gateway.store.columns import storable
from gateway.store.embedded import brief
from gateway.store.schema import audit_entries, audit_head

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Column, ColumnElement, Row, Select

    from gateway.clock import Clock
    from gateway.model.audit import AuditFilter
    from gateway.store.engine import Connection

_FIELDS = tuple(field.name for field in fields(AuditEntry))

CLOCKS_DIFFER = timedelta(hours=1)
"""By how much at most the clocks of nodes do: rows are numbered in the order in which they came, whatever the clock."""
_NEXT_TO = select(audit_entries.c.seq).limit(1)
_LAST_BEFORE = brief(
    _NEXT_TO.where(audit_entries.c.at < bindparam("this")).order_by(
        audit_entries.c.at.desc(), audit_entries.c.seq.desc()
    )
)
_FIRST_FROM = brief(
    _NEXT_TO.where(audit_entries.c.at >= bindparam("this")).order_by(audit_entries.c.at, audit_entries.c.seq)
)
_MOST_WORDS = 500
"""Actors, or actions, that are told apart."""

_HEAD = brief(select(audit_head.c.seq, audit_head.c.hash))
_LOCK_HEAD = _HEAD.with_for_update()
_APPEND = brief(insert(audit_entries))
_ADVANCE = brief(update(audit_head))


class Audit:
    """The audit log that a unit of work sees."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    async def append(self, actor: str, action: str, subject: str, detail: Mapping[str, str]) -> AuditEntry:
        """Write the next row. `subject` is a case reference, an entry's value, an item id or ""."""
        head = _chain_head((await self._connection.execute(_LOCK_HEAD)).first())
        # The hash covers what a row gives back, so the values are brought into that form first.
        seq, at = head.seq + 1, self._clock.now().astimezone(UTC)
        actor, action, subject = storable(actor), storable(action), storable(subject)
        entry = AuditEntry(
            seq=seq,
            at=at,
            actor=actor,
            action=action,
            subject=subject,
            detail=detail,
            previous=head.hash,
            hash=chain_hash(
                seq=seq, at=at, actor=actor, action=action, subject=subject, detail=detail, previous=head.hash
            ),
        )
        await self._connection.execute(_APPEND, {name: getattr(entry, name) for name in _FIELDS})
        await self._connection.execute(_ADVANCE, {"seq": entry.seq, "hash": entry.hash})
        return entry

    async def entries(self, *, after: int = 0, subject: str | None = None) -> list[AuditEntry]:
        """The rows numbered above `after`, in order; all of them, or those about one subject."""
        statement = select(audit_entries).where(audit_entries.c.seq > after).order_by(audit_entries.c.seq)
        if subject is not None:
            statement = statement.where(audit_entries.c.subject == subject)
        return await self._read(statement, after)

    async def following(self, after: int, most: int) -> list[AuditEntry]:
        """At most so many rows numbered above `after`, in order."""
        statement = select(audit_entries).where(audit_entries.c.seq > after).order_by(audit_entries.c.seq).limit(most)
        return await self._read(statement, after)

    async def page(self, wanted: AuditFilter, *, before: int | None, most: int) -> list[AuditEntry]:
        """At most so many rows that are asked for, numbered below `before`; the newest first."""
        seq, asked = audit_entries.c.seq, _wanted(wanted)
        if wanted.since is not None:
            last_before = await self._number(_LAST_BEFORE, wanted.since - CLOCKS_DIFFER)
            asked &= seq > last_before if last_before is not None else true()
        if wanted.until is not None:
            first_after = await self._number(_FIRST_FROM, wanted.until + CLOCKS_DIFFER)
            asked &= seq < first_after if first_after is not None else true()
        if before is not None:
            asked &= seq < before
        return await self._read(select(audit_entries).where(asked).order_by(seq.desc()).limit(most), 0)

    async def _number(self, statement: Select[int], at: datetime) -> int | None:
        """A row's number by a moment: rows are then looked for between numbers, in their order, not by their times."""
        return (await self._connection.execute(statement, {"this": at})).scalar_one_or_none()

    async def actions(self) -> list[str]:
        """Every action that there is, in order: found by hops along the index, not by reading every row."""
        return await self._distinct(audit_entries.c.action)

    async def actors(self) -> list[str]:
        """Every actor that there is, in the same way."""
        return await self._distinct(audit_entries.c.actor)

    async def last(self, action: str) -> AuditEntry | None:
        """The newest row of an action."""
        found = select(audit_entries).where(audit_entries.c.action == action)
        newest = found.order_by(audit_entries.c.seq.desc()).limit(1)
        return next(iter(await self._read(brief(newest), 0)), None)

    async def _distinct(self, column: Column[str]) -> list[str]:
        found: list[str] = []
        while len(found) < _MOST_WORDS:
            next_one = select(column).where(column > (found[-1] if found else "")).order_by(column).limit(1)
            value = (await self._connection.execute(brief(next_one))).scalar_one_or_none()
            if value is None:
                break
            found.append(value)
        return found

    async def _read(self, statement: Select[*tuple[Any, ...]], after: int) -> list[AuditEntry]:
        """The rows; StoreError names the first above `after` that is none."""
        try:
            rows = (await self._connection.execute(statement)).mappings()
            return [AuditEntry(**{name: row[name] for name in _FIELDS}) for row in rows]
        except (ValueError, TypeError, RecursionError) as error:
            raise StoreError(await self._unreadable(after)) from error

    async def _unreadable(self, after: int) -> str:
        """Which row is none that was ever written, in words."""
        numbers = select(audit_entries.c.seq).where(audit_entries.c.seq > after).order_by(audit_entries.c.seq)
        for seq in (await self._connection.execute(numbers)).scalars():
            try:
                (await self._connection.execute(select(audit_entries).where(audit_entries.c.seq == seq))).all()
            except (ValueError, TypeError, RecursionError):
                return f"Row {seq} of the audit log can't be read: it was changed after it was written"
        return "The audit log can't be read: it was changed after it was written"

    async def head(self) -> ChainHead:
        """The end of the chain, to be copied outside."""
        return _chain_head((await self._connection.execute(_HEAD)).first())


def _wanted(wanted: AuditFilter) -> ColumnElement[bool]:
    column = audit_entries.c
    words = {"actor": wanted.actor, "action": wanted.action, "subject": wanted.subject}
    asked = [column[name] == word for name, word in words.items() if word]
    asked += [column.at >= wanted.since] if wanted.since is not None else []
    asked += [column.at < wanted.until] if wanted.until is not None else []
    return and_(true(), *asked)


def _chain_head(row: Row[int, str] | None) -> ChainHead:
    if row is None:
        raise StoreError("The audit log has lost its head, which says where it ends: somebody took the row out")
    return ChainHead(*row)
