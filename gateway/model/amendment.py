"""What a person adds to a report that has left: a later report under the same reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from filters.disposition import Tier

LONGEST = 4000
"""Characters of what is added: all of it stands in the summary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """One addition. The case itself keeps its first verdict."""

    item_id: str
    """Of the outbox item that carries it."""
    at: datetime
    actor: str
    text: str
    tier: Tier | None = None
    """How the case is classified from now on, in a person's judgement; None where that doesn't change."""
