"""What takes too long: reports that the collation address does not have, held mail that nobody decided about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from filters.disposition import Tier
from gateway.model.outbox import OutboxState

if TYPE_CHECKING:
    from datetime import datetime

MOST_REFERENCES = 20
"""How many cases are named: the oldest."""

NOT_ACCEPTED = (OutboxState.WAITING, OutboxState.SENDING, OutboxState.FAILED)
"""States of a report that was asked for, and that the collation address's server has not accepted."""
OWED = (Tier.CONFIRMED, Tier.UNVERIFIED)
"""Tiers in which a listed sender wrote to the agency: their report is owed even while it waits for a person."""
UNPROVEN_BY_FAULT = "a fault of the gateway"
"""How the reason begins for which a sender is unproven, where sender authentication raised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long something may take before it is late."""

    report: timedelta = timedelta(hours=4)
    held: timedelta = timedelta(hours=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """Cases that are late for one reason. `since` is when the oldest began to wait, `references` name the oldest."""

    number: int = 0
    since: datetime | None = None
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness:
    """Everything that is late at one moment, and mail that passed without being screened in the last day."""

    reports: Late
    held: Late
    unscreened: Late
