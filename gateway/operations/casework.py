"""Casework: what records staff ask for. Every verb is one unit of work, names its actor, and leaves an audit row.

The console and the command line call these; a refusal is a RefusedError with a sentence for the person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from filters.sentence import Sentence, join
from gateway import tokens
from gateway.errors import RefusedError, SealError
from gateway.model.case import ActionState, CaseFile, DeliveryState, Disposal, Note
from gateway.model.case_list import EVERY_CASE
from gateway.model.contact import Contact
from gateway.model.dossier import Dossier, is_pending_release
from gateway.model.outbox import OutboxItem, OutboxState, Purpose, new_item, once_more
from gateway.model.people import Verb
from gateway.model.retention import keeping
from gateway.operations.case_turns import find, take, unknown
from gateway.operations.reopening import take_up_again
from gateway.verify.destination import Reach

if TYPE_CHECKING:
    from collections.abc import Sequence

    from filters.lists import ListIndex
    from gateway.clock import Clock
    from gateway.model.case import Case, Delivery
    from gateway.model.case_list import CaseFilter
    from gateway.model.retention import Schedule
    from gateway.operations.gate import Gate
    from gateway.operations.starting import Starting
    from gateway.store.unit_of_work import Store, Work
    from gateway.verify.destination import Destinations


@dataclass(frozen=True, slots=True, kw_only=True)
class Casework:
    """The verbs."""

    store: Store
    clock: Clock
    gate: Gate
    starting: Starting
    destinations: Destinations
    collation_address: str
    schedule: Schedule

    async def files(self, wanted: CaseFilter = EVERY_CASE) -> list[CaseFile]:
        """Every case, or these, the newest first."""
        async with self.store.reading() as work:
            return await work.case_files.matching(wanted)

    async def show(self, reference: str, index: ListIndex) -> Dossier:
        """One case, whole."""
        async with self.store.reading() as work:
            file = await work.case_files.of(reference)
            if file is None:
                raise unknown(reference)
            raw, unreadable = await _opened(work, file.case)
            return Dossier(
                file=file,
                unreadable=unreadable,
                items=tuple(await work.outbox.list(case_id=file.case.stored_id)),
                audit=tuple(await work.audit.entries(subject=reference)),
                objections=(unreadable,) if unreadable else self._objections(file.case, raw, index),
                keeping=keeping(file, self.schedule),
                contact=None if file.case.kind.is_mail or unreadable else Contact.read(raw),
                forwards=tuple(await work.forwards.of(file.case.stored_id)),
                amendments=tuple(await work.answers.amendments(file.case.stored_id)),
                answers=tuple(await work.answers.of(file.case.stored_id)),
            )

    async def original(self, reference: str) -> bytes:
        """The content exactly as received."""
        async with self.store.reading() as work:
            return await work.messages.get(await find(work, reference))

    async def view(self, reference: str, part: str, *, actor: str) -> bytes:
        """The same for somebody who looks at it: that is written down before anything is shown.

        `part` says what of it: "text", "html", "source", "download".
        """
        raw = await self.original(reference)
        async with self.store.begin() as work:
            await work.audit.append(actor, "content-viewed", reference, {"part": part})
        return raw

    async def still_held(self, reference: str) -> int:
        """How many recipients' copies are held and not on their way."""
        async with self.store.reading() as work:
            return await _still_held(work, await find(work, reference))

    async def decline(self, reference: str, index: ListIndex, *, actor: str, expected: int | None = None) -> OutboxItem:
        """Ask for the decline. Refused when the hard gate objects, or when there is one already (one for each case).

        The DNS is asked before the unit of work that writes; what it can't say now is asked again before the decline
        leaves.
        """
        closed = await self._closed_destination(reference)
        async with self.store.begin() as work:
            case = await take(work, reference, expected)
            earlier = await work.outbox.find(case.stored_id, Purpose.DECLINE)
            if earlier is not None:
                raise RefusedError(
                    "{reference} has a decline already; it is {state}", reference=reference, state=earlier.state
                )
            objections = (*self._objections(case, await work.messages.get(case), index), *closed)
            if objections:
                raise RefusedError(
                    "No decline may be sent for {reference}: {objections}",
                    reference=reference,
                    objections=join(objections),
                )
            return await self._add(work, case, Purpose.DECLINE, case.reverse_path, actor)

    async def silence(self, reference: str, reason: str, *, actor: str, expected: int | None = None) -> bool:
        """No decline for this case from now on, whoever asks; the report still goes. Whether one was cancelled."""
        async with self.store.begin() as work:
            case = await take(work, reference, expected)
            if not await work.cases.silence(case.stored_id):
                raise RefusedError("{reference} is silenced already", reference=reference)
            decline = await work.outbox.find(case.stored_id, Purpose.DECLINE)
            cancelled = decline is not None and await self._cancel_decline(
                work, decline, Sentence("silenced by {actor}", actor=actor)
            )
            if decline is None and case.decline is ActionState.REVIEW:
                await work.cases.set_action(case.stored_id, Purpose.DECLINE, ActionState.CANCELLED)
            await work.statistics.decided(case, self.clock.now())
            await work.audit.append(actor, "case-silenced", reference, {"reason": reason} if reason else {})
            return cancelled

    async def _cancel_decline(self, work: Work, decline: OutboxItem, reply: Sentence) -> bool:
        """If it has not begun to leave, or failed; the sender's window is free again then."""
        if decline.state not in {OutboxState.WAITING, OutboxState.FAILED}:
            return False
        if not await work.outbox.settle(decline.id, state=OutboxState.CANCELLED, reply=reply):
            return False
        await self.starting.give_up_window(work, decline)
        return True

    async def report(self, reference: str, *, actor: str, expected: int | None = None) -> OutboxItem:
        """Ask for the report, where it waits for a person. One for each case."""
        async with self.store.begin() as work:
            case = await take(work, reference, expected)
            earlier = await work.outbox.find(case.stored_id, Purpose.REPORT)
            if earlier is not None and earlier.state is OutboxState.FAILED:
                return await self._once_more(work, case, earlier, actor)
            if earlier is not None and earlier.state is not OutboxState.CANCELLED:
                raise RefusedError(
                    "{reference} has a report already; it is {state}", reference=reference, state=earlier.state
                )
            if case.disposal is Disposal.DISMISSED:
                raise RefusedError(
                    "{reference} was dismissed: no approach by a mission, so there is nothing to report",
                    reference=reference,
                )
            return await self._add(work, case, Purpose.REPORT, self.collation_address, actor)

    async def release(
        self, reference: str, recipients: Sequence[str], *, actor: str, expected: int | None = None
    ) -> list[OutboxItem]:
        """Deliver held mail to these recipients, or to all who wait for it when none is named."""
        async with self.store.begin() as work:
            case = await take(work, reference, expected)
            held = _chosen(await work.deliveries.of(case.stored_id), recipients)
            items = await work.outbox.list(case_id=case.stored_id)
            pending = {item.to for item in items if is_pending_release(item)}
            failed = {item.to: item for item in items if _is_failed_release(item)}
            due = [delivery.recipient for delivery in held if delivery.recipient not in pending]
            if not due:
                raise RefusedError(
                    "Nothing of {reference} is held that is not being released already", reference=reference
                )
            return [
                await self._once_more(work, case, failed[recipient], actor)  # beside a new one both would arrive
                if recipient in failed
                else await self._add(work, case, Purpose.RELEASE, recipient, actor)
                for recipient in due
            ]

    async def dismiss(self, reference: str, reason: str, *, actor: str, expected: int | None = None) -> int:
        """Not a mission after all: what has not left yet is cancelled, the case is closed. Returns what stays held.

        A report that left is taken back by a later one. Whoever has a copy that stays held is told of it all the same.
        """
        async with self.store.begin() as work:
            case = await take(work, reference, expected)
            items = await work.outbox.list(case_id=case.stored_id)
            held = {one.recipient for one in await _held(work, case)}
            await self._close(work, case, Disposal.DISMISSED, actor, reason)
            for item in items:
                if item.purpose is not Purpose.NOTICE or item.to not in held:
                    await self._call_off(work, case, item, actor)
            return await _still_held(work, case)

    async def _call_off(self, work: Work, case: Case, item: OutboxItem, actor: str) -> None:
        """One mail of a case that is dismissed. What may have arrived of a report is taken back by a later one."""
        reply = Sentence("dismissed by {actor}", actor=actor)
        match item.purpose:
            case Purpose.DECLINE:
                await self._cancel_decline(work, item, reply)
            case Purpose.REPORT:
                if item.may_have_arrived and await _standing(work, case, Purpose.RETRACTION) is None:
                    await self._add(work, case, Purpose.RETRACTION, item.to, actor)
                await work.outbox.settle(item.id, state=OutboxState.CANCELLED, reply=reply)
            case Purpose.NOTICE | Purpose.DIGEST | Purpose.AMENDMENT:
                await work.outbox.settle(item.id, state=OutboxState.CANCELLED, reply=reply)
            case Purpose.RELEASE | Purpose.RETRACTION | Purpose.ACKNOWLEDGEMENT:
                pass
            case unreachable:
                assert_never(unreachable)

    async def close(self, reference: str, *, actor: str, expected: int | None = None) -> int:
        """Nothing more to do. Returns how many recipients' copies stay held."""
        async with self.store.begin() as work:
            case = await take(work, reference, expected)
            await self._close(work, case, Disposal.HANDLED, actor, "")
            return await _still_held(work, case)

    async def reopen(self, reference: str, reason: str, *, actor: str, expected: int | None = None) -> None:
        """Take a closed case up again. What was cancelled stays cancelled; a retraction that waits is called off."""
        async with self.store.begin() as work:
            case = await take(work, reference, expected)
            if not await take_up_again(work, case, actor=actor):
                raise RefusedError("{reference} is open", reference=reference)
            await work.audit.append(actor, "case-reopened", reference, {"reason": reason} if reason else {})

    async def assign(self, reference: str, person: str, *, actor: str, expected: int | None = None) -> None:
        """Let somebody who has an account see to the case; "" for nobody."""
        async with self.store.begin() as work:
            case = await take(work, reference, expected)
            found = await work.people.get(person) if person else None
            if person and (found is None or not found.may(Verb.DECIDE_CASES)):
                raise RefusedError("{person} has no account that may decide cases", person=person)
            if case.assigned_to == person:
                raise _assigned_so(case)
            await work.cases.assign(case.stored_id, person, self.clock.now())
            await work.audit.append(actor, "case-assigned", reference, {"to": person})

    async def note(self, reference: str, text: str, *, actor: str) -> None:
        """Write something on the case; the same words again, with nothing in between, are a form sent twice."""
        if not text.strip():
            raise RefusedError("A note needs some text")
        async with self.store.begin() as work:
            case = await take(work, reference, None)
            if [(one.actor, one.text) for one in (await work.notes.of(case.stored_id))[-1:]] == [(actor, text)]:
                return
            await work.notes.add(case.stored_id, Note(at=self.clock.now(), actor=actor, text=text))
            await work.audit.append(actor, "note", reference, {"length": str(len(text))})

    async def _close(self, work: Work, case: Case, disposal: Disposal, actor: str, reason: str) -> None:
        if not await work.cases.close(case.stored_id, disposal, self.clock.now()):
            raise RefusedError("{reference} is closed already", reference=case.reference)
        await work.statistics.decided(case, self.clock.now())
        await work.audit.append(actor, f"case-{disposal}", case.reference, {"reason": reason} if reason else {})

    async def _add(self, work: Work, case: Case, purpose: Purpose, to: str, actor: str) -> OutboxItem:
        item = new_item(tokens.item_id(), purpose, to, case, now=self.clock.now(), requested_by=actor)
        if not await work.outbox.add([item]):
            raise _has_one(case, purpose)
        if purpose is Purpose.DECLINE:
            await self.starting.hold_window(work, case, item.id)
        await work.statistics.decided(case, self.clock.now())
        await work.audit.append(actor, f"{purpose}-requested", case.reference, {"item": item.id})
        return item

    async def _once_more(self, work: Work, case: Case, item: OutboxItem, actor: str) -> OutboxItem:
        """The same item again, with the same bytes: what failed is not given up for ever."""
        again = once_more(item, actor)
        await work.outbox.settle(item.id, state=OutboxState.WAITING, reply=again, due_at=self.clock.now(), attempts=0)
        await work.statistics.decided(case, self.clock.now())
        await work.audit.append(actor, f"{item.purpose}-requested", case.reference, {"item": item.id})
        return item

    async def _closed_destination(self, reference: str) -> tuple[Sentence, ...]:
        """Why no decline can get to the sender of the case: the clause of the hard gate that the DNS answers."""
        async with self.store.reading() as work:
            case = await find(work, reference)
        _, at, domain = case.reverse_path.rpartition("@")
        if not at:
            return ()  # a null reverse-path has its own clause
        destination = await self.destinations.of(domain, every_host=False)
        return (destination.reason,) if destination.reach is Reach.CLOSED else ()

    def _objections(self, case: Case, raw: bytes, index: ListIndex) -> tuple[Sentence, ...]:
        return self.gate.objections(case, raw, index)


