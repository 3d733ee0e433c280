"""Casework: what records staff ask for. Every verb is one unit of work, names its actor, and leaves an audit row.

The console and the command line call these; a refusal is a RefusedError with a sentence for the person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway import tokens
from gateway.errors import RefusedError
from gateway.model.case import ActionState, CaseFile, CaseStatus, DeliveryState, Disposal, Note
from gateway.model.outbox import OutboxItem, OutboxState, Purpose, new_item
from gateway.verify.destination import Reach

if TYPE_CHECKING:
    from collections.abc import Sequence

    from filters.disposition import Tier
    from filters.lists import ListIndex
    from gateway.clock import Clock
    from gateway.model.audit import AuditEntry
    from gateway.model.case import Case, Delivery
    from gateway.operations.gate import Gate
    from gateway.operations.starting import Starting
    from gateway.store.unit_of_work import Store, Work
    from gateway.verify.destination import Destinations


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """A case with everything that is known of it."""

    file: CaseFile
    items: tuple[OutboxItem, ...]
    audit: tuple[AuditEntry, ...]
    objections: tuple[str, ...]
    """Why no decline may be sent, in words; empty when one may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Casework:
    """The verbs."""

    store: Store
    clock: Clock
    gate: Gate
    starting: Starting
    destinations: Destinations
    collation_address: str

    async def files(self, *, status: CaseStatus | None = None, tier: Tier | None = None) -> list[CaseFile]:
        """Every case, or those of a status and tier, the newest first."""
        async with self.store.reading() as work:
            return await work.cases.files(status=status, tier=tier)

    async def show(self, reference: str, index: ListIndex) -> Dossier:
        """One case, whole."""
        async with self.store.reading() as work:
            file = await work.cases.file(reference)
            if file is None:
                raise _unknown(reference)
            return Dossier(
                file=file,
                items=tuple(await work.outbox.list(case_id=file.case.stored_id)),
                audit=tuple(await work.audit.entries(subject=reference)),
                objections=await self._objections(work, file.case, index),
            )

    async def original(self, reference: str) -> bytes:
        """The content exactly as received."""
        async with self.store.reading() as work:
            return await work.messages.get(await _case(work, reference))

    async def still_held(self, reference: str) -> int:
        """How many recipients' copies are held and not on their way."""
        async with self.store.reading() as work:
            return await _still_held(work, await _case(work, reference))

    async def decline(self, reference: str, index: ListIndex, *, actor: str) -> OutboxItem:
        """Ask for the decline. Refused when the hard gate objects, or when there is one already (one for each case).

        The DNS is asked before the unit of work that writes; what it can't say now is asked again before the decline
        leaves.
        """
        closed = await self._closed_destination(reference)
        async with self.store.begin() as work:
            case = await _case(work, reference)
            earlier = await work.outbox.find(case.stored_id, Purpose.DECLINE)
            if earlier is not None:
                raise RefusedError(f"{reference} has a decline already; it is {earlier.state}")
            objections = (*await self._objections(work, case, index), *closed)
            if objections:
                raise RefusedError(f"No decline may be sent for {reference}: {' '.join(objections)}")
            return await self._add(work, case, Purpose.DECLINE, case.reverse_path, actor)

    async def silence(self, reference: str, reason: str, *, actor: str) -> bool:
        """No decline for this case from now on, whoever asks; the report still goes. Whether one was cancelled."""
        async with self.store.begin() as work:
            case = await _case(work, reference)
            if not await work.cases.silence(case.stored_id):
                raise RefusedError(f"{reference} is silenced already")
            decline = await work.outbox.find(case.stored_id, Purpose.DECLINE)
            cancelled = decline is not None and await self._cancel_decline(work, decline, f"silenced by {actor}")
            if decline is None and case.decline is ActionState.REVIEW:
                await work.cases.set_action(case.stored_id, Purpose.DECLINE, ActionState.CANCELLED)
            await work.statistics.decided(case, self.clock.now())
            await work.audit.append(actor, "case-silenced", reference, {"reason": reason} if reason else {})
            return cancelled

    async def _cancel_decline(self, work: Work, decline: OutboxItem, reply: str) -> bool:
        """If it has not begun to leave; the sender's window is free again then."""
        if decline.state is not OutboxState.WAITING:
            return False
        if not await work.outbox.settle(decline.id, state=OutboxState.CANCELLED, reply=reply):
            return False
        await work.limits.close_window(decline.id)
        return True

    async def report(self, reference: str, *, actor: str) -> OutboxItem:
        """Ask for the report, where it waits for a person. One for each case."""
        async with self.store.begin() as work:
            case = await _case(work, reference)
            earlier = await work.outbox.find(case.stored_id, Purpose.REPORT)
            if earlier is not None and earlier.state is OutboxState.FAILED:
                return await self._once_more(work, case, earlier, actor)
            if earlier is not None and earlier.state is not OutboxState.CANCELLED:
                raise RefusedError(f"{reference} has a report already; it is {earlier.state}")
            if case.disposal is Disposal.DISMISSED:
                raise RefusedError(
                    f"{reference} was dismissed: no approach by a mission, so there is nothing to report"
                )
            return await self._add(work, case, Purpose.REPORT, self.collation_address, actor)

    async def release(self, reference: str, recipients: Sequence[str], *, actor: str) -> list[OutboxItem]:
        """Deliver held mail to these recipients, or to all who wait for it when none is named."""
        async with self.store.begin() as work:
            case = await _case(work, reference)
            held = _chosen(await work.deliveries.of(case.stored_id), recipients)
            pending = {item.to for item in await work.outbox.list(case_id=case.stored_id) if _is_pending_release(item)}
            due = [delivery.recipient for delivery in held if delivery.recipient not in pending]
            if not due:
                raise RefusedError(f"Nothing of {reference} is held that is not being released already")
            return [await self._add(work, case, Purpose.RELEASE, recipient, actor) for recipient in due]

    async def dismiss(self, reference: str, reason: str, *, actor: str) -> int:
        """Not a mission after all: what has not left yet is cancelled, the case is closed. Returns what stays held."""
        async with self.store.begin() as work:
            case = await _case(work, reference)
            for item in await work.outbox.list(case_id=case.stored_id, state=OutboxState.WAITING):
                if item.purpose is Purpose.DECLINE:
                    await self._cancel_decline(work, item, f"dismissed by {actor}")
                elif item.purpose is not Purpose.RELEASE:
                    await work.outbox.settle(item.id, state=OutboxState.CANCELLED, reply=f"dismissed by {actor}")
            await self._close(work, case, Disposal.DISMISSED, actor, reason)
            return await _still_held(work, case)

    async def close(self, reference: str, *, actor: str) -> int:
        """Nothing more to do. Returns how many recipients' copies stay held."""
        async with self.store.begin() as work:
            case = await _case(work, reference)
            await self._close(work, case, Disposal.HANDLED, actor, "")
            return await _still_held(work, case)

    async def note(self, reference: str, text: str, *, actor: str) -> None:
        """Write something on the case."""
        if not text.strip():
            raise RefusedError("A note needs some text")
        async with self.store.begin() as work:
            case = await _case(work, reference)
            await work.notes.add(case.stored_id, Note(at=self.clock.now(), actor=actor, text=text))
            await work.audit.append(actor, "note", reference, {"length": str(len(text))})

    async def _close(self, work: Work, case: Case, disposal: Disposal, actor: str, reason: str) -> None:
        if not await work.cases.close(case.stored_id, disposal, self.clock.now()):
            raise RefusedError(f"{case.reference} is closed already")
        await work.statistics.decided(case, self.clock.now())
        await work.audit.append(actor, f"case-{disposal}", case.reference, {"reason": reason} if reason else {})

    async def _add(self, work: Work, case: Case, purpose: Purpose, to: str, actor: str) -> OutboxItem:
        item = new_item(tokens.item_id(), purpose, to, case, now=self.clock.now(), requested_by=actor)
        if not await work.outbox.add([item]):
            raise RefusedError(f"{case.reference} has a {purpose} already")
        if purpose is Purpose.DECLINE:
            await self.starting.hold_window(work, case, item.id)
        await work.statistics.decided(case, self.clock.now())
        await work.audit.append(actor, f"{purpose}-requested", case.reference, {"item": item.id})
        return item

    async def _once_more(self, work: Work, case: Case, item: OutboxItem, actor: str) -> OutboxItem:
        """The same item again, with the same bytes: what failed is not given up for ever."""
        again = f"{item.last_reply}; once more, asked for by {actor}"
        await work.outbox.settle(item.id, state=OutboxState.WAITING, reply=again, due_at=self.clock.now(), attempts=0)
        await work.statistics.decided(case, self.clock.now())
        await work.audit.append(actor, f"{item.purpose}-requested", case.reference, {"item": item.id})
        return item

    async def _closed_destination(self, reference: str) -> tuple[str, ...]:
        """Why no decline can get to the sender of the case: the clause of the hard gate that the DNS answers."""
        async with self.store.reading() as work:
            case = await _case(work, reference)
        _, at, domain = case.reverse_path.rpartition("@")
        if not at:
            return ()  # a null reverse-path has its own clause
        destination = await self.destinations.of(domain, every_host=False)
        return (destination.reason,) if destination.reach is Reach.CLOSED else ()

    async def _objections(self, work: Work, case: Case, index: ListIndex) -> tuple[str, ...]:
        return self.gate.objections(case, await work.messages.get(case), index)


