"""The JSON that programs get: one typed shape for each thing that a command shows. Public, so never renamed.

Dates are ISO 8601 in UTC. A name of a closed vocabulary is its word; what there is nothing of is "" or [].
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from gateway.cli.correspondence_shapes import amendments_of, answers_of, forwards_of
from gateway.cli.record_shapes import HoldShape, KeepingShape, hold_shape, keeping_shape

if TYPE_CHECKING:
    from collections.abc import Iterable

    from filters.authentication import Authentication
    from filters.rules import Finding
    from filters.screening import Screening, Verdict
    from gateway.cli.correspondence_shapes import AmendmentShape, AnswerShape, ForwardShape
    from gateway.model.audit import AuditRow
    from gateway.model.case import CaseFile, Delivery, Note
    from gateway.model.contact import Contact
    from gateway.model.dossier import Dossier
    from gateway.model.outbox import OutboxItem


class RecipientShape(TypedDict):
    """What became of the message for one recipient."""

    address: str
    tier: str
    delivery: str
    reply: str


class CaseShape(TypedDict):
    """A row of `cases list`."""

    reference: str
    tier: str
    status: str
    received_at: str
    reverse_path: str
    header_from: str
    recipients: list[RecipientShape]
    subject: str
    message_id: str
    sha256: str
    size: int
    entry: str
    entries: list[str]
    auth: str
    decline: str
    report: str
    disposal: str
    kind: str
    assigned_to: str
    on_hold: bool
    answer: str


class ContactShape(TypedDict):
    """What was written down of a contact by hand."""

    at: str
    who: str
    role: str
    mission: str
    approached: str
    asked: str
    answered: str
    note: str


class ResultShape(TypedDict):
    """One method's result for one domain."""

    method: str
    result: str
    domain: str
    reason: str


class DnsShape(TypedDict):
    """One question to the DNS and its answer."""

    name: str
    type: str
    status: str
    records: list[str]
    reason: str


class EvidenceShape(TypedDict):
    """What sender authentication found."""

    results: list[ResultShape]
    dmarc_policy: str
    dns: list[DnsShape]


class FindingShape(TypedDict):
    """One observation with its evidence."""

    rule: str
    evidence: str
    identity: str
    address: str
    entry: str


class NoteShape(TypedDict):
    """What a person wrote on a case."""

    at: str
    actor: str
    text: str


class ItemShape(TypedDict):
    """A row of `outbox list`."""

    id: str
    purpose: str
    to: str
    state: str
    attempts: int
    last_reply: str
    case: str
    created_at: str
    due_at: str
    requested_by: str


class DossierShape(CaseShape):
    """`cases show`."""

    mission: dict[str, str]
    mode: str
    rulebook_version: int
    client_ip: str
    helo: str
    protocol: str
    tls: str
    closed_at: str
    authentication: dict[str, str]
    evidence: EvidenceShape
    findings: list[FindingShape]
    ambiguous: list[str]
    objections: list[str]
    decline_reasons: list[str]
    report_reasons: list[str]
    silenced: bool
    assigned_at: str
    contact: ContactShape | None
    retention: KeepingShape
    holds: list[HoldShape]
    forwards: list[ForwardShape]
    amendments: list[AmendmentShape]
    answers: list[AnswerShape]
    outbox: list[ItemShape]
    notes: list[NoteShape]
    audit: list[AuditRow]


class VerdictShape(TypedDict):
    """What would happen for one recipient."""

    address: str
    tier: str
    disposition: str
    delivery: str
    decline: str
    report: str
    notice: bool


class ScreeningShape(TypedDict):
    """`screen`, for one file."""

    file: str
    mail_from: str
    tier: str
    entry: str
    entries: list[str]
    mode: str
    auth: str
    authentication: dict[str, str]
    evidence: EvidenceShape
    recipients: list[VerdictShape]
    findings: list[FindingShape]
    ambiguous: list[str]
    decline: str
    report: str
    objections: list[str]
    rulebook_version: int


def case_shape(file: CaseFile) -> CaseShape:
    """A case with its recipients."""
    case = file.case
    return {
        "reference": case.reference,
        "tier": case.tier,
        "status": case.status,
        "received_at": case.received_at.isoformat(),
        "reverse_path": case.reverse_path,
        "header_from": case.header_from,
        "recipients": [_recipient(delivery) for delivery in file.deliveries],
        "subject": case.subject,
        "message_id": case.message_id,
        "sha256": case.sha256,
        "size": case.size,
        "entry": case.entry,
        "entries": list(case.entries),
        "auth": case.authentication.overall,
        "decline": case.decline,
        "report": case.report,
        "disposal": case.disposal or "",
        "kind": case.kind,
        "answer": case.answer,
        "assigned_to": case.assigned_to,
        "on_hold": file.on_hold,
    }


