"""The outbox: every mail that we originate, one item for one mail to one recipient.

States are data. A decline errs towards silence, everything else towards a second copy with the same Message-ID
(decision 13), which is why only a decline can become `uncertain`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from gateway.model.case import Case, CaseId


class Purpose(StrEnum):
    """Why we write."""

    DECLINE = "decline"
    REPORT = "report"
    NOTICE = "notice"
    RELEASE = "release"
    DIGEST = "digest"


class OutboxState(StrEnum):
    """How far an item is."""

    WAITING = "waiting"
    SENDING = "sending"
    """The final dot may have been sent; its answer is not recorded yet."""
    SENT = "sent"
    UNCERTAIN = "uncertain"
    FAILED = "failed"
    CANCELLED = "cancelled"


OUTBOX_TRANSITIONS: Mapping[OutboxState, frozenset[OutboxState]] = MappingProxyType(
    {
        OutboxState.WAITING: frozenset({OutboxState.SENDING, OutboxState.FAILED, OutboxState.CANCELLED}),
        OutboxState.SENDING: frozenset(
            {OutboxState.SENT, OutboxState.WAITING, OutboxState.FAILED, OutboxState.UNCERTAIN}
        ),
        OutboxState.UNCERTAIN: frozenset({OutboxState.WAITING, OutboxState.CANCELLED}),
        OutboxState.FAILED: frozenset({OutboxState.WAITING, OutboxState.CANCELLED}),
        OutboxState.SENT: frozenset(),
        OutboxState.CANCELLED: frozenset(),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxItem:
    """One mail. `id` is an opaque token that outlives retries; `to` one address; `case_id` None for a digest.

    `frozen` tells whether its bytes exist (they are made at the first attempt and never change after it).
    """

    id: str
    purpose: Purpose
    to: str
    state: OutboxState
    created_at: datetime
    due_at: datetime
    case_id: CaseId | None
    case_reference: str = ""
    attempts: int = 0
    last_reply: str = ""
    frozen: bool = False
    requested_by: str = ""
    summary: bool = False
    """A report that was refused with the original, and goes once more without."""
    original_size: int = 0
    """Octets of the case's message."""

    @property
    def needs_original(self) -> bool:
        """Whether the case's message is read to make it: to carry it, or to see whether it may be answered."""
        return self.purpose in (Purpose.DECLINE, Purpose.RELEASE) or (
            self.purpose is Purpose.REPORT and not self.summary
        )


def new_item(
    item_id: str,
    purpose: Purpose,
    to: str,
    case: Case | None,
    *,
    now: datetime,
    requested_by: str,
    due_at: datetime | None = None,
) -> OutboxItem:
    """An item of a case, or of none, that waits from now on; sent from `due_at` on, or at once."""
    return OutboxItem(
        id=item_id,
        purpose=purpose,
        to=to,
        state=OutboxState.WAITING,
        created_at=now,
        due_at=due_at or now,
        case_id=case.id if case else None,
        case_reference=case.reference if case else "",
        requested_by=requested_by,
        original_size=case.size if case else 0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A mail ready to send: `reverse_path` "" for `<>`, one `recipient`, the `content` with CRLF line ends."""

    reverse_path: str
    recipient: str
    content: bytes
    message_id: str
    needs_verified_tls: bool = False
    smtputf8: bool = False