async def _case(work: Work, reference: str) -> Case:
    case = await work.cases.by_reference(reference)
    if case is None:
        raise _unknown(reference)
    return case


def _unknown(reference: str) -> RefusedError:
    return RefusedError(f"There is no case {reference}; `liaison cases list` shows the references")


def _chosen(deliveries: Sequence[Delivery], recipients: Sequence[str]) -> list[Delivery]:
    """The held deliveries that are asked for; an address that is none of the case's is an error, not a silence."""
    known = {delivery.recipient.lower() for delivery in deliveries}
    for recipient in recipients:
        if recipient.lower() not in known:
            raise RefusedError(f"{recipient} is no recipient of this case; it has {', '.join(sorted(known))}")
    wanted = {recipient.lower() for recipient in recipients} or known
    return [one for one in deliveries if one.state is DeliveryState.HELD and one.recipient.lower() in wanted]


def _is_pending_release(item: OutboxItem) -> bool:
    return item.purpose is Purpose.RELEASE and item.state in {OutboxState.WAITING, OutboxState.SENDING}


async def _still_held(work: Work, case: Case) -> int:
    held = [one for one in await work.deliveries.of(case.stored_id) if one.state is DeliveryState.HELD]
    leaving = [item for item in await work.outbox.list(case_id=case.stored_id) if _is_pending_release(item)]
    return len(held) - len(leaving)