def dossier_shape(dossier: Dossier) -> DossierShape:
    """A case with everything that is known of it."""
    case = dossier.file.case
    return {
        **case_shape(dossier.file),
        "mission": {"en": case.mission_en, "fr": case.mission_fr},
        "mode": case.mode,
        "rulebook_version": case.rulebook_version,
        "client_ip": case.client_ip,
        "helo": case.helo,
        "protocol": case.protocol,
        "tls": case.tls,
        "closed_at": case.closed_at.isoformat() if case.closed_at else "",
        "authentication": case.authentication.words,
        "evidence": evidence_shape(case.authentication),
        "findings": [
            FindingShape(
                rule=one.rule, evidence=one.evidence, identity=one.identity, address=one.address, entry=one.entry
            )
            for one in case.findings
        ],
        "ambiguous": list(case.ambiguous),
        "objections": list(dossier.objections),
        "decline_reasons": list(case.decline_reasons),
        "report_reasons": list(case.report_reasons),
        "silenced": case.silenced,
        "assigned_at": case.assigned_at.isoformat() if case.assigned_at else "",
        "contact": _contact(dossier.contact) if dossier.contact else None,
        "retention": keeping_shape(dossier.keeping),
        "holds": [hold_shape(hold) for hold in dossier.file.holds],
        "forwards": forwards_of(dossier),
        "amendments": amendments_of(dossier),
        "answers": answers_of(dossier),
        "outbox": [item_shape(item) for item in dossier.items],
        "notes": [_note(note) for note in dossier.file.notes],
        "audit": [entry.row() for entry in dossier.audit],
    }


def item_shape(item: OutboxItem) -> ItemShape:
    """One mail that we originate."""
    return {
        "id": item.id,
        "purpose": item.purpose,
        "to": item.to,
        "state": item.state,
        "attempts": item.attempts,
        "last_reply": item.last_reply,
        "case": item.case_reference,
        "created_at": item.created_at.isoformat(),
        "due_at": item.due_at.isoformat(),
        "requested_by": item.requested_by,
    }


def screening_shape(screening: Screening, *, file: str, mail_from: str, objections: Iterable[str]) -> ScreeningShape:
    """What would happen to a message, and why. `objections` are those to a decline, which nobody overrides."""
    return {
        "file": file,
        "mail_from": mail_from,
        "tier": screening.tier,
        "entry": screening.entry.value if screening.entry else "",
        "entries": [entry.value for entry in screening.entries],
        "mode": screening.mode,
        "auth": screening.authentication.overall,
        "authentication": screening.authentication.words,
        "evidence": evidence_shape(screening.authentication),
        "recipients": [_verdict(verdict) for verdict in screening.verdicts],
        "findings": [_finding(finding) for finding in screening.findings],
        "ambiguous": list(screening.ambiguous),
        "decline": screening.decline,
        "report": screening.report,
        "objections": list(objections),
        "rulebook_version": screening.rulebook_version,
    }


def evidence_shape(authentication: Authentication) -> EvidenceShape:
    """What sender authentication found, in words, and the DNS answers that it rests on."""
    return {
        "results": [
            {"method": method, "result": one.result, "domain": one.domain, "reason": one.reason}
            for method, one in authentication.results
        ],
        "dmarc_policy": authentication.dmarc_policy,
        "dns": [
            {
                "name": answer.name,
                "type": answer.kind,
                "status": answer.status,
                "records": list(answer.records),
                "reason": answer.reason,
            }
            for answer in authentication.answers
        ],
    }


def _recipient(delivery: Delivery) -> RecipientShape:
    return {
        "address": delivery.recipient,
        "tier": delivery.tier,
        "delivery": delivery.state,
        "reply": delivery.reply,
    }


def _contact(contact: Contact) -> ContactShape:
    return {
        "at": contact.at.isoformat(),
        "who": contact.who,
        "role": contact.role,
        "mission": contact.mission,
        "approached": contact.approached,
        "asked": contact.asked,
        "answered": contact.answered,
        "note": contact.note,
    }


def _note(note: Note) -> NoteShape:
    return {"at": note.at.isoformat(), "actor": note.actor, "text": note.text}


def _verdict(verdict: Verdict) -> VerdictShape:
    return {
        "address": str(verdict.recipient),
        "tier": verdict.tier,
        "disposition": verdict.disposition,
        "delivery": verdict.delivery,
        "decline": verdict.decline,
        "report": verdict.report,
        "notice": verdict.notice,
    }


def _finding(finding: Finding) -> FindingShape:
    return {
        "rule": finding.rule,
        "evidence": finding.evidence,
        "identity": finding.identity.kind if finding.identity else "",
        "address": str(finding.identity.mailbox) if finding.identity else "",
        "entry": finding.entry.value if finding.entry else "",
    }
