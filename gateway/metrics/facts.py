"""What monitoring is told, before anybody has written it down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from filters.rulebook import Rulebook
    from gateway.model.backlog import Backlog
    from gateway.model.measures import Measures


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that is told, as of `now`. `totals` are the counters' cells, `workers` process ids."""

    now: datetime
    version: str
    totals: Sequence[int]
    rulebook: Rulebook
    backlog: Backlog | None
    """None when the store did not answer in time."""
    measures: Measures
    workers: Sequence[int | None] = ()
    """None where a worker is being replaced."""
