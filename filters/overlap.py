"""Overlaps: what an entry has in common with those that stand, and what that means, in words.

Answers before an entry is saved: is it covered already, does it cover others, and which of them decides then? Where
several entries cover a sender the most specific one decides (`filters.lists`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from filters.address import Mailbox
from filters.disposition import MODE_ORDER, Mode
from filters.lists import WILDCARD, EntryKind, ListIndex, describe
from filters.sentence import Sentence, join

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from filters.lists import ListEntry

_ANY_LABEL = "-"
"""Stands for any label between a label entry's first and its suffix: no entry can name this one."""
_MOST_NAMED = 3
"""Entries that a sentence names one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """What stands, seen from one entry."""

    entry: ListEntry
    same: ListEntry | None
    """What has the same kind and value."""
    covered_by: tuple[ListEntry, ...]
    """Entries that cover all of it, the most specific first."""
    covers: tuple[ListEntry, ...]
    """Entries all of which it covers, in the order of the list."""


def covered_by(entry: ListEntry, index: ListIndex) -> tuple[ListEntry, ...]:
    """The entries that cover everything that this one covers, itself left out; the most specific first."""
    return tuple(other for other in _covering(entry, index) if not _is_same(other, entry))


def overlap(entry: ListEntry, index: ListIndex) -> Overlap:
    """Compare an entry with all that stand: O(entries), some microseconds for each."""
    alone = ListIndex((entry,))
    return Overlap(
        entry=entry,
        same=next((other for other in _covering(entry, index) if _is_same(other, entry)), None),
        covered_by=covered_by(entry, index),
        covers=tuple(other for other in index.entries if covered_by(other, alone)),
    )


def overlap_sentences(found: Overlap) -> Iterator[Sentence]:
    """What the overlaps mean, one sentence each; none where there are no overlaps."""
    shown = describe(found.entry)
    if found.same is not None:
        yield Sentence("{entry} is on the list already", entry=shown)
    if found.covered_by:
        other = found.covered_by[0]
        yield covered_sentence(found.entry, other)
        if _mode_of(found.entry) < _mode_of(other):
            yield Sentence(
                "Its mode is {mode}, lower than that of {other}: mail that {other} has handled until now will be "
                "handled less, not more",
                mode=str(found.entry.mode),
                other=describe(other),
            )
    if found.covers:
        yield covers_sentence(found.covers)


def covered_sentence(entry: ListEntry, other: ListEntry) -> Sentence:
    """That another one covers an entry, and which of them decides."""
    return Sentence(
        "{entry} is already covered by {other}; for its mail the narrower entry, this one, decides",
        entry=describe(entry),
        other=describe(other),
    )


def covers_sentence(covers: tuple[ListEntry, ...]) -> Sentence:
    """That an entry covers these; they go on deciding about their own mail."""
    if len(covers) == 1:
        return Sentence("It covers {entry}, which stands and goes on deciding", entry=describe(covers[0]))
    named = join((describe(entry) for entry in covers[:_MOST_NAMED]), ", ")
    if len(covers) <= _MOST_NAMED:
        return Sentence(
            "It covers {count} entries that stand and go on deciding: {entries}", count=len(covers), entries=named
        )
    return Sentence(
        "It covers {count} entries that stand and go on deciding, {entries} among them",
        count=len(covers),
        entries=named,
    )


def _covering(entry: ListEntry, index: ListIndex) -> Iterable[ListEntry]:
    match entry.kind:
        case EntryKind.ADDRESS:
            local_part, _, domain = entry.value.rpartition("@")
            return index.lookup(Mailbox(local_part, domain))
        case EntryKind.DOMAIN:
            return index.lookup_domain(entry.value)
        case EntryKind.SUBTREE:
            return _reaching_below(entry.value, index)
        case EntryKind.LABEL:
            first, _, suffix = entry.value.partition(WILDCARD)
            return _reaching_below(f"{first}.{_ANY_LABEL}.{suffix}", index)
        case unreachable:
            assert_never(unreachable)


def _reaching_below(domain: str, index: ListIndex) -> Iterator[ListEntry]:
    """Who covers the domain and everything below it: not what covers the domain alone."""
    return (other for other in index.lookup_domain(domain) if other.kind is not EntryKind.DOMAIN)


def _is_same(one: ListEntry, other: ListEntry) -> bool:
    return (one.kind, one.value) == (other.kind, other.value)


def _mode_of(entry: ListEntry) -> int:
    return MODE_ORDER.index(entry.mode or Mode.AUTO)
