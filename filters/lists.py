"""Sender lists: entries, and the compiled index that finds them in O(labels).

Names official missions and bodies by address or domain, on label boundaries. Never matches by substring, edit
distance, person, script or top-level domain (decision 7).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, assert_never

from filters.address import MAX_DOMAIN, Mailbox, canonical_domain, canonical_local_part, unicode_domain
from filters.sentence import Sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from filters.disposition import Delivery, Handling, Mode


class EntryKind(StrEnum):
    """How an entry's value is matched."""

    ADDRESS = "address"
    """The address itself and its +tagged forms; at Gmail also with other dots."""
    DOMAIN = "domain"
    """The domain itself, nothing below."""
    SUBTREE = "subtree"
    """The domain and everything below."""
    LABEL = "label"
    """`gat.*.gov.cn`: first label, one or more labels, suffix; and everything below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEntry:
    """One entry of a sender list. `value` is canonical; all but `kind` and `value` may be left out."""

    kind: EntryKind
    value: str
    mission_en: str = ""
    mission_fr: str = ""
    mission_zh: str = ""
    country: str = ""
    category: str = ""
    """The pack's `class`: foreign-ministry, mission, consular, police ..."""
    delivery: Delivery | None = None
    decline: Handling | None = None
    report: Handling | None = None
    mode: Mode | None = None
    legacy: bool = False
    source: str = ""
    verified: str = ""
    """State of verification, in the pack's words: "published 2026-05", "to verify" ..."""
    review_by: date | None = None
    note: str = ""
    pack: str = ""


WILDCARD = ".*."
"""Between the first label and the suffix of a label entry."""

_GMAIL = {"gmail.com": "gmail.com", "googlemail.com": "gmail.com"}
_REMEMBERED = 4096
"""Domains: the same few write most of the mail."""
_MOST_TAGS = 8
"""Plus signs that are looked at in a local part: more would only be work for an attacker to give."""


def canonical_entry_value(kind: EntryKind, value: str) -> str:
    """The one spelling of a value; what is no address and no label at all stays as it is typed, to be refused so."""
    text = value.strip()
    match kind:
        case EntryKind.ADDRESS:
            if "@" not in text:
                return text
            local_part, _, domain = text.rpartition("@")
            return f"{canonical_local_part(local_part)}@{canonical_domain(domain)}"
        case EntryKind.DOMAIN | EntryKind.SUBTREE:
            return canonical_domain(text)
        case EntryKind.LABEL:
            if WILDCARD not in text:
                return text
            first, _, suffix = text.partition(WILDCARD)
            return f"{canonical_domain(first)}{WILDCARD}{canonical_domain(suffix)}"
        case unreachable:
            assert_never(unreachable)


def describe(entry: ListEntry) -> Sentence:
    """What the entry covers, for people: "mfa.gov.cn and below"."""
    match entry.kind:
        case EntryKind.ADDRESS:
            return Sentence(entry.value)
        case EntryKind.DOMAIN:
            return Sentence("{value} alone", value=entry.value)
        case EntryKind.SUBTREE | EntryKind.LABEL:
            return Sentence("{value} and below", value=entry.value)
        case unreachable:
            assert_never(unreachable)


def unicode_value(entry: ListEntry) -> str:
    """The value with its A-labels as U-labels, for people: `bücher.example`. Never compared."""
    before, at, domain = entry.value.rpartition("@")
    return f"{before}{at}{unicode_domain(domain)}"


_Entries = ListEntry | tuple[ListEntry, ...]
"""One, nearly always; a tuple of one would be an object more for each entry of a long list."""


