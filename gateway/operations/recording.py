"""The record of flagged mail: two units of work.

`record()` commits case, raw message, deliveries, outbox rows and audit row together before anything is relayed;
`settle()` writes what the next hop answered (decision 2). A retry finds its case by the intake key and adds only what
is new: no second report, no second notice, and the first verdict stays (decision 3).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from filters.content import decode_text, message_id, parse_header
from filters.disposition import Delivery as Fate
from filters.disposition import Handling
from filters.lists import describe
from gateway import tokens
from gateway.model.case import ActionState, Case, CaseFile, CaseStatus, Delivery, DeliveryState, StoredFinding
from gateway.model.outbox import OutboxItem, Purpose, new_item
from gateway.operations.reopening import take_up_again

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from filters.address import Mailbox
    from filters.content import Header
    from filters.envelope import Envelope
    from filters.rules import Finding
    from filters.screening import Screening, Verdict
    from gateway.clock import Clock
    from gateway.model.reply import Reply
    from gateway.operations.deciding import Decision
    from gateway.operations.gate import Gate
    from gateway.operations.starting import Starting
    from gateway.spool import Spool
    from gateway.store.sealing import Sealed
    from gateway.store.unit_of_work import Store, Work

GATEWAY = "gateway"
"""The actor of what nobody asked for by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlaggedMessage:
    """A message in which something was found, with the decision about it."""

    envelope: Envelope
    header_section: bytes
    content: Spool
    decision: Decision

    @property
    def screening(self) -> Screening:
        """The screening that stands."""
        return self.decision.screening


@dataclass(frozen=True, slots=True)
class RelayResult:
    """What the next hop answered for one recipient."""

    recipient: Mailbox
    state: DeliveryState
    reply: Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """Writes cases. `collation_address` is where reports go."""

    store: Store
    clock: Clock
    collation_address: str
    gate: Gate
    starting: Starting

    async def record(
        self, message: FlaggedMessage, *, key: str, reference: str, served: Sequence[RelayResult]
    ) -> CaseFile:
        """Commit the case, or what a later mail transaction adds to it; StoreError if that can't be done.

        The case comes back as it was first written: how far decline and report are is the outbox's to tell.
        """
        header = parse_header(message.header_section)
        wanted, sealed = await self._sealed(message, header, key=key, reference=reference)
        async with self.store.begin() as work:  # the audit chain's head is locked last
            case, created = await work.cases.insert_or_find(wanted)
            added = await work.deliveries.add_missing(case.stored_id, _deliveries(message.screening, served))
            if created:
                await work.messages.put_sealed(case, sealed)
                await work.cases.meet(case.stored_id, message.screening.entries, case.received_at)
                await self._start(work, case, message, header)
            if added:
                await self._notify(work, case, message, header, added)
                if not created and _needs_a_person(added) and await take_up_again(work, case, actor=GATEWAY):
                    await work.audit.append(GATEWAY, "case-reopened", case.reference, {})
                await work.audit.append(
                    GATEWAY, "case-recorded" if created else "recipients-added", case.reference, _detail(case, added)
                )
            every = added if created else await work.deliveries.of(case.stored_id)
            return CaseFile(case=case, deliveries=tuple(every))

    async def _sealed(
        self, message: FlaggedMessage, header: Header, *, key: str, reference: str
    ) -> tuple[Case, Sealed]:
        """The case, and the content as it is stored; the clear one is let go before the database is waited for."""
        raw = message.content.read()
        return case_of(message, header, raw, key=key, reference=reference), await self.store.sealed(raw, reference)

    async def settle(self, case: Case, served: Sequence[RelayResult]) -> None:
        """Write what the next hop answered."""
        if not served:
            return
        async with self.store.begin() as work:
            for one in served:
                await work.deliveries.settle(case.stored_id, one.recipient.delivery_key, one.state, str(one.reply))
            await work.audit.append(GATEWAY, "delivered", case.reference, _answers(served))

    async def _start(self, work: Work, case: Case, message: FlaggedMessage, header: Header) -> None:
        """Report and decline, as far as they need nobody; for what waits instead, the reasons."""
        decline = self._item(Purpose.DECLINE, case.reverse_path, case)
        start = await self.starting.start(
            work, envelope=message.envelope, header=header, decision=message.decision, decline_id=decline.id
        )
        if start.decline_reasons or start.report_reasons:
            await work.cases.set_reasons(case.stored_id, decline=start.decline_reasons, report=start.report_reasons)
        if start.report:
            await work.outbox.add([self._item(Purpose.REPORT, self.collation_address, case)])
        elif case.report is ActionState.WAITING:
            await work.cases.set_action(case.stored_id, Purpose.REPORT, ActionState.REVIEW)
        if start.decline_due is not None:
            await work.outbox.add([replace(decline, due_at=start.decline_due)])

    async def _notify(
        self, work: Work, case: Case, message: FlaggedMessage, header: Header, added: Iterable[Delivery]
    ) -> None:
        """A notice for each newly held recipient, unless it could start a loop (decision 14)."""
        if not self.gate.may_notify(message.envelope.reverse_path, header):
            return
        told = {verdict.recipient.delivery_key for verdict in message.screening.verdicts if verdict.notice}
        await work.outbox.add(
            [
                self._item(Purpose.NOTICE, delivery.recipient, case)
                for delivery in added
                if delivery.state is DeliveryState.HELD and delivery.key in told
            ]
        )

    def _item(self, purpose: Purpose, to: str, case: Case) -> OutboxItem:
        return new_item(tokens.item_id(), purpose, to, case, now=self.clock.now(), requested_by=GATEWAY)


