"""Disposal of cases whose time is over: what may go, what stays and why, and what is left of a case after it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from filters.sentence import Sentence
from gateway.model.retention import RetentionClass, retention_class

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from gateway.model.case import ActionState, CaseId, ContactKind, Disposal
    from gateway.model.retention import Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedCase:
    """What a purge has to know of a case. `unfinished`: mail of it still waits to leave, or is leaving."""

    id: CaseId
    reference: str
    kind: ContactKind
    disposal: Disposal | None
    report: ActionState
    received_at: datetime
    closed_at: datetime
    sha256: str
    size: int
    on_hold: bool
    unfinished: bool

    @property
    def kept_as(self) -> RetentionClass:
        """Its class."""
        return retention_class(self.kind, self.disposal, self.report)

    def is_due(self, schedule: Schedule, now: datetime, before: datetime | None) -> bool:
        """Whether its time is over, and it closed before that moment. Not yet whether it may go."""
        due_at = schedule.due_at(self.kept_as, self.closed_at)
        return due_at is not None and due_at <= now and (before is None or self.closed_at < before)


@dataclass(frozen=True, slots=True, kw_only=True)
class DisposedCase:
    """What is left of a case: no address and no text. `days` is the rule by which it went."""

    reference: str
    kind: ContactKind
    sha256: str
    size: int
    kept_as: RetentionClass
    days: int
    received_at: datetime
    closed_at: datetime
    disposed_at: datetime


@dataclass(slots=True)
class Share:
    """Cases of one class: how many, their octets, and when the first and the last of them closed."""

    cases: int = 0
    octets: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None

    def add(self, case: ClosedCase) -> None:
        """Count a case."""
        self.cases += 1
        self.octets += case.size
        self.oldest = min(filter(None, (self.oldest, case.closed_at)))
        self.newest = max(filter(None, (self.newest, case.closed_at)))


@dataclass(slots=True)
class Due:
    """What a purge would find: `going` in the order in which cases closed, as id and octets."""

    going: list[tuple[CaseId, int]] = field(default_factory=list)
    shares: dict[RetentionClass, Share] = field(default_factory=lambda: {one: Share() for one in RetentionClass})
    on_hold: int = 0
    unfinished: int = 0

    def add(self, case: ClosedCase) -> None:
        """Count a case whose time is over."""
        self.on_hold += case.on_hold
        self.unfinished += case.unfinished and not case.on_hold
        if not (case.on_hold or case.unfinished):
            self.going.append((case.id, case.size))
            self.shares[case.kept_as].add(case)


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeRun:
    """One purge. `document` is its certificate as JSON, "" until it has ended."""

    id: str
    begun_at: datetime
    seen_at: datetime
    actor: str
    ended_at: datetime | None
    document: str


RULES: Mapping[RetentionClass, Sentence] = {
    RetentionClass.DISMISSED: Sentence("closed as no approach by a mission"),
    RetentionClass.CONTACT: Sentence("a contact by hand"),
    RetentionClass.REPORTED: Sentence("mail that was reported, or may have been"),
    RetentionClass.HANDLED: Sentence("mail that was handled without a report"),
}
"""The classes in words, for certificates and listings."""
