"""Flagged mail: the planned steps, one after the other (decision 2).

Emergency recipients, then the decision, then the record, then everybody else; nothing is answered 250 before it is on
record or with the next hop. What the client is told is `conclude()`'s table.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Protocol

import structlog

from filters.disposition import Mode
from gateway import tokens
from gateway.compose.flag import flag_fields
from gateway.counters import STORE_FAILURES, count
from gateway.errors import StoreError
from gateway.events import Event
from gateway.model.case import DeliveryState
from gateway.model.conclusion import TRY_AGAIN, conclude
from gateway.model.intake_key import intake_key, trace_length
from gateway.model.plan import Relay, plan, remaining
from gateway.operations.recording import FlaggedMessage, RelayResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from filters.address import Mailbox
    from filters.disposition import Tier
    from filters.screening import Screening
    from gateway.model.case import CaseFile
    from gateway.model.plan import Plan
    from gateway.model.reply import Reply
    from gateway.operations.deciding import Deciding, Suspicion
    from gateway.operations.outgoing import Outgoing
    from gateway.operations.recording import Recorder
    from gateway.turns import Turns

RECORD_WITHIN = 25.0
"""Seconds for one unit of work: a database that hangs must not hold the client past its own patience."""
SETTLE_GRACE = 3.0
"""Seconds past the client's deadline; a delivery that is not settled by then stays visibly `pending`."""
SETTLE_PAUSE = 0.5
"""Seconds before another try: a database that was restarted or replaced is soon back."""
RECORDS_AT_ONCE = 4
"""Units of work that write a record, at a time."""

log = structlog.get_logger()


class RelayStep(Protocol):
    """One planned relay, with the reference that its flag names."""

    async def __call__(self, step: Relay, reference: str) -> list[RelayResult]:
        """What came of it, for each of its recipients."""
        ...


class Deliver(Protocol):
    """Give content to the next hop for these recipients, and return its answer."""

    async def __call__(self, recipients: Iterable[Mailbox], content: Callable[[], Iterable[bytes]]) -> Reply:
        """`content` yields the octets anew at each call."""
        ...


@dataclass(frozen=True, slots=True)
class Taken:
    """The answer to the final dot; and the screening, None where nothing was found after all."""

    reply: Reply
    screening: Screening | None
    case: str = ""
    """The reference of the case on record."""


