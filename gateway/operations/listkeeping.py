"""Listkeeping: what list administrators ask for. One change is one version of the rulebook, with its actor.

Nothing is saved that would catch more than a mission: `filters.guard` says why not, in words.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from filters.lists import EntryKind, ListEntry, canonical_entry_value, describe
from filters.sentence import Sentence, join
from gateway.errors import RefusedError
from gateway.model.list_change import ListChange
from gateway.model.tracking import Track, untracked
from gateway.operations.rulebooks import is_first_start

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from filters.disposition import Mode
    from gateway.clock import Clock
    from gateway.model.list_change import ListVersion
    from gateway.model.list_import import ImportSheet
    from gateway.store.unit_of_work import Store, Work

LIST_CHANGED = "list-changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listkeeping:
    """The verbs. `own_domains` can never be listed."""

    store: Store
    clock: Clock
    own_domains: frozenset[str]

    async def entries(self) -> list[ListEntry]:
        """The entries in force."""
        async with self.store.reading() as work:
            return await work.senders.live()

    def kind_of(self, value: str) -> EntryKind:
        """What a value is where nobody says it: an address with an @, a label with a *, else a subtree."""
        if "@" in value:
            return EntryKind.ADDRESS
        return EntryKind.LABEL if "*" in value else EntryKind.SUBTREE

    async def add(self, entry: ListEntry, *, actor: str) -> int:
        """Add one entry; the new version. RefusedError says what is wrong with it."""
        reason = _refusal(entry.kind, entry.value, self.own_domains)
        if reason is not None:
            raise RefusedError(reason)
        async with self.store.begin() as work:
            return await self._change(work, [entry], [], actor, Sentence("add {entry}", entry=describe(entry)))

    async def remove(self, value: str, kind: EntryKind | None, *, actor: str) -> ListEntry:
        """Remove the entry with this value (and kind, where several have it); returns it."""
        async with self.store.begin() as work:
            entry = await _the_one(work, value, kind)
            await self._change(work, [], [entry], actor, Sentence("remove {entry}", entry=describe(entry)))
            return entry

    async def edit(
        self, value: str, kind: EntryKind | None, edited: Callable[[ListEntry], ListEntry], *, actor: str
    ) -> ListEntry:
        """Change what an entry says, as one version; not whom it covers: that would be another entry."""
        async with self.store.begin() as work:
            before = await _the_one(work, value, kind)
            after = edited(before)
            if after == before:
                raise RefusedError("{value} says that already; nothing is changed", value=value)
            await self._change(work, [after], [before], actor, Sentence("edit {entry}", entry=describe(before)))
            return after

    def objection(self, entry: ListEntry) -> Sentence | None:
        """Why the entry may not be listed, in words; None when nothing stands against it."""
        return _refusal(entry.kind, entry.value, self.own_domains)

    async def import_(
        self,
        sheet: ImportSheet,
        source: str,
        *,
        actor: str,
        without_refused: bool = False,
        mode: Mode | None = None,
        track: Track = untracked,
    ) -> tuple[ListEntry, ...]:
        """Add what is still new, as one version, and return it. `mode`: of the entries that have none of their own.

        RefusedError, and nothing saved, if a line is refused, unless those are to be left out.
        """
        if sheet.refused and not without_refused:
            raise RefusedError(join((reason.message for line in sheet.refused for reason in line.reasons), "\n"))
        async with self.store.begin() as work:
            live = {(entry.kind, entry.value) for entry in await work.senders.live()}
            new = tuple(
                entry if entry.mode is not None else replace(entry, mode=mode)
                for entry in sheet.new
                if (entry.kind, entry.value) not in live
            )
            if new:
                await self._change(work, new, [], actor, Sentence("import {source}", source=source), track)
            return new

    async def history(self) -> list[ListVersion]:
        """Every version of the lists, newest first."""
        async with self.store.reading() as work:
            return await work.list_records.history()

    async def change_of(self, number: int) -> ListChange:
        """What a version changed. RefusedError when there was no such version."""
        async with self.store.reading() as work:
            return await _change_of(work, number)

    async def undo(self, number: int, *, actor: str) -> ListChange:
        """Take back what a version changed, as a new version, and return what that one changes.

        RefusedError, and nothing changed, where a later version has touched the same entries, or nothing is to be done.
        """
        async with self.store.begin() as work:
            change = await self._undoing(work, number)
            await self._change(
                work, change.added, change.removed, actor, Sentence("undo version {number}", number=number)
            )
            return change

    async def undoing(self, number: int) -> ListChange:
        """What `undo` would change. Refused where it would be."""
        async with self.store.reading() as work:
            return await self._undoing(work, number)

    async def _undoing(self, work: Work, number: int) -> ListChange:
        done = await _change_of(work, number)
        if not done.added and not done.removed:
            raise RefusedError("Version {number} changed no entry, so there is nothing to undo", number=str(number))
        live = {(entry.kind, entry.value): entry for entry in await work.senders.live()}
        if _is_undone(done, live):
            raise RefusedError("Version {number} is undone already: nothing of it stands", number=str(number))
        touched = _touched_since(done, live)
        if touched:
            raise RefusedError(
                "Version {number} can't be undone: {entry} was changed since; undo that first, or edit the entry",
                number=str(number),
                entry=describe(touched),
            )
        for entry in done.removed:  # what may be listed can have changed: our own domains, for one
            if (reason := _refusal(entry.kind, entry.value, self.own_domains)) is not None:
                raise RefusedError("Version {number} can't be undone: {why}", number=str(number), why=reason)
        return ListChange(added=done.removed, removed=done.added)

    async def restoration(self, number: int) -> ListChange:
        """What would have to change for the lists to be again as they were under a version."""
        async with self.store.reading() as work:
            return await _restoration(work, number)

    async def restore(self, number: int, *, actor: str) -> ListChange:
        """Put the lists back to how they were under a version, as a new version; returns what that one changes."""
        async with self.store.begin() as work:
            change = await _restoration(work, number)
            if not change.added and not change.removed:
                raise RefusedError("The lists are as they were under version {number} already", number=number)
            for entry in change.added:
                if (reason := self.objection(entry)) is not None:
                    raise RefusedError("Version {number} can't be restored: {reason}", number=number, reason=reason)
            await self._change(
                work, change.added, change.removed, actor, Sentence("restore version {number}", number=number)
            )
            return change

    async def import_first(self, entries: Sequence[ListEntry], source: str) -> int:
        """The packs of the configuration, into a store that never had a list; returns how many were added."""
        refusals = [reason for entry in entries if (reason := self.objection(entry)) is not None]
        if refusals:
            raise RefusedError(join(refusals, "\n"))
        new: dict[tuple[EntryKind, str], ListEntry] = {}
        for entry in entries:  # of two packs that name the same, the first counts
            new.setdefault((entry.kind, entry.value), entry)
        if not await is_first_start(self.store):
            return 0
        try:
            async with self.store.begin() as work:
                await self._change(
                    work, tuple(new.values()), [], "gateway", Sentence("first start: {source}", source=source)
                )
        except RefusedError:
            if await is_first_start(self.store):
                raise
            return 0  # another node started at the same moment, and was first
        return len(new)

    async def _change(
        self,
        work: Work,
        added: Sequence[ListEntry],
        removed: Sequence[ListEntry],
        actor: str,
        text: str,
        track: Track = untracked,
    ) -> int:
        version = await work.senders.change(added, removed, at=self.clock.now(), actor=actor, text=text, track=track)
        detail = {"version": str(version), "added": str(len(added)), "removed": str(len(removed))}
        await work.audit.append(actor, LIST_CHANGED, text[:200], detail)
        return version


def _refusal(kind: EntryKind, value: str, own_domains: frozenset[str]) -> Sentence | None:
    """Why the entry can't be saved. Only who changes a list needs the tables of all public suffixes."""
    from filters.guard import refusal

    return refusal(kind, value, own_domains)


