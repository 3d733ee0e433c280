"""The closed vocabularies of a decision: tiers, modes, what is done, and their orders of strictness.

Nothing here decides; `filters.screening` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Tier(StrEnum):
    """How a message stands towards the sender lists, for one recipient; the first that applies, from the top."""

    EMERGENCY = "emergency"
    SPOOFED = "spoofed"
    EXEMPT = "exempt"
    RELATED = "related"
    CONFIRMED = "confirmed"
    UNVERIFIED = "unverified"
    SUSPECT = "suspect"
    CLEAR = "clear"


class Mode(StrEnum):
    """The ceiling on what the gateway does by itself, from the lowest."""

    OBSERVE = "observe"
    ASSIST = "assist"
    AUTO = "auto"


class Delivery(StrEnum):
    """What happens to the message for one recipient, as people say it."""

    PASS = "pass"
    """Relayed unchanged."""
    FLAG = "flag"
    """Relayed with the X-Liaison-Flag field."""
    HOLD = "hold"
    """Kept for records staff."""


class Handling(StrEnum):
    """Who starts a decline or a report: the gateway, records staff, or nobody."""

    AUTO = "auto"
    REVIEW = "review"
    NEVER = "never"


class Disposition(StrEnum):
    """What the SMTP path does with the message for one recipient."""

    RELAY_FIRST = "relay-first"
    RELAY = "relay"
    WITHHOLD = "withhold"


MODE_ORDER = (Mode.OBSERVE, Mode.ASSIST, Mode.AUTO)
STRICTNESS = (Handling.AUTO, Handling.REVIEW, Handling.NEVER)
"""From the most forthcoming to the strictest."""


def lower_mode(*modes: Mode) -> Mode:
    """The lowest of the modes given."""
    return min(modes, key=MODE_ORDER.index)


def stricter(*handlings: Handling) -> Handling:
    """The strictest of the handlings given."""
    return max(handlings, key=STRICTNESS.index)


def more_forthcoming(*handlings: Handling) -> Handling:
    """The most forthcoming of the handlings given."""
    return min(handlings, key=STRICTNESS.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One row of the policy table: what a tier leads to."""

    delivery: Delivery
    decline: Handling
    report: Handling
    notice: bool


DEFAULT_POLICY: Mapping[Tier, Policy] = MappingProxyType(
    {
        Tier.EMERGENCY: Policy(delivery=Delivery.FLAG, decline=Handling.NEVER, report=Handling.REVIEW, notice=False),
        Tier.SPOOFED: Policy(delivery=Delivery.HOLD, decline=Handling.NEVER, report=Handling.REVIEW, notice=True),
        Tier.EXEMPT: Policy(delivery=Delivery.FLAG, decline=Handling.NEVER, report=Handling.REVIEW, notice=False),
        Tier.RELATED: Policy(delivery=Delivery.FLAG, decline=Handling.REVIEW, report=Handling.REVIEW, notice=False),
        Tier.CONFIRMED: Policy(delivery=Delivery.HOLD, decline=Handling.AUTO, report=Handling.AUTO, notice=True),
        Tier.UNVERIFIED: Policy(delivery=Delivery.HOLD, decline=Handling.REVIEW, report=Handling.AUTO, notice=True),
        Tier.SUSPECT: Policy(delivery=Delivery.FLAG, decline=Handling.REVIEW, report=Handling.REVIEW, notice=False),
        Tier.CLEAR: Policy(delivery=Delivery.PASS, decline=Handling.NEVER, report=Handling.NEVER, notice=False),
    }
)
"""The table of tiers. `[policy.TIER]` overrides single cells; `clear` is not configurable."""
