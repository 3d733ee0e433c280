"""A change of the sender lists: one version, who made it and when, and what it added and removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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
