"""The sender lists by version: who is listed now, and who is exempt.

Never deletes an entry: it lives from the version that added it to the one that removed it, so that any version can
be looked at, and undone. What is known about the past is `gateway.store.list_records`'.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, insert, select, update

from filters.lists import ListEntry
from filters.rulebook import Exemption
from gateway.errors import RefusedError
from gateway.model.tracking import Track, untracked
from gateway.store.embedded import brief
from gateway.store.engine import insert_new
from gateway.store.schema import exemptions, rulebook_head, rulebook_versions, sender_entries

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Row

    from gateway.store.engine import Connection

_SLICE = 250
"""Rows that are read, or written, at one go."""
_FIELDS = tuple(field.name for field in fields(ListEntry))
_ALIKE = ("mission_en", "mission_fr", "mission_zh", "country", "category", "source", "verified", "note", "pack")
"""Fields in which many entries of a list say the same."""
_VERSION = brief(select(rulebook_head.c.version))
_MADE_AT = brief(select(rulebook_versions.c.at).where(rulebook_versions.c.number == bindparam("this")))


class Senders:
    """The sender lists that a unit of work sees."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def live(self) -> list[ListEntry]:
        """Every entry in force, in the order in which they were added.

        Read in slices: nobody else on the event loop waits for the whole of a long list. What many entries say alike
        (mission, source, pack) is in memory once.
        """
        columns = [sender_entries.c[name] for name in _FIELDS]
        statement = select(*columns).where(sender_entries.c.removed_in.is_(None)).order_by(sender_entries.c.id)
        entries: list[ListEntry] = []
        said: dict[str, str] = {}
        async with self._connection.stream(statement) as result:
            async for rows in result.partitions(_SLICE):
                entries += [_entry(row, said) for row in rows]
        return entries

    async def version(self) -> int:
        """The number of the version in force; 0 before the first. One row: cheap enough to ask every second."""
        version: int = (await self._connection.execute(_VERSION)).scalar_one()
        return version

    async def made_at(self, number: int) -> datetime | None:
        """When a version was made; None if it was not."""
        at: datetime | None = (await self._connection.execute(_MADE_AT, {"this": number})).scalar_one_or_none()
        return at

    async def change(
        self,
        added: Sequence[ListEntry],
        removed: Iterable[ListEntry],
        *,
        at: datetime,
        actor: str,
        text: str,
        track: Track = untracked,
    ) -> int:
        """Make one new version and return its number; both empty: everybody reloads the rulebook, nothing else.

        Removes first, so an entry in both is replaced. RefusedError if one to be removed is not on the list, or one
        to be added is there already: the unit of work is then to be left, which undoes all of it.
        """
        # The head row is locked first: two administrators get two versions, one after the other.
        advance = update(rulebook_head).values(version=rulebook_head.c.version + 1).returning(rulebook_head.c.version)
        number: int = (await self._connection.execute(advance)).scalar_one()
        await self._connection.execute(insert(rulebook_versions).values(number=number, at=at, actor=actor, text=text))
        for entry in removed:
            await self._remove(entry, number)
        for start in track(range(0, len(added), _SLICE), "Saving"):
            await self._add(added[start : start + _SLICE], number)
        return number

    async def exemptions(self, now: datetime) -> list[Exemption]:
        """The exemptions in force."""
        in_force = (exemptions.c.until > now) & exemptions.c.ended_at.is_(None)
        rows = await self._connection.execute(select(exemptions).where(in_force).order_by(exemptions.c.until))
        return [exemption_of(row) for row in rows]

    async def exempt(self, exemption: Exemption) -> None:
        """Grant an exemption. Follow it with `change((), (), …)`, so that every process hears of it."""
        await self._connection.execute(
            insert(exemptions).values(
                id=exemption.id,
                sender=exemption.sender,
                recipients=tuple(sorted(exemption.recipients)),
                until=exemption.until,
                approver=exemption.approver,
                reason=exemption.reason,
            )
        )

    async def end_exemption(self, exemption_id: str, at: datetime) -> bool:
        """End one before its date; False if it is not there or has been ended."""
        standing = (exemptions.c.id == exemption_id) & exemptions.c.ended_at.is_(None)
        return (await self._connection.execute(update(exemptions).where(standing).values(ended_at=at))).rowcount == 1

    async def _add(self, entries: Sequence[ListEntry], number: int) -> None:
        """In one statement for a slice: a pack may bring thousands."""
        kind, value = sender_entries.c.kind, sender_entries.c.value
        statement = insert_new(sender_entries).on_conflict_do_nothing(
            index_elements=[kind, value], index_where=sender_entries.c.removed_in.is_(None)
        )
        rows = [{name: getattr(entry, name) for name in _FIELDS} | {"added_in": number} for entry in entries]
        new = {tuple(row) for row in await self._connection.execute(statement.returning(kind, value), rows)}
        for entry in entries:
            if (entry.kind, entry.value) not in new:
                raise RefusedError("{kind} {value} is on the list already", kind=entry.kind, value=entry.value)
            new.discard((entry.kind, entry.value))

    async def _remove(self, entry: ListEntry, number: int) -> None:
        same = (sender_entries.c.kind == entry.kind) & (sender_entries.c.value == entry.value)
        living = same & sender_entries.c.removed_in.is_(None)
        ended = await self._connection.execute(update(sender_entries).where(living).values(removed_in=number))
        if ended.rowcount != 1:
            raise RefusedError("{kind} {value} is not on the list", kind=entry.kind, value=entry.value)


def exemption_of(row: Row[Any]) -> Exemption:
    """Of a row of the exemptions."""
    return Exemption(
        id=row.id,
        sender=row.sender,
        recipients=frozenset(row.recipients),
        until=row.until,
        approver=row.approver,
        reason=row.reason,
    )


def _entry(values: Iterable[Any], said: dict[str, str]) -> ListEntry:
    """`said` is what was read before, so that what is said again is the same string."""
    fields_of = dict(zip(_FIELDS, values, strict=True))
    for name in _ALIKE:
        fields_of[name] = said.setdefault(fields_of[name], fields_of[name])
    return ListEntry(**fields_of)