class ListIndex:
    """The entries, compiled. Immutable after construction; lookups cost O(labels), not O(entries)."""

    __slots__ = ("_addresses", "_domains", "_labels", "_subtrees", "_suffixes", "entries")

    def __init__(self, entries: Iterable[ListEntry], shown_as: Callable[[str], str] | None = None) -> None:
        """`shown_as` makes of a canonical value what is compared in its place; None: the value itself."""
        self.entries: tuple[ListEntry, ...] = tuple(entries)
        self._addresses: dict[str, dict[str, _Entries]] = {}
        self._domains: dict[str, _Entries] = {}
        self._subtrees: dict[str, _Entries] = {}
        self._labels: dict[str, dict[str, _Entries]] = {}
        for entry in self.entries:
            value = canonical_entry_value(entry.kind, entry.value)
            if value == entry.value:
                value = entry.value  # a long list has its values in memory once
            self._add(entry, value if shown_as is None else shown_as(value))
        self._suffixes = _suffix_finder(
            ({alias for alias, domain in _GMAIL.items() if domain in self._addresses}, *self._by_suffix())
        )

    def _by_suffix(self) -> tuple[Mapping[str, object], ...]:
        return self._addresses, self._domains, self._subtrees, self._labels

    def _add(self, entry: ListEntry, value: str) -> None:
        match entry.kind:
            case EntryKind.ADDRESS:
                local_part, _, domain = value.rpartition("@")
                mail_domain = _GMAIL.get(domain, domain)
                _append(self._addresses.setdefault(mail_domain, {}), _undotted(local_part, mail_domain), entry)
            case EntryKind.DOMAIN:
                _append(self._domains, value, entry)
            case EntryKind.SUBTREE:
                _append(self._subtrees, value, entry)
            case EntryKind.LABEL:
                first, _, suffix = value.partition(WILDCARD)
                _append(self._labels.setdefault(suffix, {}), first, entry)
            case unreachable:
                assert_never(unreachable)

    def lookup(self, mailbox: Mailbox) -> tuple[ListEntry, ...]:
        """Every entry that covers the address, the most specific first (address, longest domain, label)."""
        suffixes = self._suffixes(mailbox.domain)
        if not suffixes:
            return ()
        domain = canonical_domain(mailbox.domain)
        found = [*self._by_address(mailbox.local_part, domain), *_all(self._domains.get(domain, ()))]
        for suffix in suffixes:
            found += _all(self._subtrees.get(suffix, ()))
        if self._labels:
            for suffix in suffixes:
                found += self._by_label(domain, suffix) if suffix in self._labels else ()
        return tuple(found)

    def reaches(self, domain: str) -> bool:
        """The cheap test: whether an entry could cover an address at this domain."""
        return bool(self._suffixes(domain))

    def lookup_domain(self, domain: str) -> tuple[ListEntry, ...]:
        """Every entry that covers the domain as a whole: no address entries."""
        return self.lookup(Mailbox("", domain))

    def _by_address(self, local_part: str, domain: str) -> list[ListEntry]:
        """The full local part first, then with one tag less at a time."""
        mail_domain = _GMAIL.get(domain, domain)
        listed = self._addresses.get(mail_domain)
        if listed is None:
            return []
        tagged = accumulate(canonical_local_part(local_part).split("+", _MOST_TAGS), "{}+{}".format)
        candidates = [_undotted(candidate, mail_domain) for candidate in tagged]
        return [entry for candidate in reversed(candidates) for entry in _all(listed.get(candidate, ()))]

    def _by_label(self, domain: str, suffix: str) -> Iterator[ListEntry]:
        """The last label before the suffix is the "one or more": it can't be the first label itself."""
        before = domain[: -len(suffix)].split(".")[:-1]
        for label in dict.fromkeys(before[:-1]):
            yield from _all(self._labels[suffix].get(label, ()))


def _suffix_finder(names: Sequence[Collection[str]]) -> Callable[[str], tuple[str, ...]]:
    """Finds, of a domain and its parents, those that are in any of `names`, the longest first. For most mail: none.

    No deeper than the deepest name: hostile domains have many labels. What was asked before is remembered, outside of
    the index that asks, so that nothing refers in a circle and a list that was replaced is gone at once.
    """
    depth = max((name.count(".") + 1 for some in names for name in some), default=0)

    def find(domain: str) -> tuple[str, ...]:
        suffixes: list[str] = []
        domain = canonical_domain(domain)
        start = len(domain)
        for _ in range(depth):
            start = domain.rfind(".", 0, start)
            suffix = domain[start + 1 :]
            if any(suffix in some for some in names):
                suffixes.append(suffix)
            if start < 0:
                break
        return tuple(reversed(suffixes))

    remembered = lru_cache(maxsize=_REMEMBERED)(find)
    return lambda domain: remembered(domain) if len(domain) <= MAX_DOMAIN else find(domain)


def address_base(local_part: str, domain: str) -> str:
    """The address without its tags and without what its provider overlooks: one for all that its owner may use."""
    canonical = canonical_domain(domain)
    mail_domain = _GMAIL.get(canonical, canonical)
    untagged = canonical_local_part(local_part).partition("+")[0]
    return f"{_undotted(untagged, mail_domain)}@{mail_domain}"


def _append(index: dict[str, _Entries], key: str, entry: ListEntry) -> None:
    before = index.get(key)
    index[key] = entry if before is None else (*_all(before), entry)


def _all(entries: _Entries) -> tuple[ListEntry, ...]:
    return entries if isinstance(entries, tuple) else (entries,)


def _undotted(local_part: str, mail_domain: str) -> str:
    """Gmail delivers a.b@ and ab@ to one mailbox."""
    return local_part.replace(".", "") if mail_domain == "gmail.com" else local_part