def _has_one(case: Case, purpose: Purpose) -> RefusedError:
    if purpose is Purpose.DECLINE:
        return RefusedError("{reference} has a decline already", reference=case.reference)
    if purpose is Purpose.REPORT:
        return RefusedError("{reference} has a report already", reference=case.reference)
    if purpose is Purpose.RETRACTION:
        return RefusedError("{reference} has a retraction already", reference=case.reference)
    return RefusedError("{reference} has a release already", reference=case.reference)


def _chosen(deliveries: Sequence[Delivery], recipients: Sequence[str]) -> list[Delivery]:
    """The held deliveries that are asked for; an address that is none of the case's is an error, not a silence."""
    known = {delivery.recipient.lower() for delivery in deliveries}
    for recipient in recipients:
        if recipient.lower() not in known:
            raise RefusedError(
                "{recipient} is no recipient of this case; it has {recipients}",
                recipient=recipient,
                recipients=", ".join(sorted(known)),
            )
    wanted = {recipient.lower() for recipient in recipients} or known
    return [one for one in deliveries if one.state is DeliveryState.HELD and one.recipient.lower() in wanted]


def _assigned_so(case: Case) -> RefusedError:
    if case.assigned_to:
        return RefusedError(
            "{reference} is assigned to {person} already", reference=case.reference, person=case.assigned_to
        )
    return RefusedError("{reference} is assigned to nobody", reference=case.reference)


async def _standing(work: Work, case: Case, purpose: Purpose) -> OutboxItem | None:
    """The case's item for this purpose, unless it was cancelled."""
    item = await work.outbox.find(case.stored_id, purpose)
    return None if item is None or item.state is OutboxState.CANCELLED else item


async def _opened(work: Work, case: Case) -> tuple[bytes, Sentence | None]:
    """The content, or why it can't be opened: everything else of the case can be read without its key."""
    try:
        return await work.messages.get(case), None
    except SealError as error:
        return b"", Sentence(
            "The message can't be opened: its key is missing from the key file, or it was changed ({reason})",
            reason=str(error),
        )


def _is_failed_release(item: OutboxItem) -> bool:
    return item.purpose is Purpose.RELEASE and item.state is OutboxState.FAILED


async def _held(work: Work, case: Case) -> list[Delivery]:
    return [one for one in await work.deliveries.of(case.stored_id) if one.state is DeliveryState.HELD]


async def _still_held(work: Work, case: Case) -> int:
    leaving = [item for item in await work.outbox.list(case_id=case.stored_id) if is_pending_release(item)]
    return len(await _held(work, case)) - len(leaving)