def case_of(message: FlaggedMessage, header: Header, raw: bytes, *, key: str, reference: str) -> Case:
    """What is put on record of a message, as it was screened."""
    screening, envelope = message.screening, message.envelope
    client = envelope.origin.client
    return Case(
        reference=reference,
        intake_key=key,
        tier=screening.tier,
        status=CaseStatus.OPEN,
        received_at=envelope.received_at,
        reverse_path=str(envelope.reverse_path),
        header_from=decode_text(header.first("from") or b""),
        subject=decode_text(header.first("subject") or b""),
        message_id=message_id(header),
        sha256=hashlib.sha256(raw).hexdigest(),
        size=len(raw),
        entry=screening.entry.value if screening.entry else "",
        entries=tuple(entry.value for entry in screening.entries),
        mission_en=screening.entry.mission_en if screening.entry else "",
        mission_fr=screening.entry.mission_fr if screening.entry else "",
        authentication=screening.authentication,
        decline=ActionState.NONE if screening.decline is Handling.NEVER else ActionState.REVIEW,
        report=_REPORT_STATES[screening.report],
        mode=screening.mode,
        rulebook_version=screening.rulebook_version,
        client_ip=client.address,
        helo=client.helo,
        protocol=envelope.origin.protocol,
        tls=envelope.origin.tls,
        smtputf8=envelope.smtputf8,
        body=envelope.body,
        findings=tuple(_stored(finding) for finding in screening.findings),
        ambiguous=screening.ambiguous,
    )


_REPORT_STATES = {
    Handling.AUTO: ActionState.WAITING,
    Handling.REVIEW: ActionState.REVIEW,
    Handling.NEVER: ActionState.NONE,
}


def _stored(finding: Finding) -> StoredFinding:
    return StoredFinding(
        rule=finding.rule,
        evidence=finding.evidence,
        identity=finding.identity.kind if finding.identity else "",
        address=str(finding.identity.mailbox) if finding.identity else "",
        entry=describe(finding.entry) if finding.entry else "",
    )


def _deliveries(screening: Screening, served: Sequence[RelayResult]) -> list[Delivery]:
    done = {one.recipient.delivery_key: one for one in served}
    return [_delivery(verdict, done.get(verdict.recipient.delivery_key)) for verdict in screening.verdicts]


def _delivery(verdict: Verdict, served: RelayResult | None) -> Delivery:
    state = DeliveryState.HELD if verdict.delivery is Fate.HOLD else DeliveryState.PENDING
    return Delivery(
        recipient=str(verdict.recipient),
        key=verdict.recipient.delivery_key,
        tier=verdict.tier,
        state=served.state if served else state,
        reply=str(served.reply) if served else "",
    )


def _needs_a_person(added: Iterable[Delivery]) -> bool:
    """A copy held for somebody new does, although the case was closed."""
    return any(delivery.state is DeliveryState.HELD for delivery in added)


def _detail(case: Case, added: Iterable[Delivery]) -> dict[str, str]:
    held = sum(delivery.state is DeliveryState.HELD for delivery in added)
    return {"tier": case.tier, "sha256": case.sha256, "held": str(held), "rulebook": str(case.rulebook_version)}


def _answers(served: Sequence[RelayResult]) -> dict[str, str]:
    counts: dict[str, int] = {}
    for one in served:
        counts[one.state] = counts.get(one.state, 0) + 1
    return {state: str(count) for state, count in counts.items()}
