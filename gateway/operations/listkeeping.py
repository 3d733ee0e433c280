"""Listkeeping: what list administrators ask for. One change is one version of the rulebook, with its actor.

Nothing is saved that would catch more than a mission: `filters.guard` says why not, in words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from filters.lists import EntryKind, ListEntry, canonical_entry_value, describe
from filters.sentence import join
from gateway.errors import RefusedError
from gateway.model.list_change import ListChange
from gateway.model.tracking import Track, untracked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from filters.sentence import Sentence
    from gateway.clock import Clock
    from gateway.model.list_change import ListVersion
    from gateway.store.unit_of_work import Store, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPreview:
    """What an import would do, line by line: new entries, those that stand already, and refusals with their reason."""

    new: tuple[ListEntry, ...]
    known: tuple[ListEntry, ...]
    refused: tuple[tuple[ListEntry, Sentence], ...]


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

    async def tried(self, value: str, kind: EntryKind | None) -> ListEntry:
        """The entry that `senders add` would make of this value. RefusedError says what is wrong with it."""
        chosen = kind or _kind_of(value)
        reason = _refusal(chosen, value, self.own_domains)
        if reason is not None:
            raise RefusedError(reason)
        return ListEntry(kind=chosen, value=canonical_entry_value(chosen, value))

    async def add(self, entry: ListEntry, *, actor: str) -> int:
        """Add one entry; the new version. RefusedError says what is wrong with it."""
        reason = _refusal(entry.kind, entry.value, self.own_domains)
        if reason is not None:
            raise RefusedError(reason)
        async with self.store.begin() as work:
            return await self._change(work, [entry], [], actor, f"add {describe(entry)}")

    async def remove(self, value: str, kind: EntryKind | None, *, actor: str) -> ListEntry:
        """Remove the entry with this value (and kind, where several have it); returns it."""
        async with self.store.begin() as work:
            entry = await _the_one(work, value, kind)
            await self._change(work, [], [entry], actor, f"remove {describe(entry)}")
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
            await self._change(work, [after], [before], actor, f"edit {describe(before)}")
            return after

    async def preview(self, entries: Sequence[ListEntry], track: Track = untracked) -> ImportPreview:
        """What `import_` would do."""
        async with self.store.reading() as work:
            return self._preview(entries, await work.senders.live(), track)

    async def import_(
        self, preview: ImportPreview, source: str, *, actor: str, track: Track = untracked
    ) -> tuple[ListEntry, ...]:
        """Add what is still new, as one version, and return it. RefusedError, and nothing saved, if any is refused."""
        if preview.refused:
            raise RefusedError(join((reason for _, reason in preview.refused), "\n"))
        async with self.store.begin() as work:
            live = {(entry.kind, entry.value) for entry in await work.senders.live()}
            new = tuple(entry for entry in preview.new if (entry.kind, entry.value) not in live)
            if new:
                await self._change(work, new, [], actor, f"import {source}", track)
            return new

    async def history(self) -> list[ListVersion]:
        """Every version of the lists, newest first."""
        async with self.store.reading() as work:
            return await work.senders.history()

    async def change_of(self, number: int) -> ListChange:
        """What a version changed. RefusedError when there was no such version."""
        async with self.store.reading() as work:
            return await _change_of(work, number)

    async def undo(self, number: int, *, actor: str) -> ListChange:
        """Take back what a version changed, as a new version, and return what that one changes.

        RefusedError, and nothing changed, where a later version has touched the same entries, or nothing is to be done.
        """
        async with self.store.begin() as work:
            change = await _change_of(work, number)
            if not change.added and not change.removed:
                raise RefusedError("Version {number} changed no entry, so there is nothing to undo", number=str(number))
            live = {(entry.kind, entry.value): entry for entry in await work.senders.live()}
            touched = _touched_since(change, live)
            if touched:
                raise RefusedError(
                    "Version {number} can't be undone: {entry} was changed since; undo that first, or edit the entry",
                    number=str(number),
                    entry=describe(touched),
                )
            for entry in change.removed:  # what may be listed can have changed: our own domains, for one
                if (reason := _refusal(entry.kind, entry.value, self.own_domains)) is not None:
                    raise RefusedError("Version {number} can't be undone: {why}", number=str(number), why=reason)
            await self._change(work, change.removed, change.added, actor, f"undo version {number}")
            return ListChange(added=change.removed, removed=change.added)

    async def import_first(self, entries: Sequence[ListEntry], source: str) -> int:
        """The packs of the configuration, into a store that never had a list; returns how many were added."""
        preview = self._preview(entries, [])
        if preview.refused:
            raise RefusedError(join((reason for _, reason in preview.refused), "\n"))
        if not await self.is_first_start():
            return 0
        try:
            async with self.store.begin() as work:
                await self._change(work, preview.new, [], "gateway", f"first start: {source}")
        except RefusedError:
            if await self.is_first_start():
                raise
            return 0  # another node started at the same moment, and was first
        return len(preview.new)

    async def is_first_start(self) -> bool:
        """Whether the store never had a list."""
        async with self.store.reading() as work:
            return await work.senders.version() == 0

    def _preview(
        self, entries: Sequence[ListEntry], live: Iterable[ListEntry], track: Track = untracked
    ) -> ImportPreview:
        seen = {(entry.kind, entry.value) for entry in live}
        new, known, refused = [], [], []
        for entry in track(entries, "Checking"):
            reason = _refusal(entry.kind, entry.value, self.own_domains)
            if reason is not None:
                refused.append((entry, reason))
            elif (entry.kind, entry.value) in seen:
                known.append(entry)
            else:
                seen.add((entry.kind, entry.value))
                new.append(entry)
        return ImportPreview(new=tuple(new), known=tuple(known), refused=tuple(refused))

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
        await work.audit.append(actor, "list-changed", text[:200], detail)
        return version


def _refusal(kind: EntryKind, value: str, own_domains: frozenset[str]) -> Sentence | None:
    """Why the entry can't be saved. Only who changes a list needs the tables of all public suffixes."""
    from filters.guard import refusal

    return refusal(kind, value, own_domains)


async def _change_of(work: Work, number: int) -> ListChange:
    change = await work.senders.change_of(number)
    if change is None:
        raise RefusedError(f"There is no version {number}; `liaison senders history` shows those that there are")
    return change


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


def _kind_of(value: str) -> EntryKind:
    if "@" in value:
        return EntryKind.ADDRESS
    return EntryKind.LABEL if "*" in value else EntryKind.SUBTREE


def _is_meant(entry: ListEntry, value: str, kind: EntryKind | None) -> bool:
    if kind is not None and entry.kind is not kind:
        return False
    return entry.value == canonical_entry_value(entry.kind, value)
