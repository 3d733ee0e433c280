"""What this process knows of itself: its parts, told by whoever runs them, and asked by health and status."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.counters import CONNECTIONS_FULL, CONNECTIONS_FULL_FOR_CLIENT, CONNECTIONS_OPEN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """The parts of a process. What can change is asked anew each time."""

    role: str
    started_at: datetime
    takes_mail: bool = False
    sends_mail: bool = False
    listening: Callable[[], str] = str
    """Where mail is taken."""
    unready: Callable[[], str] = str
    """Why no mail is taken now, "" while it is."""
    workers: Callable[[], Sequence[int | None]] = list
    """Process ids of SMTP workers; none where the process takes mail itself."""
    totals: Callable[[], Sequence[int]] = field(default=list)
    """The cells of all counters, over all processes of the service."""


class Running:
    """What is told about this process; nothing yet before it serves."""

    def __init__(self) -> None:
        self.process: Process | None = None

    def begin(self, process: Process) -> None:
        """It serves, with these parts."""
        self.process = process

    @property
    def connections(self) -> int:
        """Open now."""
        return self._cell(CONNECTIONS_OPEN)

    @property
    def turned_away(self) -> int:
        """Connections since the start, for there were too many."""
        return self._cell(CONNECTIONS_FULL) + self._cell(CONNECTIONS_FULL_FOR_CLIENT)

    def _cell(self, number: int) -> int:
        totals = self.process.totals() if self.process is not None else ()
        return totals[number] if totals else 0
