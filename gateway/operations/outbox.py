"""The outbox: what is sent next, its bytes, and what follows from each attempt (decision 13).

Claim with a lease, compose at dispatch, freeze, commit `sending` before the final dot, settle. A decline errs towards
silence: an attempt whose end is not known leaves it `uncertain`, for a person. Everything else is sent again with the
same bytes and Message-ID; a report and its retraction only if it may have been taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, assert_never

import structlog

from filters.sentence import Sentence
from gateway import tokens
from gateway.compose.enveloping import CertificateOutOfDateError
from gateway.compose.text import ComposeError
from gateway.errors import SealError
from gateway.events import Event
from gateway.model.audit import without_addresses
from gateway.model.case import DeliveryState, Disposal
from gateway.model.outbox import THAWED_UNLESS_TAKEN, OutboxState, Purpose
from gateway.model.schedule import next_attempt
from gateway.operations.case_turns import case_of_item
from gateway.operations.gate import DISMISSED
from gateway.operations.recording import GATEWAY
from gateway.relay.mailing import Outcome, OutcomeKind
from gateway.verify.destination import Reach

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.model.case import Case
    from gateway.model.outbox import OutboxItem, Post
    from gateway.operations.composing import Composer
    from gateway.operations.rulebooks import Rulebooks
    from gateway.operations.starting import Starting
    from gateway.settings import Outbound
    from gateway.store.unit_of_work import Store, Work
    from gateway.verify.destination import Destinations

LEASE = timedelta(seconds=60)
BATCH = 10
CLOCKS_AGREE = 10.0
"""Seconds. Leases go by each node's own clock, and are renewed when 40 seconds of them are left."""
NO_WAY_PAUSE = timedelta(seconds=10)
"""How often an item without a way out is looked at again."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Objection:
    """Why an item is not sent, in words: never, if `final`, else not before somebody mends it."""

    reason: str
    final: bool = True
    calls_off: bool = False
    """Nothing failed: it is not wanted any more."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Items that one batch of work holds. Each claim has an owner of its own: what is not renewed is free again."""

    owner: str
    items: tuple[OutboxItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """The operations of the dispatch workers of one `node`."""

    store: Store
    clock: Clock
    composer: Composer
    starting: Starting
    rulebooks: Rulebooks
    destinations: Destinations
    outbound: Outbound
    node: str

    async def start(self) -> None:
        """A node starts again: what its last life claimed is free, what it left half sent is judged."""
        ahead = await self.store.clock_ahead()
        if abs(ahead) > CLOCKS_AGREE:
            log.warning(Event.CLOCK_DIFFERS, ahead=round(ahead, 1))
        async with self.store.begin() as work:
            await work.outbox.free_claims_of(self.node)
        await self.judge_abandoned()

    async def judge_abandoned(self) -> None:
        """Items that a dead worker left in `sending`: a decline is never re-sent by the machine, the rest is."""
        now, reason = self.clock.now(), Sentence("the gateway stopped during the attempt")
        async with self.store.begin() as work:
            judged = [
                item
                for item in await work.outbox.expired_sending(now)
                if await work.outbox.settle(
                    item.id, state=_after_a_crash(item), reply=reason, due_at=now, attempts=item.attempts + 1
                )
            ]
            for item in judged:  # the audit chain's head is locked last, or two units of work could block each other
                await self._audit(work, item, f"{item.purpose}-{_after_a_crash(item)}", reason)
        for item in judged:
            self._tell_of_a_crash(item, reason)

    def _tell_of_a_crash(self, item: OutboxItem, reason: str) -> None:
        """As of any attempt that ended so: whoever watches the log is to hear of it."""
        state = _after_a_crash(item)
        tell = log.error if state is OutboxState.UNCERTAIN else log.warning
        tell(_EVENTS[state], item=item.id, purpose=str(item.purpose), case=item.case_reference, reply=reason)

    async def look_around(self) -> bool:
        """Judge what a dead worker left, if there is any; whether anything is due.

        Where nothing is to be done it writes nothing, and so waits for nobody.
        """
        async with self.store.reading() as work:
            due, abandoned = await work.outbox.pending(self.clock.now())
        if abandoned:
            await self.judge_abandoned()
        return due or abandoned

    async def claim(self, most: int, *, large_too: bool) -> Claim:
        """The next items that are due, `most` of them or fewer, for this claim alone until its lease ends."""
        now, owner = self.clock.now(), f"{self.node}/{tokens.item_id()}"
        async with self.store.begin() as work:
            items = await work.outbox.claim(
                owner, self.node, now, now + LEASE, limit=min(most, BATCH), large_too=large_too
            )
        return Claim(owner, tuple(items))

    async def renew(self, claim: Claim) -> None:
        """Prolong the lease on what the claim still holds."""
        now = self.clock.now()
        async with self.store.begin() as work:
            await work.outbox.renew(claim.owner, now, now + LEASE)

    async def prepare(self, item: OutboxItem) -> Post | Objection:
        """The bytes of the item, which freeze when their first attempt begins; or why it must not be sent.

        The hard gate is asked again here: what a person approved may have become wrong since. Composed outside the
        unit of work that writes: a large original must not hold the database.
        """
        closed = await self._closed_destination(item)
        if closed:
            return Objection(closed)
        try:
            async with self.store.reading() as work:
                case = await case_of_item(work, item)
                objection = await self._objection(work, item, case)
                if objection is not None:
                    return objection
                frozen = await work.outbox.frozen(item.id) if item.frozen else None
                return frozen or await self.composer.compose(work, item, case)
        except SealError as error:
            return Objection(str(error), final=False)  # a key that is missing today may be there tomorrow
        except CertificateOutOfDateError as error:
            return Objection(error.sentence, final=False)  # and so may another certificate
        except ComposeError as error:
            return Objection(str(error))

    async def _objection(self, work: Work, item: OutboxItem, case: Case | None) -> Objection | None:
        """What stands against it in what is on record."""
        if _is_taken_back(item, case):
            return Objection(DISMISSED, calls_off=True)
        reason = await self.composer.objection(work, item, case, self.rulebooks.current.index)
        return None if reason is None else Objection(reason)

    async def _closed_destination(self, item: OutboxItem) -> Sentence | None:
        """The clause of the hard gate that the DNS answers: why this decline can't get to anybody, or None.

        A DNS that doesn't answer is no reason: the next server will ask it again, and keeps the mail until it can.
        """
        if item.purpose is not Purpose.DECLINE:
            return None
        destination = await self.destinations.of(item.to.rpartition("@")[2], every_host=False)
        if destination.reach is Reach.UNKNOWN:
            log.warning(Event.DNS_FAILED, item=item.id, reason=destination.reason)
        return destination.reason if destination.reach is Reach.CLOSED else None

    async def begin_sending(self, item: OutboxItem, post: Post, claim: Claim) -> bool:
        """Commit the attempt, and at the first one its bytes; False if the item is not this claim's any more."""
        sealed = None if item.frozen else await self.store.sealed(post.content, item.id)
        async with self.store.begin() as work:
            if sealed is not None and not await work.outbox.freeze(item.id, post, sealed):
                return False  # another claim has begun it meanwhile, with bytes of its own
            return await work.outbox.mark_sending(item.id, claim.owner, self.clock.now())

    async def object(self, item: OutboxItem, objection: Objection, claim: Claim) -> None:
        """Settle an item that must not be sent, or put off one that has no way out yet, which is no attempt."""
        if objection.calls_off:
            await self._call_off(item, objection.reason, claim)
            return
        if objection.final:
            await self._settle(item, OutboxState.FAILED, objection.reason, claim)
            return
        due_at = self.clock.now() + NO_WAY_PAUSE
        async with self.store.begin() as work:
            await work.outbox.settle(
                item.id, state=OutboxState.WAITING, reply=objection.reason, due_at=due_at, owner=claim.owner
            )

    async def _call_off(self, item: OutboxItem, reason: str, claim: Claim) -> None:
        async with self.store.begin() as work:
            if await work.outbox.settle(item.id, state=OutboxState.CANCELLED, reply=reason, owner=claim.owner):
                await self._audit(work, item, f"{item.purpose}-{OutboxState.CANCELLED}", reason)

    async def settle(self, item: OutboxItem, outcome: Outcome, claim: Claim) -> None:
        """Write down what came of an attempt, and when the next one is due."""
        match outcome.kind:
            case OutcomeKind.SENT:
                await self._settle(item, OutboxState.SENT, outcome.reply, claim)
            case OutcomeKind.REFUSED if item.purpose is Purpose.REPORT and not item.summary:
                await self._without_original(item, outcome.reply, claim)
            case OutcomeKind.REFUSED:
                await self._settle(item, OutboxState.FAILED, outcome.reply, claim)
            case OutcomeKind.UNCERTAIN if item.purpose is Purpose.DECLINE:
                await self._settle(item, OutboxState.UNCERTAIN, outcome.reply, claim)
            case OutcomeKind.UNCERTAIN | OutcomeKind.TRY_LATER:
                await self._postpone(item, outcome, claim)
            case OutcomeKind.NOT_OURS:
                return
            case unreachable:
                assert_never(unreachable)

    async def _without_original(self, item: OutboxItem, reply: str, claim: Claim) -> None:
        """A report that is refused for good goes once more as a summary: better less than nothing."""
        now = self.clock.now()
        async with self.store.begin() as work:
            settled = await work.outbox.settle(
                item.id,
                state=OutboxState.WAITING,
                reply=reply,
                due_at=now,
                attempts=item.attempts + 1,
                owner=claim.owner,
            )
            if not settled or not await work.outbox.without_original(item.id):
                log.error(Event.OUTBOX_CONFLICT, item=item.id, wanted="summary")
                return
            await self._audit(work, item, "report-refused", reply)
        log.error(Event.REPORT_WITHOUT_ORIGINAL, item=item.id, case=item.case_reference, reason=reply)

    async def _postpone(self, item: OutboxItem, outcome: Outcome, claim: Claim) -> None:
        reply = outcome.reply
        due_at = next_attempt(
            now=self.clock.now(),
            attempts=item.attempts + 1,
            retry=self.outbound.retry,
            give_up_after=self.outbound.give_up_after,
        )
        if due_at is None:
            given_up = Sentence("given up; the last answer was: {reply}", reply=reply)
            await self._settle(item, OutboxState.FAILED, given_up, claim)
            return
        async with self.store.begin() as work:
            settled = await work.outbox.settle(
                item.id, state=OutboxState.WAITING, reply=reply, due_at=due_at, attempts=item.attempts + 1,
                owner=claim.owner,
            )  # fmt: skip
            if settled and _surely_not_taken(item, outcome):
                await work.outbox.thaw(item.id)
        log.warning(
            Event.OUTBOX_RETRY,
            item=item.id,
            purpose=str(item.purpose),
            case=item.case_reference,
            due_at=due_at.isoformat(),
            reply=reply,
        )

    async def _settle(self, item: OutboxItem, state: OutboxState, reply: str, claim: Claim) -> None:
        async with self.store.begin() as work:
            settled = await work.outbox.settle(
                item.id, state=state, reply=reply, attempts=item.attempts + 1, owner=claim.owner
            )
            if not settled:
                log.error(Event.OUTBOX_CONFLICT, item=item.id, wanted=str(state))
                return
            if state is OutboxState.SENT and item.purpose is Purpose.RELEASE:
                await self._released(work, item, reply)
            if state is OutboxState.FAILED and item.purpose is Purpose.DECLINE:
                await self.starting.give_up_window(work, item)
            await self._audit(work, item, f"{item.purpose}-{state}", reply)
        tell = log.info if state is OutboxState.SENT else log.error
        tell(_EVENTS[state], item=item.id, purpose=str(item.purpose), case=item.case_reference, reply=reply)

    async def _released(self, work: Work, item: OutboxItem, reply: str) -> None:
        if item.case_id is None:
            return
        for delivery in await work.deliveries.of(item.case_id):
            if delivery.recipient == item.to:
                await work.deliveries.settle(item.case_id, delivery.key, DeliveryState.RELEASED, reply)

    async def _audit(self, work: Work, item: OutboxItem, action: str, reply: str) -> None:
        detail = {"item": item.id, "reply": without_addresses(reply)}
        await work.audit.append(GATEWAY, action, item.case_reference or item.id, detail)


def _surely_not_taken(item: OutboxItem, outcome: Outcome) -> bool:
    """By no attempt: had an earlier one ended in doubt, its bytes would have been there when this one began."""
    return item.purpose in THAWED_UNLESS_TAKEN and outcome.kind is OutcomeKind.TRY_LATER and not item.frozen


def _is_taken_back(item: OutboxItem, case: Case | None) -> bool:
    """It was leaving when the case was dismissed, and broke off: behind its retraction it would be the last word."""
    report = item.purpose in {Purpose.REPORT, Purpose.AMENDMENT}
    return report and case is not None and case.disposal is Disposal.DISMISSED


def _after_a_crash(item: OutboxItem) -> OutboxState:
    return OutboxState.UNCERTAIN if item.purpose is Purpose.DECLINE else OutboxState.WAITING


_EVENTS = {
    OutboxState.SENT: Event.OUTBOX_SENT,
    OutboxState.WAITING: Event.OUTBOX_RETRY,
    OutboxState.FAILED: Event.OUTBOX_FAILED,
    OutboxState.UNCERTAIN: Event.OUTBOX_UNCERTAIN,
}
