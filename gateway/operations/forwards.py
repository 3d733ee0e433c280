"""Officers' forwards: one mail to the intake address, from its final dot to the answer.

One unit of work before 250 (decision 2): a case for each original, or a note on the case that the original has
already (decision 3), and the acknowledgement in the outbox. Nothing is relayed.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from filters.content import message_id, parse_header
from filters.forwards import read_forward
from gateway import tokens
from gateway.counters import STORE_FAILURES, count
from gateway.errors import StoreError
from gateway.events import Event
from gateway.model.case import Disposal
from gateway.model.conclusion import ACCEPTED, TRY_AGAIN
from gateway.model.forward import Acknowledgement, ForwardedMail
from gateway.model.intake_key import intake_key, trace_length
from gateway.model.outbox import Purpose, new_item
from gateway.operations.reopening import take_up_again

if TYPE_CHECKING:
    from collections.abc import Sequence

    from filters.envelope import Envelope
    from filters.forwards import Forward
    from filters.mime_parts import MimeLimits
    from gateway.model.case import Case
    from gateway.model.intake_mailbox import IntakeMailbox
    from gateway.model.reply import Reply
    from gateway.operations.forward_screening import ForwardScreening, Original
    from gateway.operations.gate import Gate
    from gateway.spool import Spool
    from gateway.store.unit_of_work import Store, Work
    from gateway.turns import Turns

INTAKE = "intake"
"""The actor of what officers forward: who they are stands in the case, not in the audit log."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One mail of an officer, read and screened. `key` names it: its retry has the same."""

    envelope: Envelope
    header_section: bytes
    key: str
    forward: Forward
    originals: Sequence[Original]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwards:
    """Takes the mail for the intake mailbox. One for the process."""

    mailbox: IntakeMailbox
    store: Store
    screening: ForwardScreening
    gate: Gate
    mime: MimeLimits
    whole: Turns

    async def take(self, envelope: Envelope, header_section: bytes, content: Spool, *, deadline: float) -> Reply:
        """The answer to the final dot: 250 once everything is on record."""
        try:
            async with asyncio.timeout_at(deadline), self.whole.of(2 * content.size):
                taken = await self._read(envelope, header_section, content)
                told = await self._record(taken)
        except (StoreError, TimeoutError) as error:
            count(STORE_FAILURES)
            reason = str(error) or "it took too long"
            log.error(Event.STORE_FAILED, doing="recording what an officer forwarded", reason=reason)
            return TRY_AGAIN
        log.info(
            Event.FORWARD_TAKEN,
            cases=list(told.references),
            unread=[str(trouble) for trouble in told.troubles],
            acknowledgement=told.item_id,
        )
        return ACCEPTED

    async def _read(self, envelope: Envelope, header_section: bytes, content: Spool) -> Taken:
        raw = content.read()
        forward = await asyncio.to_thread(read_forward, memoryview(raw), self.mime)
        key = intake_key(envelope.reverse_path, (raw[trace_length(raw[: len(header_section)]) :],))
        return Taken(
            envelope=envelope,
            header_section=header_section,
            key=key,
            forward=forward,
            originals=await self.screening.originals(forward, envelope, raw, key),
        )

    async def _record(self, taken: Taken) -> Acknowledgement:
        """The audit chain's head is locked last: two units of work could block each other else."""
        header = parse_header(taken.header_section)
        async with self.store.begin() as work:
            cases, done = [], []
            for number, original in enumerate(taken.originals):
                case, actions = await self._put(work, taken, original, number)
                cases.append(case)
                done += [(action, case, original) for action in actions]
            told = Acknowledgement(
                item_id=tokens.derived_id(self.gate.secret, f"acknowledgement:{taken.key}"),
                references=tuple(dict.fromkeys(case.reference for case in cases)),
                troubles=taken.forward.troubles,
                answers=message_id(header),
            )
            new = self.gate.may_acknowledge(taken.envelope.reverse_path, header) and await self._acknowledge(
                work, taken, told, cases
            )
            for action, case, original in done:
                detail = {"form": str(original.form), "tier": str(case.tier), "sha256": original.case.sha256}
                await work.audit.append(INTAKE, action, case.reference, detail)
            if new and not cases:
                troubles = ", ".join(told.troubles)
                await work.audit.append(INTAKE, "forward-unread", told.item_id, {"troubles": troubles})
            elif new and len(told.references) > 1:
                await work.audit.append(INTAKE, "forward-acknowledged", told.item_id, {"cases": str(len(cases))})
        return told

    async def _put(self, work: Work, taken: Taken, original: Original, number: int) -> tuple[Case, Sequence[str]]:
        """The case of one original, and what to write into the audit log: nothing if this mail brought it before."""
        case = await work.cases.by_intake_keys(original.keys) if original.keys else None
        if case is not None:
            case = await work.cases.in_turn(case.reference)
        created = False
        if case is None:
            case, created = await work.cases.insert_or_find(original.case)
        if created:
            await work.messages.put(case, original.raw)
        new = await work.forwards.add(
            case.stored_id,
            ForwardedMail(
                at=taken.envelope.received_at,
                by=str(taken.envelope.reverse_path),
                form=original.form,
                said=taken.forward.cover,
                key=taken.key,
                number=number,
            ),
        )
        if not new:
            return case, ()
        if case.disposal is Disposal.DISMISSED and await take_up_again(work, case, actor=INTAKE):
            return case, ("case-reopened", "forward-added")  # somebody says that it is an approach after all
        return case, ("forward-recorded" if created else "forward-added",)

    async def _acknowledge(self, work: Work, taken: Taken, told: Acknowledgement, cases: Sequence[Case]) -> bool:
        """One answer to one mail (RFC 3834 §2), whatever it brought; False if it was asked for before."""
        item = new_item(
            told.item_id,
            Purpose.ACKNOWLEDGEMENT,
            str(taken.envelope.reverse_path),
            cases[0] if len(told.references) == 1 else None,
            now=taken.envelope.received_at,
            requested_by=INTAKE,
        )
        if not await work.outbox.add([item]):
            return False
        await work.forwards.acknowledge(told)
        return True