class ServedFirst:
    """Emergency recipients that were served although a later step failed, remembered for a day (decision 8)."""

    LIFE = timedelta(hours=24)
    LIMIT = 10_000

    def __init__(self) -> None:
        self._seen: OrderedDict[str, tuple[datetime, dict[str, Reply]]] = OrderedDict()

    def add(self, key: str, served: Iterable[RelayResult], now: datetime) -> None:
        """Remember who has this message, and what the next hop said to it."""
        new = {one.recipient.delivery_key: one.reply for one in served if one.reply.positive}
        if not new:
            return
        _, known = self._seen.pop(key, (now, {}))
        self._seen[key] = (now, known | new)
        while len(self._seen) > self.LIMIT or now - next(iter(self._seen.values()))[0] > self.LIFE:
            self._seen.popitem(last=False)

    def reply_to(self, key: str, mailbox: Mailbox, now: datetime) -> Reply | None:
        """The next hop's answer for this recipient of this message at an earlier attempt, or None."""
        at, replies = self._seen.get(key, (now, {}))
        return replies.get(mailbox.delivery_key) if now - at < self.LIFE else None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlaggedMail:
    """Takes the steps for every flagged message. One for the process."""

    deciding: Deciding
    recorder: Recorder
    hostname: str
    secret: bytes
    whole: Turns
    """What is recorded stands whole in memory meanwhile: anybody can claim to be a mission, with 50 MB."""
    served_first: ServedFirst
    recording: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(RECORDS_AT_ONCE))

    async def take(self, suspicion: Suspicion, outgoing: Outgoing, deliver: Deliver, *, deadline: float) -> Taken:
        """Serve first, decide, record, relay the rest, settle; the answer to the final dot."""
        received = suspicion.content.head(len(suspicion.header_section))
        key = intake_key(suspicion.envelope.reverse_path, suspicion.content.chunks(trace_length(received)))
        reference = tokens.case_reference(self.secret, key)
        relay = partial(self._relay, suspicion.screening, outgoing, deliver)
        first = await self._serve_first(suspicion, key, relay, reference)
        if any(served.reply.transient for served in first):
            return Taken(conclude(served.reply for served in first), suspicion.screening)
        decision = await self.deciding.decide(suspicion)
        relay = partial(self._relay, decision.screening, outgoing, deliver)
        if not decision.screening.flagged:
            rest = await self._relay_clear(suspicion.envelope.recipients, first, relay)
            return Taken(conclude(served.reply for served in (*first, *rest)), None)
        message = FlaggedMessage(
            envelope=suspicion.envelope,
            header_section=suspicion.header_section,
            content=suspicion.content,
            decision=decision,
        )
        return await self._take_flagged(message, first, relay, key, reference, deadline)

    async def _take_flagged(
        self,
        message: FlaggedMessage,
        first: Sequence[RelayResult],
        relay: RelayStep,
        key: str,
        reference: str,
        deadline: float,
    ) -> Taken:
        recorded = await self._record(message, key, reference, first, deadline)
        if recorded is None and message.screening.mode is not Mode.OBSERVE:
            return Taken(conclude([*(served.reply for served in first), TRY_AGAIN]), message.screening)
        rest = await self._relay_rest(plan(message.screening), recorded, first, message, relay)
        if recorded is not None:
            await self._settle(recorded, [*first, *rest], deadline)
        reply = conclude(served.reply for served in (*first, *rest))
        return Taken(reply, message.screening, recorded.case.reference if recorded else "")

    async def _relay_clear(
        self, recipients: Iterable[Mailbox], first: Sequence[RelayResult], relay: RelayStep
    ) -> list[RelayResult]:
        """A signature in a listed name that didn't verify: the message passes like any other."""
        done = {one.recipient for one in first}
        due = tuple(mailbox for mailbox in recipients if mailbox not in done)
        if not due or any(not served.reply.positive for served in first):
            return []
        return await relay(Relay(due, None), "")

    async def _serve_first(self, suspicion: Suspicion, key: str, relay: RelayStep, reference: str) -> list[RelayResult]:
        """Emergency recipients, before anything that could fail or wait; those of an earlier attempt not again."""
        now = suspicion.envelope.received_at
        served: list[RelayResult] = []
        for step in suspicion.first:
            earlier = [(mailbox, self.served_first.reply_to(key, mailbox, now)) for mailbox in step.recipients]
            due = tuple(mailbox for mailbox, reply in earlier if reply is None)
            served += [RelayResult(mailbox, DeliveryState.RELAYED, reply) for mailbox, reply in earlier if reply]
            served += await relay(replace(step, recipients=due), reference) if due else []
        self.served_first.add(key, served, now)
        return served

    async def _record(
        self, message: FlaggedMessage, key: str, reference: str, first: Sequence[RelayResult], deadline: float
    ) -> CaseFile | None:
        """The case as it now stands, or None if the store failed."""
        try:
            within = asyncio.timeout_at(min(_now() + RECORD_WITHIN, deadline))
            async with within, self.whole.of(message.content.size), self.recording:
                return await self.recorder.record(message, key=key, reference=reference, served=first)
        except (StoreError, TimeoutError) as error:
            count(STORE_FAILURES)
            log.error(Event.STORE_FAILED, doing="recording a flagged message", case=reference, reason=_words(error))
            return None

    async def _relay_rest(
        self,
        steps: Plan,
        recorded: CaseFile | None,
        first: Sequence[RelayResult],
        message: FlaggedMessage,
        relay: RelayStep,
    ) -> list[RelayResult]:
        """What the record still asks for (in observe mode without a record: what the plan asked for).

        After an answer that is not positive nothing more is tried: the client is told it for all, and so it stands.
        """
        reference = recorded.case.reference if recorded else ""
        done = {one.recipient for one in first}
        recipients = [mailbox for mailbox in message.envelope.recipients if mailbox not in done]
        relays = remaining(recorded.case, recorded.deliveries, recipients) if recorded else steps.rest
        served: list[RelayResult] = []
        for step in relays:
            told = next((one.reply for one in (*first, *served) if not one.reply.positive), None)
            served += await relay(step, reference) if told is None else _answered(step, told)
        return served

    async def _relay(
        self, screening: Screening, outgoing: Outgoing, deliver: Deliver, step: Relay, reference: str
    ) -> list[RelayResult]:
        flag = self._flag(step.flag, reference, screening)
        reply = await deliver(step.recipients, partial(outgoing.on_the_wire, flag))
        return _answered(step, reply)

    def _flag(self, tier: Tier | None, reference: str, screening: Screening) -> bytes:
        if tier is None:
            return b""
        return flag_fields(
            tier=tier,
            reference=reference,
            hostname=self.hostname,
            authentication=screening.authentication,
        )

    async def _settle(self, recorded: CaseFile, served: Sequence[RelayResult], deadline: float) -> None:
        """The second unit of work. If it fails the deliveries stay visibly `pending`; the client's answer stands."""
        try:
            async with asyncio.timeout_at(min(_now() + RECORD_WITHIN, deadline + SETTLE_GRACE)):
                await self._until_settled(recorded, served)
        except TimeoutError as error:
            _tell_unsettled(recorded, error)

    async def _until_settled(self, recorded: CaseFile, served: Sequence[RelayResult]) -> None:
        while True:
            try:
                await self.recorder.settle(recorded.case, served)
            except StoreError as error:
                _tell_unsettled(recorded, error)
                await asyncio.sleep(SETTLE_PAUSE)
            else:
                return


def _tell_unsettled(recorded: CaseFile, error: Exception) -> None:
    count(STORE_FAILURES)
    log.error(Event.STORE_FAILED, doing="settling deliveries", case=recorded.case.reference, reason=_words(error))


def _now() -> float:
    return asyncio.get_running_loop().time()


def _words(error: Exception) -> str:
    return str(error) or "no answer from the database in time"


def _answered(step: Relay, reply: Reply) -> list[RelayResult]:
    state = _delivery_state(reply)
    return [RelayResult(mailbox, state, reply) for mailbox in step.recipients]


def _delivery_state(reply: Reply) -> DeliveryState:
    if reply.positive:
        return DeliveryState.RELAYED
    return DeliveryState.REFUSED if reply.permanent else DeliveryState.PENDING
