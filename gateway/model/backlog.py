"""What waits, in numbers: what monitoring is told of the record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.model.outbox import OutboxState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from gateway.model.outbox import Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided:
    """Open cases that wait for a person; one may wait for several things."""

    delivery: int
    """A copy is held."""
    decline: int
    report: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Numbers of outbox items and of open cases, at one moment."""

    items: Mapping[tuple[Purpose, OutboxState], int]
    """What is not in it, there is none of."""
    oldest: Mapping[tuple[Purpose, OutboxState], datetime]
    """When the oldest of those was made."""
    paused: bool
    """Nothing leaves the outbox before a person lets it."""
    open_cases: int
    undecided: Undecided
    unaccepted_since: datetime | None = None
    """Since when the oldest report waits that the collation address's server has not accepted."""
    held_since: datetime | None = None
    """Since when the oldest held mail of an open case waits."""

    @property
    def waiting_since(self) -> datetime | None:
        """When the oldest item that waits was made."""
        return min((at for (_, state), at in self.oldest.items() if state is OutboxState.WAITING), default=None)

    def waiting_for(self, purpose: Purpose) -> datetime | None:
        """When the oldest item of this purpose that waits was made."""
        return self.oldest.get((purpose, OutboxState.WAITING))

    def items_in(self, state: OutboxState) -> int:
        """How many items are in that state."""
        return sum(number for (_, its), number in self.items.items() if its is state)
