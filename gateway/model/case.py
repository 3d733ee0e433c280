"""A case: the record of one flagged message, or of one contact entered by hand; its deliveries and their states."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, NewType

from filters.authentication import NOT_AUTHENTICATED, Authentication

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from filters.disposition import Mode, Tier
    from gateway.model.hold import Hold

CaseId = NewType("CaseId", int)


class CaseStatus(StrEnum):
    """Whether records staff still have something to do."""

    OPEN = "open"
    CLOSED = "closed"


class ContactKind(StrEnum):
    """How the mission got in touch, and how that is known. What is neither mail nor a forward is entered by hand."""

    MAIL = "mail"
    FORWARD = "forward"
    """By mail that reached somebody elsewhere, who forwarded it to the intake address."""
    PHONE = "phone"
    IN_PERSON = "in-person"
    LETTER = "letter"
    EVENT = "event"
    SOCIAL = "social"
    """On a social network."""

    @property
    def is_mail(self) -> bool:
        """Whether a message is on record, not what somebody wrote down."""
        return self in {ContactKind.MAIL, ContactKind.FORWARD}


class AnswerState(StrEnum):
    """Whether the collation address has answered to the report of a case."""

    NONE = "none"
    RECEIVED = "received"
    """Mail came in that names the case; nobody has recorded yet what it says."""
    ANSWERED = "answered"
    """A person recorded what was answered."""


class DeliveryState(StrEnum):
    """What became of the message for one recipient."""

    PENDING = "pending"
    """To be relayed; the next hop's answer is not recorded yet."""
    RELAYED = "relayed"
    HELD = "held"
    RELEASED = "released"
    REFUSED = "refused"
    """The next hop answered 5yz: to this copy, or to one before it, after which the client is told it for all."""


class ActionState(StrEnum):
    """How far a case's decline or report is."""

    NONE = "none"
    REVIEW = "review"
    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    UNCERTAIN = "uncertain"
    FAILED = "failed"
    CANCELLED = "cancelled"


def was_left(state: ActionState, status: CaseStatus) -> bool:
    """Whether the case was closed without that decline or report: there is nothing to decide any more."""
    return state is ActionState.REVIEW and status is CaseStatus.CLOSED


def how_far(state: ActionState, status: CaseStatus) -> str:
    """A decline or report in a word: of a closed case nothing waits for a person."""
    return "not sent" if was_left(state, status) else state.value


DELIVERY_TRANSITIONS: Mapping[DeliveryState, frozenset[DeliveryState]] = MappingProxyType(
    {
        DeliveryState.PENDING: frozenset({DeliveryState.RELAYED, DeliveryState.REFUSED}),
        DeliveryState.HELD: frozenset({DeliveryState.RELEASED}),
        DeliveryState.REFUSED: frozenset({DeliveryState.RELAYED}),
        DeliveryState.RELAYED: frozenset(),
        DeliveryState.RELEASED: frozenset(),
    }
)


class Disposal(StrEnum):
    """Why a case was closed."""

    HANDLED = "handled"
    DISMISSED = "dismissed"
    """Not a mission after all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFinding:
    """A finding as kept with the case: words and values, no objects of the day's code."""

    rule: str
    evidence: str
    identity: str = ""
    """RFC 5598 notation, or ""."""
    address: str = ""
    entry: str = ""
    """The list entry's "kind value", or ""."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One flagged message, or one contact by hand.

    `id` is None until stored; `reference` is the opaque "LG-XXXXX-XXXXX" shown to people;
    `reverse_path` is "" for the null path; `header_from`, `subject`, `message_id` are decoded for display;
    `sha256` is of the content as received, hex; `size` in octets; `entry` the deciding value ("" if none);
    `mission_en` and `mission_fr` name the deciding entry's mission;
    `authentication` is what SPF, DKIM and DMARC said, why, and by which answers of the DNS, as it was then.
    """

    reference: str
    intake_key: str
    tier: Tier
    status: CaseStatus
    received_at: datetime
    reverse_path: str
    header_from: str
    subject: str
    message_id: str
    sha256: str
    size: int
    entry: str
    entries: tuple[str, ...]
    mission_en: str
    mission_fr: str
    decline: ActionState
    report: ActionState
    mode: Mode
    rulebook_version: int
    client_ip: str
    helo: str
    protocol: str
    tls: str
    smtputf8: bool
    body: str
    findings: tuple[StoredFinding, ...] = ()
    ambiguous: tuple[str, ...] = ()
    decline_reasons: tuple[str, ...] = ()
    """Why the gateway did not decline by itself, in words, as it was when the case was recorded."""
    report_reasons: tuple[str, ...] = ()
    """Why the gateway did not report by itself."""
    authentication: Authentication = NOT_AUTHENTICATED
    silenced: bool = False
    """Somebody decided that no decline may be sent, whoever asks for it later."""
    disposal: Disposal | None = None
    closed_at: datetime | None = None
    kind: ContactKind = ContactKind.MAIL
    assigned_to: str = ""
    """The account of who sees to it, or ""."""
    assigned_at: datetime | None = None
    answer: AnswerState = AnswerState.NONE
    """Of the collation address, to the report."""
    id: CaseId | None = None

    @property
    def stored_id(self) -> CaseId:
        """The id of a case that came out of the store; ValueError for one that never was in it."""
        if self.id is None:
            raise ValueError(f"{self.reference} was never stored")
        return self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The message for one recipient. `recipient` is the forward-path as received; `key` is what makes it unique."""

    recipient: str
    key: str
    tier: Tier
    state: DeliveryState
    reply: str = ""
    """The next hop's last answer, as one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What a person wrote on a case."""

    at: datetime
    actor: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """A case with everything that hangs on it, for showing."""

    case: Case
    deliveries: tuple[Delivery, ...]
    notes: tuple[Note, ...] = field(default=())
    holds: tuple[Hold, ...] = field(default=())
    """Every legal hold that was ever placed, in order."""

    @property
    def on_hold(self) -> bool:
        """Whether a legal hold stands."""
        return any(hold.stands for hold in self.holds)
