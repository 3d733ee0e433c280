"""What waits, in numbers: what monitoring is told of the record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from gateway.model.outbox import OutboxState, Purpose


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
    waiting_since: datetime | None
    """When the oldest item that waits was made."""
    paused: bool
    """Nothing leaves the outbox before a person lets it."""
    open_cases: int
    undecided: Undecided
