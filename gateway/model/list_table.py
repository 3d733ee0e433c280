"""The sender lists as people look at them: a row for each entry, with who said it when and what it met; in pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from filters.address import canonical_domain
from filters.lists import EntryKind, ListEntry, unicode_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date, datetime

    from filters.disposition import Mode
    from filters.rulebook import Exemption

_ENDING_SOON = timedelta(days=14)

PAGE_SIZE = 50
"""Rows of a page."""


def ends_soon(exemption: Exemption, now: datetime) -> bool:
    """Whether an exemption's end is so near that somebody is told."""
    return exemption.until <= now + _ENDING_SOON


class Stamp(NamedTuple):
    """A version of the lists: its number, when it was made, and by whom."""

    version: int
    at: datetime
    actor: str


class Hits(NamedTuple):
    """The cases that an entry met in the last days, and when it met the last one; None: never."""

    recent: int
    last: datetime | None


NO_HITS = Hits(0, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRow:
    """One entry in force. `added` is the first version that listed it, `changed` the one since which it says this."""

    entry: ListEntry
    added: Stamp
    changed: Stamp
    hits: Hits = NO_HITS

    @property
    def shown(self) -> str:
        """The value as people write it: with U-labels."""
        return unicode_value(self.entry)

    def is_due(self, today: date) -> bool:
        """Whether somebody said that it is to be looked at again by now. It stays in force all the same."""
        return self.entry.review_by is not None and self.entry.review_by <= today


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRecord:
    """One entry, in force or removed, with all that it ever said: once at least."""

    said: tuple[tuple[Stamp, ListEntry], ...]
    """What it said, by the version that brought it, the newest first."""
    removed: Stamp | None
    """The version that took it off the list; None while it is in force."""
    hits: Hits

    @property
    def row(self) -> EntryRow:
        """As the table shows it, or would have."""
        changed, entry = self.said[0]
        return EntryRow(entry=entry, added=self.said[-1][0], changed=changed, hits=self.hits)


class EntryOrder(StrEnum):
    """By what a table of entries is sorted."""

    ADDED = "added"
    VALUE = "value"
    """By domain, subdomains beside their parents."""
    KIND = "kind"
    MISSION = "mission"
    REVIEW_BY = "review-by"
    HITS = "hits"
    LAST_HIT = "last-hit"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFilter:
    """Which rows, in which order. What is None, "" or False leaves all in."""

    text: str = ""
    """Words that all occur in value, mission, source, note or pack."""
    kind: EntryKind | None = None
    mode: Mode | None = None
    """Only entries with this mode of their own."""
    pack: str | None = None
    due: bool = False
    """Only entries whose review is due."""
    unmet: bool = False
    """Only entries that met nothing in the last days."""
    order: EntryOrder = EntryOrder.ADDED
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPage:
    """Some rows of many. `number` counts from 1; `matching` rows are on all pages, `all` on the list."""

    rows: tuple[EntryRow, ...]
    number: int
    pages: int
    matching: int
    all: int
    packs: tuple[str, ...]
    """Every pack that is named on the list, for a menu."""


class EndedExemption(NamedTuple):
    """An exemption that is over, and when it was: on its date, or when somebody ended it before."""

    exemption: Exemption
    ended_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminders:
    """What on the lists waits for somebody."""

    due: tuple[ListEntry, ...]
    """Entries whose review is due, the longest overdue first."""
    ending: tuple[Exemption, ...]
    """Exemptions that end soon, the next first."""


def matching_rows(rows: Iterable[EntryRow], wanted: EntryFilter, today: date) -> list[EntryRow]:
    """The rows that are wanted, in their order. Rows without the value that is sorted by come last, either way."""
    found = [row for row in rows if _is_wanted(row, wanted, today)]
    if wanted.order is EntryOrder.ADDED:
        return found[::-1] if wanted.descending else found
    key = _ORDERS[wanted.order]
    known = [row for row in found if key(row)[0] not in (None, "")]
    unknown = [row for row in found if key(row)[0] in (None, "")]
    return sorted(known, key=key, reverse=wanted.descending) + unknown


def page_of(rows: Sequence[EntryRow], wanted: EntryFilter, today: date, number: int) -> EntryPage:
    """One page of what is wanted; the nearest page where there is none of that number."""
    found = matching_rows(rows, wanted, today)
    pages = max(1, -(-len(found) // PAGE_SIZE))
    number = min(max(number, 1), pages)
    return EntryPage(
        rows=tuple(found[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]),
        number=number,
        pages=pages,
        matching=len(found),
        all=len(rows),
        packs=tuple(sorted({row.entry.pack for row in rows if row.entry.pack})),
    )


def _is_wanted(row: EntryRow, wanted: EntryFilter, today: date) -> bool:
    entry = row.entry
    return (
        wanted.kind in (None, entry.kind)
        and wanted.mode in (None, entry.mode)
        and wanted.pack in (None, entry.pack)
        and not (wanted.due and not row.is_due(today))
        and not (wanted.unmet and row.hits.recent)
        and _says(row, wanted.text)
    )


def _says(row: EntryRow, text: str) -> bool:
    words = text.casefold().split()
    if not words:
        return True
    entry = row.entry
    told = (entry.value, row.shown, entry.mission_en, entry.mission_fr, entry.mission_zh)
    said = "\n".join((*told, entry.source, entry.note, entry.pack)).casefold()
    return all(word in said or (not word.isascii() and canonical_domain(word) in said) for word in words)


def _by_domain(row: EntryRow) -> tuple[object, ...]:
    local_part, _, domain = row.entry.value.rpartition("@")
    return (domain.split(".")[::-1], local_part)


_ORDERS: dict[EntryOrder, Callable[[EntryRow], tuple[object, ...]]] = {
    EntryOrder.VALUE: _by_domain,
    EntryOrder.KIND: lambda row: (row.entry.kind, *_by_domain(row)),
    EntryOrder.MISSION: lambda row: (row.entry.mission_en.casefold(), *_by_domain(row)),
    EntryOrder.REVIEW_BY: lambda row: (row.entry.review_by, *_by_domain(row)),
    EntryOrder.HITS: lambda row: (row.hits.recent, row.hits.last is not None, *_by_domain(row)),
    EntryOrder.LAST_HIT: lambda row: (row.hits.last, *_by_domain(row)),
    EntryOrder.CHANGED: lambda row: (row.changed.version, *_by_domain(row)),
}
