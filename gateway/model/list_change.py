"""A change of the sender lists: one version, who made it and when, and what it added and removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from filters.pack_rows import columns_of
from filters.sentence import Sentence

if TYPE_CHECKING:
    from datetime import datetime

    from filters.lists import ListEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class ListVersion:
    """One change of the lists: how many entries it added and removed. An edited entry counts for both."""

    number: int
    at: datetime
    actor: str
    text: str
    added: int
    removed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListChange:
    """The entries that one version added, and those that it removed; an edited one is in both."""

    added: tuple[ListEntry, ...]
    removed: tuple[ListEntry, ...]

    @property
    def edits(self) -> tuple[Edit, ...]:
        """The entries that are in both, in the order in which they were added."""
        before = {(entry.kind, entry.value): entry for entry in self.removed}
        pairs = ((before.get((entry.kind, entry.value)), entry) for entry in self.added)
        return tuple(Edit(old, new) for old, new in pairs if old is not None)

    @property
    def listed(self) -> tuple[ListEntry, ...]:
        """The entries that were not on the list before."""
        return _without(self.added, self.removed)

    @property
    def unlisted(self) -> tuple[ListEntry, ...]:
        """The entries that are no more on the list."""
        return _without(self.removed, self.added)


@dataclass(frozen=True, slots=True)
class Edit:
    """An entry before and after."""

    before: ListEntry
    after: ListEntry

    @property
    def differences(self) -> tuple[Difference, ...]:
        """What it says otherwise than before."""
        return differences(self.before, self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A column of a pack that two entries fill differently; "" where one leaves it to the policy, or says nothing."""

    column: str
    before: str
    after: str

    @property
    def sentence(self) -> Sentence:
        """In words."""
        if not self.before:
            return Sentence("{column}: now “{after}”, nothing before", column=self.column, after=self.after)
        if not self.after:
            return Sentence("{column}: nothing now, “{before}” before", column=self.column, before=self.before)
        return Sentence(
            "{column}: now “{after}”, “{before}” before", column=self.column, after=self.after, before=self.before
        )


def differences(before: ListEntry, after: ListEntry) -> tuple[Difference, ...]:
    """The columns in which the two differ, in the order of a pack."""
    old, new = columns_of(before), columns_of(after)
    return tuple(
        Difference(column=column, before=old[column], after=new[column]) for column in old if old[column] != new[column]
    )


def _without(entries: tuple[ListEntry, ...], others: tuple[ListEntry, ...]) -> tuple[ListEntry, ...]:
    keys = {(entry.kind, entry.value) for entry in others}
    return tuple(entry for entry in entries if (entry.kind, entry.value) not in keys)
