"""Flagged mail: the planned steps, one after the other (decision 2).

Emergency recipients, then the record, then everybody else; nothing is answered 250 before it is on record or with the
next hop. What the client is told is `conclude()`'s table.
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
from gateway.errors import StoreError
from gateway.events import Event
from gateway.model.case import DeliveryState
from gateway.model.conclusion import ACCEPTED, TRY_AGAIN, conclude
from gateway.model.intake_key import intake_key, trace_length
from gateway.model.plan import plan, remaining
from gateway.operations.recording import auth_word, authentication_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from filters.address import Mailbox
    from filters.disposition import Tier
    from filters.envelope import Envelope
    from filters.screening import Screening
    from gateway.model.case import CaseFile
    from gateway.model.plan import Plan, Relay
    from gateway.model.reply import Reply
    from gateway.operations.outgoing import Outgoing
    from gateway.operations.recording import Recorder
    from gateway.spool import Spool

RECORD_WITHIN = 25.0
"""Seconds for one unit of work: a database that hangs must not hold the client past its own patience."""

log = structlog.get_logger()


class RelayStep(Protocol):
    """One planned relay, with the reference that its flag names."""

    async def __call__(self, step: Relay, reference: str) -> list[Served]:
        """What came of it, for each of its recipients."""
        ...


class Deliver(Protocol):
    """Give content to the next hop for these recipients, and return its answer."""

    async def __call__(self, recipients: Iterable[Mailbox], content: Callable[[], Iterable[bytes]]) -> Reply:
        """`content` yields the octets anew at each call."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FlaggedMessage:
    """A message in which something was found, with the decision about it."""

    envelope: Envelope
    header_section: bytes
    content: Spool
    screening: Screening


@dataclass(frozen=True, slots=True)
class Served:
    """What the next hop answered for one recipient."""

    recipient: Mailbox
    state: DeliveryState
    reply: Reply


class ServedFirst:
    """Emergency recipients that were served although a later step failed, remembered for a day (decision 8)."""

    LIFE = timedelta(hours=24)
    LIMIT = 10_000

    def __init__(self) -> None:
        self._seen: OrderedDict[str, tuple[datetime, frozenset[str]]] = OrderedDict()

    def add(self, key: str, recipients: Iterable[Mailbox], now: datetime) -> None:
        """Remember that these recipients have this message."""
        _, known = self._seen.pop(key, (now, frozenset()))
        self._seen[key] = (now, known | {mailbox.key for mailbox in recipients})
        while len(self._seen) > self.LIMIT:
            self._seen.popitem(last=False)

    def __contains__(self, item: tuple[str, Mailbox, datetime]) -> bool:
        key, mailbox, now = item
        at, recipients = self._seen.get(key, (now, frozenset()))
        return now - at < self.LIFE and mailbox.key in recipients


@dataclass(frozen=True, slots=True, kw_only=True)
class FlaggedMail:
    """Takes the steps for every flagged message. One for the process."""

    recorder: Recorder
    hostname: str
    secret: bytes
    served_first: ServedFirst = field(default_factory=ServedFirst)

    async def take(self, message: FlaggedMessage, outgoing: Outgoing, deliver: Deliver) -> Reply:
        """Serve first, record, relay the rest, settle; the answer to the final dot."""
        key = intake_key(message.envelope.reverse_path, message.content.chunks(trace_length(message.header_section)))
        reference = tokens.case_reference(self.secret, key)
        relay = partial(self._relay, message, outgoing, deliver)
        steps = plan(message.screening)
        first = await self._serve_first(steps.first, key, message, relay, reference)
        if any(served.reply.transient for served in first):
            return conclude(served.reply for served in first)
        recorded = await self._record(message, key, reference, first)
        if recorded is None and message.screening.mode is not Mode.OBSERVE:
            return conclude([*(served.reply for served in first), TRY_AGAIN])
        rest = await self._relay_rest(steps, recorded, first, message, relay)
        if recorded is not None:
            await self._settle(recorded, rest)
        return conclude(served.reply for served in (*first, *rest))

    async def _serve_first(
        self, relays: Sequence[Relay], key: str, message: FlaggedMessage, relay: RelayStep, reference: str
    ) -> list[Served]:
        """Emergency recipients, before anything that could fail or wait; those of an earlier attempt not again."""
        now = message.envelope.received_at
        served: list[Served] = []
        for step in relays:
            due = tuple(mailbox for mailbox in step.recipients if (key, mailbox, now) not in self.served_first)
            done = [mailbox for mailbox in step.recipients if mailbox not in due]
            served += [Served(mailbox, DeliveryState.RELAYED, ACCEPTED) for mailbox in done]
            served += await relay(replace(step, recipients=due), reference) if due else []
        self.served_first.add(key, (one.recipient for one in served if one.reply.positive), now)
        return served

    async def _record(
        self, message: FlaggedMessage, key: str, reference: str, first: Sequence[Served]
    ) -> CaseFile | None:
        """The case as it now stands, or None if the store failed."""
        try:
            async with asyncio.timeout(RECORD_WITHIN):
                return await self.recorder.record(message, key=key, reference=reference, served=first)
        except (StoreError, TimeoutError) as error:
            log.error(Event.STORE_FAILED, doing="recording a flagged message", case=reference, reason=_words(error))
            return None

    async def _relay_rest(
        self, steps: Plan, recorded: CaseFile | None, first: Sequence[Served], message: FlaggedMessage, relay: RelayStep
    ) -> list[Served]:
        """What the record still asks for (in observe mode without a record: what the plan asked for)."""
        if any(not served.reply.positive for served in first):
            return []  # refused for good by the next hop: it stands in the record, and the client is told
        reference = recorded.case.reference if recorded else ""
        recipients = [
            mailbox for mailbox in message.envelope.recipients if mailbox not in {one.recipient for one in first}
        ]
        relays = remaining(recorded.case, recorded.deliveries, recipients) if recorded else steps.rest
        served: list[Served] = []
        for step in relays:
            served += await relay(step, reference)
            if not served[-1].reply.positive:
                break
        return served

    async def _relay(
        self, message: FlaggedMessage, outgoing: Outgoing, deliver: Deliver, step: Relay, reference: str
    ) -> list[Served]:
        flag = self._flag(step.flag, reference, message.screening)
        reply = await deliver(step.recipients, partial(outgoing.chunks, flag))
        state = _delivery_state(reply)
        return [Served(mailbox, state, reply) for mailbox in step.recipients]

    def _flag(self, tier: Tier | None, reference: str, screening: Screening) -> bytes:
        if tier is None:
            return b""
        return flag_fields(
            tier=tier,
            reference=reference,
            auth=auth_word(screening),
            hostname=self.hostname,
            authentication=authentication_texts(screening),
        )

    async def _settle(self, recorded: CaseFile, served: Sequence[Served]) -> None:
        """The second unit of work. If it fails the deliveries stay visibly `pending`; the client's answer stands."""
        try:
            async with asyncio.timeout(RECORD_WITHIN):
                await self.recorder.settle(recorded.case, served)
        except (StoreError, TimeoutError) as error:
            reference = recorded.case.reference
            log.error(Event.STORE_FAILED, doing="settling deliveries", case=reference, reason=_words(error))


def _words(error: Exception) -> str:
    return str(error) or f"no answer from the database within {RECORD_WITHIN:g} s"


def _delivery_state(reply: Reply) -> DeliveryState:
    if reply.positive:
        return DeliveryState.RELAYED
    return DeliveryState.REFUSED if reply.permanent else DeliveryState.PENDING
