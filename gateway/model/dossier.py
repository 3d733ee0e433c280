"""A case with everything that is known of it: what its page and its command show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.model.case import DeliveryState
from gateway.model.outbox import OutboxState, Purpose

if TYPE_CHECKING:
    from filters.sentence import Sentence
    from gateway.model.amendment import Amendment
    from gateway.model.answer import Answer
    from gateway.model.audit import AuditEntry
    from gateway.model.case import CaseFile
    from gateway.model.contact import Contact
    from gateway.model.forward import ForwardedMail
    from gateway.model.outbox import OutboxItem
    from gateway.model.retention import Keeping


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """A case with everything that is known of it."""

    file: CaseFile
    items: tuple[OutboxItem, ...]
    audit: tuple[AuditEntry, ...]
    objections: tuple[Sentence, ...]
    """Why no decline may be sent, in words; empty when one may."""
    keeping: Keeping
    """What the retention schedule says."""
    contact: Contact | None = None
    """What was entered by hand, if the case was."""
    forwards: tuple[ForwardedMail, ...] = ()
    """By whom its message was forwarded to the intake mailbox, and when."""
    amendments: tuple[Amendment, ...] = ()
    """What was added to its report after that left."""
    answers: tuple[Answer, ...] = ()
    """Of the collation address."""
    unreadable: Sentence | None = None
    """Why its message, or what was entered by hand, can't be opened; None where it can."""

    @property
    def version(self) -> int:
        """What a verb takes as `expected`: the case is as it was when it was looked at."""
        return max((entry.seq for entry in self.audit), default=0)

    @property
    def held(self) -> tuple[str, ...]:
        """Recipients whose copy is held and not on its way to them."""
        leaving = {item.to for item in self.items if is_pending_release(item)}
        held = (one.recipient for one in self.file.deliveries if one.state is DeliveryState.HELD)
        return tuple(recipient for recipient in held if recipient not in leaving)

    @property
    def was_taken_back(self) -> bool:
        """Whether a retraction of its report has left: there is one for each case, also if it was taken up again."""
        return any(item.purpose is Purpose.RETRACTION and item.may_have_arrived for item in self.items)

    @property
    def is_being_released(self) -> bool:
        """Whether a copy is on its way."""
        return any(is_pending_release(item) for item in self.items)


def is_pending_release(item: OutboxItem) -> bool:
    """Whether it brings a recipient the held copy, and has not left."""
    return item.purpose is Purpose.RELEASE and item.state in {OutboxState.WAITING, OutboxState.SENDING}
