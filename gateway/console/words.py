"""The words of closed vocabularies, as pages show them: one table for each. Marked here, translated where shown."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from filters.disposition import Delivery, Handling, Mode, Tier
from filters.lists import EntryKind
from gateway.console.navigation import N_
from gateway.model.case import (
    ActionState,
    AnswerState,
    CaseStatus,
    ContactKind,
    DeliveryState,
    Disposal,
    was_left,
)
from gateway.model.case_list import CaseOrder, Need
from gateway.model.forward import ForwardForm
from gateway.model.health import Aspect, Grade
from gateway.model.list_import import LineFate
from gateway.model.list_table import EntryOrder
from gateway.model.outbox import OutboxState, Purpose
from gateway.model.people import Role, Verb
from gateway.model.retention import RetentionClass
from gateway.operations.bulk import BulkVerb

if TYPE_CHECKING:
    from collections.abc import Mapping

TIERS: Mapping[Tier, str] = MappingProxyType(
    {
        Tier.EMERGENCY: N_("emergency"),
        Tier.SPOOFED: N_("spoofed"),
        Tier.EXEMPT: N_("exempt"),
        Tier.RELATED: N_("related"),
        Tier.CONFIRMED: N_("confirmed"),
        Tier.UNVERIFIED: N_("unverified"),
        Tier.SUSPECT: N_("suspect"),
        Tier.CLEAR: N_("clear"),
    }
)

TIER_MEANINGS: Mapping[Tier, str] = MappingProxyType(
    {
        Tier.EMERGENCY: N_("A listed sender wrote to an emergency address: delivered first, and never declined."),
        Tier.SPOOFED: N_("Forged: the domain of the listed sender says that this mail is not its own."),
        Tier.EXEMPT: N_("A listed sender whom an exemption lets through."),
        Tier.RELATED: N_("A listed sender is named, but somebody else sent the mail or passed it on."),
        Tier.CONFIRMED: N_("A listed sender, and proven genuine."),
        Tier.UNVERIFIED: N_("A listed sender is named; nothing proves that it is so."),
        Tier.SUSPECT: N_("Not listed, but looks like a listed domain or bears the official name of a mission."),
        Tier.CLEAR: N_("Nobody who is listed."),
    }
)

TIER_KINDS: Mapping[Tier, str] = MappingProxyType(
    {Tier.CONFIRMED: "bad", Tier.UNVERIFIED: "warn", Tier.SPOOFED: "warn", Tier.SUSPECT: "warn", Tier.EMERGENCY: "bad"}
)
"""Colours, which only repeat the word."""

STATUSES: Mapping[CaseStatus, str] = MappingProxyType({CaseStatus.OPEN: N_("open"), CaseStatus.CLOSED: N_("closed")})

DISPOSALS: Mapping[Disposal, str] = MappingProxyType(
    {Disposal.HANDLED: N_("handled"), Disposal.DISMISSED: N_("dismissed")}
)

DELIVERIES: Mapping[DeliveryState, str] = MappingProxyType(
    {
        DeliveryState.PENDING: N_("not known yet"),
        DeliveryState.RELAYED: N_("delivered"),
        DeliveryState.HELD: N_("held"),
        DeliveryState.RELEASED: N_("released"),
        DeliveryState.REFUSED: N_("refused by the mail server"),
    }
)

ACTIONS: Mapping[ActionState, str] = MappingProxyType(
    {
        ActionState.NONE: N_("none"),
        ActionState.REVIEW: N_("to decide"),
        ActionState.WAITING: N_("waits to leave"),
        ActionState.SENDING: N_("is leaving"),
        ActionState.SENT: N_("sent"),
        ActionState.UNCERTAIN: N_("uncertain"),
        ActionState.FAILED: N_("failed"),
        ActionState.CANCELLED: N_("cancelled"),
    }
)

ACTION_KINDS: Mapping[ActionState, str] = MappingProxyType(
    {
        ActionState.REVIEW: "warn",
        ActionState.UNCERTAIN: "warn",
        ActionState.FAILED: "bad",
        ActionState.SENT: "good",
    }
)
"""Colours, which only repeat the word."""


def action(state: ActionState, status: CaseStatus) -> tuple[str, str]:
    """The word for a decline or report of a case, and its colour."""
    return (N_("not sent"), "") if was_left(state, status) else (ACTIONS[state], ACTION_KINDS.get(state, ""))


KINDS: Mapping[ContactKind, str] = MappingProxyType(
    {
        ContactKind.MAIL: N_("mail"),
        ContactKind.FORWARD: N_("forwarded by an officer"),
        ContactKind.PHONE: N_("telephone"),
        ContactKind.IN_PERSON: N_("in person"),
        ContactKind.LETTER: N_("letter"),
        ContactKind.EVENT: N_("at an event"),
        ContactKind.SOCIAL: N_("social network"),
    }
)

ANSWERS: Mapping[AnswerState, str] = MappingProxyType(
    {
        AnswerState.NONE: N_("not answered"),
        AnswerState.RECEIVED: N_("answer came, not recorded"),
        AnswerState.ANSWERED: N_("answered"),
    }
)
"""Of the collation address, about cases that were reported."""

ANSWER_KINDS: Mapping[AnswerState, str] = MappingProxyType({AnswerState.RECEIVED: "warn", AnswerState.ANSWERED: "good"})
"""Colours, which only repeat the word."""

HOLDS: Mapping[str, str] = MappingProxyType({"yes": N_("on legal hold"), "no": N_("not on legal hold")})

KEPT_AS: Mapping[RetentionClass, str] = MappingProxyType(
    {
        RetentionClass.DISMISSED: N_("dismissed"),
        RetentionClass.CONTACT: N_("contact by hand"),
        RetentionClass.REPORTED: N_("reported mail"),
        RetentionClass.HANDLED: N_("mail without a report"),
    }
)
FORMS: Mapping[ForwardForm, str] = MappingProxyType(
    {ForwardForm.ATTACHED: N_("as an attachment"), ForwardForm.QUOTED: N_("as text, without its headers")}
)

PURPOSES: Mapping[Purpose, str] = MappingProxyType(
    {
        Purpose.DECLINE: N_("decline"),
        Purpose.REPORT: N_("report"),
        Purpose.AMENDMENT: N_("amendment"),
        Purpose.RETRACTION: N_("retraction"),
        Purpose.NOTICE: N_("notice"),
        Purpose.RELEASE: N_("release"),
        Purpose.DIGEST: N_("digest"),
        Purpose.ACKNOWLEDGEMENT: N_("acknowledgement"),
    }
)

ITEM_STATES: Mapping[OutboxState, str] = MappingProxyType(
    {
        OutboxState.WAITING: N_("waits to leave"),
        OutboxState.SENDING: N_("is leaving"),
        OutboxState.SENT: N_("sent"),
        OutboxState.UNCERTAIN: N_("uncertain"),
        OutboxState.FAILED: N_("failed"),
        OutboxState.CANCELLED: N_("cancelled"),
    }
)

ORDERS: Mapping[CaseOrder, str] = MappingProxyType(
    {
        CaseOrder.NEWEST: N_("newest first"),
        CaseOrder.OLDEST: N_("oldest first"),
        CaseOrder.MISSION: N_("by mission"),
        CaseOrder.TIER: N_("by tier"),
    }
)

NEEDS: Mapping[Need, str] = MappingProxyType(
    {
        Need.HELD: N_("Held, undecided"),
        Need.DECLINE_REVIEW: N_("Decline to decide"),
        Need.REPORT_REVIEW: N_("Report to decide"),
        Need.SUSPECT: N_("Suspects"),
        Need.RELATED: N_("Related"),
        Need.DECLINE_FAILED: N_("Decline failed"),
        Need.DECLINE_UNCERTAIN: N_("Decline uncertain"),
        Need.REPORT_FAILED: N_("Report failed"),
        Need.ANSWER_RECEIVED: N_("Answer to record"),
    }
)

MODES: Mapping[Mode, str] = MappingProxyType(
    {Mode.OBSERVE: N_("observe"), Mode.ASSIST: N_("assist"), Mode.AUTO: N_("auto")}
)

MODE_MEANINGS: Mapping[Mode, str] = MappingProxyType(
    {
        Mode.OBSERVE: N_("Only records: all mail is delivered unchanged, and nothing is sent because of it."),
        Mode.ASSIST: N_("Holds and marks mail; every decline and report waits for a person."),
        Mode.AUTO: N_("Does what the policy says: holds, declines and reports by itself."),
    }
)

GRADES: Mapping[Grade, str] = MappingProxyType(
    {
        Grade.GOOD: N_("good"),
        Grade.NOTE: N_("to know"),
        Grade.DEGRADED: N_("degraded"),
        Grade.FAILED: N_("failed"),
        Grade.UNKNOWN: N_("unknown"),
    }
)

GRADE_KINDS: Mapping[Grade, str] = MappingProxyType(
    {Grade.GOOD: "good", Grade.DEGRADED: "warn", Grade.FAILED: "bad", Grade.NOTE: "", Grade.UNKNOWN: ""}
)
"""Colours, which only repeat the word."""

TROUBLES: Mapping[str, str] = MappingProxyType(
    {
        "faults": N_("Faults in the gateway itself"),
        "store_failures": N_("Failures of the database"),
        "screening_failures": N_("Failures of screening"),
        "verification_failures": N_("Failures of sender authentication"),
        "workers_died": N_("Workers that died"),
        "log_lines_lost": N_("Log lines that could not be written"),
    }
)

PROCESSES: Mapping[str, str] = MappingProxyType(
    {
        "all": N_("all: takes mail, sends ours, shows the console"),
        "smtp": N_("smtp: takes mail only"),
        "dispatch": N_("dispatch: sends ours only"),
        "console": N_("console: shows the console only"),
    }
)
"""What one process does, by its `--role`."""

ENTRY_KINDS: Mapping[EntryKind, str] = MappingProxyType(
    {
        EntryKind.ADDRESS: N_("address"),
        EntryKind.DOMAIN: N_("domain alone"),
        EntryKind.SUBTREE: N_("domain and below"),
        EntryKind.LABEL: N_("label under a suffix"),
    }
)

ENTRY_ORDERS: Mapping[EntryOrder, str] = MappingProxyType(
    {
        EntryOrder.VALUE: N_("by domain"),
        EntryOrder.ADDED: N_("as added"),
        EntryOrder.CHANGED: N_("by last change"),
        EntryOrder.KIND: N_("by kind"),
        EntryOrder.MISSION: N_("by mission"),
        EntryOrder.REVIEW_BY: N_("by next review"),
        EntryOrder.HITS: N_("by hits"),
        EntryOrder.LAST_HIT: N_("by last hit"),
    }
)

FATES: Mapping[LineFate, str] = MappingProxyType(
    {LineFate.NEW: N_("new"), LineFate.KNOWN: N_("there already"), LineFate.REFUSED: N_("refused")}
)

HANDLINGS: Mapping[Handling, str] = MappingProxyType(
    {
        Handling.AUTO: N_("by the gateway"),
        Handling.REVIEW: N_("by a person"),
        Handling.NEVER: N_("never"),
    }
)

FATES_OF_MAIL: Mapping[Delivery, str] = MappingProxyType(
    {Delivery.HOLD: N_("held"), Delivery.FLAG: N_("delivered with a mark"), Delivery.PASS: N_("delivered unchanged")}
)

ASPECTS: Mapping[Aspect, str] = MappingProxyType(
    {
        Aspect.MODE: N_("Mode"),
        Aspect.SMTP: N_("Mail in"),
        Aspect.NEXT_HOP: N_("Next hop"),
        Aspect.OUTBOUND: N_("Outbound"),
        Aspect.REPORTS: N_("Reports"),
        Aspect.HELD: N_("Held mail"),
        Aspect.SCREENING: N_("Screening"),
        Aspect.LISTS: N_("Lists"),
        Aspect.CERTIFICATE: N_("Certificate"),
        Aspect.DISK: N_("Disk"),
        Aspect.AUDIT: N_("Audit log"),
    }
)

BULK: Mapping[BulkVerb, str] = MappingProxyType(
    {
        BulkVerb.CLOSE: N_("Close"),
        BulkVerb.ASSIGN: N_("Assign"),
        BulkVerb.REPORT: N_("Report to the collation address"),
        BulkVerb.RELEASE: N_("Release to the recipients"),
        BulkVerb.DECLINE: N_("Send the decline"),
        BulkVerb.SILENCE: N_("Silence: never decline"),
        BulkVerb.DISMISS: N_("Dismiss as not a mission"),
        BulkVerb.REOPEN: N_("Take up again"),
    }
)

BULK_EFFECTS: Mapping[BulkVerb, str] = MappingProxyType(
    {
        BulkVerb.CLOSE: N_("Each case is closed as handled. Copies that are held stay held."),
        BulkVerb.ASSIGN: N_("Each case is given to the person named below, or to nobody."),
        BulkVerb.REPORT: N_("A report of each case, with the original, goes to the collation address."),
        BulkVerb.RELEASE: N_("Every copy that is held is delivered to its recipient."),
        BulkVerb.DECLINE: N_("The sender of each case is sent the decline and referral, where nothing forbids it."),
        BulkVerb.SILENCE: N_("No decline is sent for these cases, whoever asks for it later."),
        BulkVerb.DISMISS: N_(
            "Each case is closed as no approach by a mission; what waits is cancelled, a sent report taken back."
        ),
        BulkVerb.REOPEN: N_("Closed cases are open again."),
    }
)

ROLES: Mapping[Role, str] = MappingProxyType(
    {
        Role.REVIEWER: N_("Reviewer: decides cases"),
        Role.LIST_ADMINISTRATOR: N_("List administrator: keeps the sender lists"),
        Role.AUDITOR: N_("Auditor: sees everything, changes nothing"),
        Role.OPERATOR: N_("Operator: IT; sees no case and no content"),
        Role.ADMINISTRATOR: N_("Administrator: everything, and the people"),
    }
)

VERBS: Mapping[Verb, str] = MappingProxyType(
    {
        Verb.SEE_STATUS: N_("See the status"),
        Verb.SEE_STATISTICS: N_("See statistics"),
        Verb.SEE_CASES: N_("See cases"),
        Verb.SEE_CONTENT: N_("Read messages"),
        Verb.DECIDE_CASES: N_("Decide cases, record contacts"),
        Verb.EXPORT_CASES: N_("Export cases"),
        Verb.HOLD_CASES: N_("Place and lift legal holds"),
        Verb.PURGE_CASES: N_("Dispose of cases whose time is over"),
        Verb.BACK_UP: N_("Back up the database"),
        Verb.SEE_SENDERS: N_("See the sender lists"),
        Verb.CHANGE_SENDERS: N_("Change the sender lists"),
        Verb.SEE_EXEMPTIONS: N_("See exemptions"),
        Verb.EXEMPT: N_("Grant and end exemptions"),
        Verb.SEE_OUTBOX: N_("See the outbox"),
        Verb.CHANGE_OUTBOX: N_("Retry and cancel in the outbox, pause it"),
        Verb.SET_MODE: N_("Set the mode"),
        Verb.TRACE: N_("Trace a message"),
        Verb.SEE_AUDIT: N_("See the audit log"),
        Verb.KEEP_PEOPLE: N_("Keep the accounts"),
    }
)