async def _restoration(work: Work, number: int) -> ListChange:
    """Entries that say the same now as then are left alone: they keep their version."""
    await _change_of(work, number)
    then, now = await work.list_records.as_of(number), await work.senders.live()
    kept = set(then) & set(now)
    return ListChange(
        added=tuple(entry for entry in then if entry not in kept),
        removed=tuple(entry for entry in now if entry not in kept),
    )


async def _change_of(work: Work, number: int) -> ListChange:
    change = await work.list_records.change_of(number)
    if change is None:
        raise RefusedError("There is no version {number} of the lists", number=number)
    return change


def _is_undone(change: ListChange, live: Mapping[tuple[EntryKind, str], ListEntry]) -> bool:
    """Whether all entries are as they were before the version."""
    before = {(entry.kind, entry.value): entry for entry in change.removed}
    keys = (*before, *((entry.kind, entry.value) for entry in change.added))
    return all(live.get(key) == before.get(key) for key in keys)


def _touched_since(change: ListChange, live: Mapping[tuple[EntryKind, str], ListEntry]) -> ListEntry | None:
    """An entry that is no more as the version left it; None when all are."""
    added = {(entry.kind, entry.value): entry for entry in change.added}
    for key, entry in added.items():
        if live.get(key) != entry:
            return entry
    return next((one for one in change.removed if (key := (one.kind, one.value)) not in added and key in live), None)


async def _the_one(work: Work, value: str, kind: EntryKind | None) -> ListEntry:
    found = [entry for entry in await work.senders.live() if _is_meant(entry, value, kind)]
    if not found:
        raise RefusedError("{value} is not on the list", value=value)
    if len(found) > 1:
        kinds = ", ".join(entry.kind for entry in found)
        raise RefusedError("{value} is on the list as {kinds}", value=value, kinds=kinds)
    return found[0]


def _is_meant(entry: ListEntry, value: str, kind: EntryKind | None) -> bool:
    if kind is not None and entry.kind is not kind:
        return False
    return entry.value == canonical_entry_value(entry.kind, value)
