"""The rulebook: one immutable snapshot of everything that policy may depend on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from filters.address import MAX_DOMAIN
from filters.disposition import DEFAULT_POLICY, Mode, Policy, Tier
from filters.lookalike import LookAlikes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, datetime

    from filters.lists import ListIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """A time-limited permission for a listed sender (address key or entry value) to reach some recipients (keys)."""

    id: str
    sender: str
    recipients: frozenset[str]
    """Canonical address keys; empty means every recipient."""
    until: datetime
    approver: str
    reason: str

    @property
    def last_day(self) -> date:
        """The day that somebody typed, which is over when the exemption is."""
        return (self.until - timedelta.resolution).date()


@dataclass(frozen=True, kw_only=True)
class Rulebook:
    """The only policy input of `screen()`. `version` stands in every case that it decided."""

    version: int
    index: ListIndex
    mode: Mode = Mode.AUTO
    policy: Mapping[Tier, Policy] = field(default_factory=lambda: DEFAULT_POLICY)
    emergency: frozenset[str] = frozenset()
    """Canonical keys of the emergency recipients."""
    exemptions: tuple[Exemption, ...] = ()

    def under(self, *, mode: Mode, policy: Mapping[Tier, Policy], emergency: frozenset[str]) -> Rulebook:
        """The same lists under another policy. What was made of the lists is kept: a long one takes a second."""
        other = replace(self, mode=mode, policy=policy, emergency=emergency)
        vars(other).update({name: vars(self)[name] for name in _OF_THE_LISTS if name in vars(self)})
        return other

    @cached_property
    def look_alikes(self) -> LookAlikes:
        """The entries as they look; made at the first question about this list."""
        return LookAlikes(self.index.entries)

    @cached_property
    def knows_domain(self) -> Callable[[str], bool]:
        """Whether anything at this domain can be listed, or look so. For most mail: no, and remembered."""
        index, look_alikes = self.index, self.look_alikes  # not self: a rulebook that was replaced is gone at once

        def knows(domain: str) -> bool:
            return index.reaches(domain) or look_alikes.domain(domain) is not None

        remembered = lru_cache(maxsize=4096)(knows)
        return lambda domain: remembered(domain) if len(domain) <= MAX_DOMAIN else knows(domain)


_OF_THE_LISTS = ("look_alikes", "knows_domain")
"""What depends on the lists alone."""
