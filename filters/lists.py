"""Sender lists: entries, and the compiled index that finds them in O(labels).

(to be completed; signatures are fixed)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from filters.address import Mailbox
    from filters.disposition import Delivery, Handling, Mode


class EntryKind(StrEnum):
    """How an entry's value is matched."""

    ADDRESS = "address"
    DOMAIN = "domain"
    SUBTREE = "subtree"
    LABEL = "label"


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


class ListIndex:
    """The entries, compiled. Immutable after construction; lookups cost O(labels), not O(entries)."""

    def __init__(self, entries: Iterable[ListEntry]) -> None:
        raise NotImplementedError

    def lookup(self, mailbox: Mailbox) -> tuple[ListEntry, ...]:
        """Every entry that covers the address, the most specific first (address, longest domain, label)."""
        raise NotImplementedError
