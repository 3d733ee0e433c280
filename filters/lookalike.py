"""Look-alikes: domains and display names that a reader would take for a listed mission's (decision 7).

By confusable folding only, never by edit distance or by a part of a name: precision before recall. A look-alike raises
a suspect for a person to look at; it holds nothing.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from filters.address import MAX_DOMAIN, canonical_domain
from filters.confusables import CONFUSABLES
from filters.content import decode_text
from filters.lists import EntryKind, ListIndex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from filters.content import HeaderField
    from filters.lists import ListEntry

NAMING_FIELDS = frozenset({"from", "sender", "reply-to"})
"""The fields whose display names are compared."""

LONGEST_NAME = 200
"""Characters of a display name; official names are shorter."""
LONGEST_FIELD = 2000
"""Octets of a field that are looked at."""

_DIGITS = str.maketrans("015", "ols")
_TWO_FOR_ONE = (("rn", "m"), ("vv", "w"))


def fold(text: str) -> str:
    """What the text looks like: lower case, without accents, confusable characters as one (UTS #39)."""
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
        text = "".join(char for char in decomposed if not unicodedata.combining(char)).translate(CONFUSABLES)
    folded = text.lower().translate(_DIGITS)
    for two, one in _TWO_FOR_ONE:
        folded = folded.replace(two, one)
    return folded


def fold_domain(domain: str) -> str:
    """A domain as it looks; A-labels as the letters that they stand for."""
    return _fold_domain(domain) if len(domain) <= MAX_DOMAIN else _fold_domain.__wrapped__(domain)


def _folded(value: str) -> str:
    """The value as it looks: itself, if nothing is folded (a long list has it in memory once)."""
    folded = fold(value)
    return value if folded == value else folded


@lru_cache(maxsize=4096)
def _fold_domain(domain: str) -> str:
    canonical = canonical_domain(domain)
    if "xn--" in canonical:
        canonical = ".".join(_shown(label) for label in canonical.split("."))
    return fold(canonical)


def _shown(label: str) -> str:
    """An A-label as a reader sees it (RFC 5890 §2.3.2.1)."""
    if not label.startswith("xn--") or len(label) > 63:
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label


@dataclass(frozen=True, slots=True)
class Likeness:
    """What looks like a listed entry, without being listed."""

    shown: str
    entry: ListEntry


class LookAlikes:
    """The entries of a list as they look. Immutable; look-ups cost as much as those of the list."""

    __slots__ = ("_by_name", "_domains", "_first_words")

    def __init__(self, entries: Iterable[ListEntry]) -> None:
        entries = tuple(entries)
        self._domains = ListIndex((entry for entry in entries if entry.kind is not EntryKind.ADDRESS), shown_as=_folded)
        self._by_name = {
            _fold_name(name): entry
            for entry in reversed(entries)
            for name in (entry.mission_en, entry.mission_fr, entry.mission_zh)
            if name
        }
        self._first_words = {_first_word(name.partition(" ")[0]) for name in self._by_name}

    def domain(self, domain: str) -> Likeness | None:
        """The entry that an unlisted domain looks like, or is below of."""
        if not domain:
            return None
        found = self._domains.lookup_domain(fold_domain(domain))
        return Likeness(domain, found[0]) if found else None

    def name(self, name: str) -> Likeness | None:
        """The entry whose mission has this official name."""
        entry = self._by_name.get(_fold_name(name)) if 0 < len(name) <= LONGEST_NAME else None
        return Likeness(name, entry) if entry is not None else None

    def may_know_name(self, name: str) -> bool:
        """The cheap test: whether the name begins like an official one. People's names don't, and words are few."""
        return _first_word(name.partition(" ")[0]) in self._first_words


_SPELLED_OUT = {fold("prc"): fold("People's Republic of China"), fold("rpc"): fold("République populaire de Chine")}
"""Lists abbreviate what an official name spells out."""


@lru_cache(maxsize=4096)
def _fold_name(name: str) -> str:
    """Spaces and punctuation around words don't count, and abbreviations stand for what they mean."""
    words = fold(name).replace("\u2019", "'").split()
    return " ".join(_SPELLED_OUT.get(word, word) for word in words).strip(" .,;:'\"-")


@lru_cache(maxsize=4096)
def _first_word(word: str) -> str:
    """What `_fold_name` makes of it, as far as the first space."""
    return _fold_name.__wrapped__(word).partition(" ")[0]


_NAME = re.compile(r'"((?:[^"\\]|\\.)*+)"|\(([^()]*+)\)|([^"(),:;<>@]++)(?:<|\Z)?')


_QUOTED_PAIR = re.compile(r"\\(.)")


def display_names(fields: Iterable[HeaderField]) -> Iterator[str]:
    """What readers are shown for a name: phrases before an address, quoted strings, comments; decoded."""
    for name, value, _ in fields:
        if name in NAMING_FIELDS:
            yield from _names(value) if len(value) <= LONGEST_NAME else _names.__wrapped__(value[:LONGEST_FIELD])


@lru_cache(maxsize=4096)
def _names(value: bytes) -> tuple[str, ...]:
    names = []
    for match in _NAME.finditer(decode_text(value)):
        quoted, comment, phrase = match.groups()
        if phrase is not None and not match[0].endswith("<"):
            continue  # part of an address, not a name before one
        name = (quoted or comment or phrase or "").strip()
        if name:
            names.append(_QUOTED_PAIR.sub(r"\1", name) if "\\" in name else name)
    return tuple(names)
