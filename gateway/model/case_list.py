"""The list of cases as people ask for it: filters, order, pages, and the numbers of what needs a person."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from filters.disposition import Tier
from gateway.model.case import ActionState, AnswerState, CaseStatus, DeliveryState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from gateway.model.case import ContactKind, Disposal

PAGE = 50
"""Cases on one page."""


class CaseOrder(StrEnum):
    """What comes first; among equals the newest."""

    NEWEST = "newest"
    OLDEST = "oldest"
    MISSION = "mission"
    """By its English name; cases of no mission last."""
    TIER = "tier"
    """In the order in which the tiers are tried: emergencies first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFilter:
    """Which cases: all that is given has to hold. What is None, or no word, doesn't matter."""

    tier: Tier | None = None
    status: CaseStatus | None = None
    entry: str | None = None
    mission: str | None = None
    """Its English name as the case keeps it; "" for cases without one."""
    since: datetime | None = None
    """Received at this moment or later."""
    until: datetime | None = None
    """Received before this moment."""
    delivery: DeliveryState | None = None
    """At least one recipient's."""
    decline: ActionState | None = None
    report: ActionState | None = None
    """Either that waits to be decided is one of an open case, unless closed cases are asked for: those were left."""
    assigned_to: str | None = None
    """"" for cases that are nobody's."""
    kind: ContactKind | None = None
    answer: AnswerState | None = None
    """Of the collation address; `none` means that a report was sent and nothing was answered yet."""
    on_hold: bool | None = None
    """Whether a legal hold stands."""
    overdue: datetime | None = None
    """Its report should have been accepted by the collation address's server before this moment."""
    words: tuple[str, ...] = ()
    """Each has to occur in the reference, the reverse-path, the From field, the subject, or a recipient."""


EVERY_CASE = CaseFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseLine:
    """One case in a list."""

    reference: str
    kind: ContactKind
    tier: Tier
    status: CaseStatus
    disposal: Disposal | None
    received_at: datetime
    reverse_path: str
    header_from: str
    subject: str
    entry: str
    mission_en: str
    mission_fr: str
    decline: ActionState
    report: ActionState
    assigned_to: str
    answer: AnswerState
    recipient: str
    """One of them, "" without any."""
    deliveries: Mapping[DeliveryState, int]
    """How many recipients are in which state."""
    on_hold: bool
    """Whether a legal hold stands."""

    @property
    def recipients(self) -> int:
        """How many there are."""
        return sum(self.deliveries.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePage:
    """A page of a list: `number` counts from 1, `total` is of the whole list."""

    lines: tuple[CaseLine, ...]
    number: int
    total: int

    @property
    def pages(self) -> int:
        """How many there are; an empty list has one."""
        return max(1, -(-self.total // PAGE))


class Need(StrEnum):
    """Why a case needs a person."""

    HELD = "held"
    DECLINE_REVIEW = "decline-review"
    REPORT_REVIEW = "report-review"
    SUSPECT = "suspect"
    RELATED = "related"
    DECLINE_FAILED = "decline-failed"
    DECLINE_UNCERTAIN = "decline-uncertain"
    REPORT_FAILED = "report-failed"
    ANSWER_RECEIVED = "answer-received"
    """Mail came that may be an answer of the collation address: somebody has to read and record it."""


NEEDS: Mapping[Need, CaseFilter] = MappingProxyType(
    {
        Need.HELD: CaseFilter(status=CaseStatus.OPEN, delivery=DeliveryState.HELD),
        Need.DECLINE_REVIEW: CaseFilter(status=CaseStatus.OPEN, decline=ActionState.REVIEW),
        Need.REPORT_REVIEW: CaseFilter(status=CaseStatus.OPEN, report=ActionState.REVIEW),
        Need.SUSPECT: CaseFilter(status=CaseStatus.OPEN, tier=Tier.SUSPECT),
        Need.RELATED: CaseFilter(status=CaseStatus.OPEN, tier=Tier.RELATED),
        Need.DECLINE_FAILED: CaseFilter(decline=ActionState.FAILED),
        Need.DECLINE_UNCERTAIN: CaseFilter(decline=ActionState.UNCERTAIN),
        Need.REPORT_FAILED: CaseFilter(report=ActionState.FAILED),
        Need.ANSWER_RECEIVED: CaseFilter(answer=AnswerState.RECEIVED),
    }
)
"""Which cases each reason means: what is counted is what the list then shows. Mail may fail after its case closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """How many cases need a person for one reason, and when the oldest of them was received."""

    cases: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedMission:
    """A mission that cases name: what a filter offers."""

    name_en: str
    name_fr: str
    entry: str
    cases: int
