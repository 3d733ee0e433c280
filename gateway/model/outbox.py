"""The outbox: every mail that we originate, one item for one mail to one recipient.

States are data. A decline errs towards silence, everything else towards a second copy with the same Message-ID
(decision 13), which is why only a decline can become `uncertain`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from filters.sentence import Sentence

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
    RETRACTION = "retraction"
    """A later report under the same reference, which takes the first one back: the case was dismissed."""
    AMENDMENT = "amendment"
    """A later report under the same reference, which adds to the first one what a person has to say."""
    ACKNOWLEDGEMENT = "acknowledgement"
    """To an officer who forwarded a message: recorded under this reference, or not read and why."""


NEED_THE_ORIGINAL = frozenset({Purpose.DECLINE, Purpose.REPORT, Purpose.RELEASE})
"""A decline carries nothing of it, but the hard gate reads its header once more."""

TO_COLLATION = frozenset({Purpose.REPORT, Purpose.AMENDMENT, Purpose.RETRACTION})
"""Reports, and what is said later about one: all that is encrypted where there is a certificate for it."""

THAWED_UNLESS_TAKEN = frozenset({Purpose.REPORT, Purpose.RETRACTION})
"""Whether they may have arrived is asked later, when a case is dismissed or taken up again. So an attempt that surely
delivered nothing leaves no bytes behind: those that stand tell of one whose end nobody knows."""

LARGE = 256 * 1024
"""Octets of an original, from which on mail that needs it stands in memory in turn only."""


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

    `frozen` tells whether its bytes exist. They are made at the first attempt and never change after it, but for
    `THAWED_UNLESS_TAKEN`.
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
    octets: int = 0
    """Of the original, where that is read whole to write this mail; else 0."""

    @property
    def may_have_arrived(self) -> bool:
        """It left, or an attempt began whose outcome nobody knows for certain."""
        attempted = self.frozen and self.attempts > 0 and self.state is OutboxState.WAITING
        return attempted or self.state in {OutboxState.SENDING, OutboxState.SENT, OutboxState.UNCERTAIN}


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
        octets=case.size if case and purpose in NEED_THE_ORIGINAL else 0,
    )


def once_more(item: OutboxItem, actor: str) -> Sentence:
    """The last reply of an item that somebody wants to be tried again."""
    if not item.last_reply:
        return Sentence("once more, asked for by {actor}", actor=actor)
    return Sentence("{reply}; once more, asked for by {actor}", reply=item.last_reply, actor=actor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A mail ready to send: `reverse_path` "" for `<>`, one `recipient`, the `content` with CRLF line ends."""

    reverse_path: str
    recipient: str
    content: bytes
    message_id: str
    needs_verified_tls: bool = False
    smtputf8: bool = False
