"""The dispatch worker: claim, prepare, send, settle; again and again until it is told to stop.

Decides nothing: what may be sent and what follows from an answer is `gateway.operations.outbox`'s. A store that is
away is waited for; nothing is lost meanwhile, because nothing is held in memory.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import structlog

from filters.sentence import Sentence
from gateway.counters import FAULTS, STORE_FAILURES, count, count_attempt
from gateway.errors import StoreError
from gateway.events import Event
from gateway.model.outbox import LARGE
from gateway.operations.outbox import Objection
from gateway.relay.mailing import Outcome, OutcomeKind
from gateway.relay.outbound import Lines
from gateway.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.model.outbox import OutboxItem
    from gateway.operations.digests import Digests
    from gateway.operations.outbox import Claim, Outbox
    from gateway.operations.ways import Ways

POLL_INTERVAL = 0.5
"""Seconds between looks at the outbox when nothing is due."""
AT_ONCE = 40
"""Mails in hand. Most wait for a server; who hangs takes one place for each mail that goes there."""
WHOLE_AT_ONCE = 24 * 1024 * 1024
"""Octets of large originals at a time: each stands in memory several times while its mail is composed and sent."""
SETTLE_PAUSE = 2.0
"""Seconds between tries to write an outcome down."""
RENEW_INTERVAL = 20.0
"""Seconds; a third of the lease."""

DIGEST_INTERVAL = 60.0
"""Seconds between looks at whether the day's digest is due."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a worker works with, as the configuration has it."""

    outbox: Outbox
    ways: Ways
    digests: Digests


class Worker:
    """One worker. `run()` returns after `stop()`; an attempt that has begun is settled first."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._digest_looked_at = -DIGEST_INTERVAL
        self._lines = Lines()
        self._large = Turns(WHOLE_AT_ONCE)
        self._stopping = asyncio.Event()
        self._in_hand: dict[asyncio.Task[None], Claim] = {}
        """One task for each mail; a claim is renewed while one of its mails is here."""

    def work_with(self, means: Means) -> None:
        """Another configuration, from the next attempt on."""
        self._means = means

    def stop(self) -> None:
        """Finish the attempt in hand and return from `run()`."""
        self._stopping.set()

    async def run(self) -> None:
        """Send what is due. Cancelled in mid-attempt, an item stays `sending`, and is judged when its lease ends."""
        renewing = asyncio.get_running_loop().create_task(self._renew())
        try:
            started = False
            while not self._stopping.is_set():
                try:
                    if not started:
                        await self._means.outbox.start()
                        started = True
                    busy = await self._round()
                except StoreError as error:
                    count(STORE_FAILURES)
                    log.warning(Event.STORE_FAILED, doing="looking after the outbox", reason=str(error))
                    busy = False
                if not busy:
                    await self._pause(POLL_INTERVAL)
            if self._in_hand:
                await asyncio.wait(self._in_hand)
        finally:
            ending = [renewing, *self._in_hand]
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)
            await self._lines.close()

    async def _round(self) -> bool:
        """Begin what is due; False when nothing was, or when enough is in hand.

        While a large one waits for its turn no other large one is claimed: small mail must not wait behind them.
        """
        await self._look_at_the_digest()
        room = AT_ONCE - len(self._in_hand)
        if not await self._means.outbox.look_around() or not room:
            return False
        claim = await self._means.outbox.claim(room, large_too=not self._large.waited_for)
        for item in claim.items:
            task = asyncio.get_running_loop().create_task(self._work_on(item, claim))
            self._in_hand[task] = claim
            task.add_done_callback(self._in_hand.pop)
        await asyncio.sleep(0)  # each begins, or waits for its turn, before the next are claimed
        return bool(claim.items)

    async def _look_at_the_digest(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._digest_looked_at >= DIGEST_INTERVAL:
            self._digest_looked_at = now
            await self._means.digests.write_if_due()

    async def _work_on(self, item: OutboxItem, claim: Claim) -> None:
        """Side by side with all others: one that hangs must not hold up another that goes another way.

        What an error leaves undone is free again when the lease ends.
        """
        try:
            await (self._in_turn(item, claim) if item.octets >= LARGE else self._attempt(item, claim))
        except Exception as error:  # noqa: BLE001 -- nobody awaits this task for its result
            count(STORE_FAILURES)
            log.error(Event.STORE_FAILED, doing="working on an outbox item", item=item.id, reason=str(error))

    async def _in_turn(self, item: OutboxItem, claim: Claim) -> None:
        """As many large ones at a time as there is room for in memory; the others keep their claim and wait."""
        async with self._large.of(item.octets):
            if not self._stopping.is_set():
                await self._attempt(item, claim)

    async def _attempt(self, item: OutboxItem, claim: Claim) -> None:
        outbox, ways = self._means.outbox, self._means.ways
        way = await ways.towards(item.to)
        if isinstance(way, Objection):
            await self._write_down(item, partial(outbox.object, item, way, claim))
            return
        leaving = _Leaving()
        try:
            prepared = await outbox.prepare(item)
            if isinstance(prepared, Objection):
                await self._write_down(item, partial(outbox.object, item, prepared, claim))
                return
            begin = partial(outbox.begin_sending, item, prepared, claim)
            outcome = await self._lines.send(prepared, way, partial(leaving.begin, begin))
        except StoreError as error:  # before the final dot, the last thing that is asked of the store: nothing has left
            await self._give_back(item, claim, error)
            return
        except Exception as error:  # one item that can't be handled must not stop all others
            count(FAULTS)
            log.exception(Event.FAULT, item=item.id)
            kind = OutcomeKind.UNCERTAIN if leaving.begun else OutcomeKind.TRY_LATER
            outcome = Outcome(
                kind, Sentence("a fault of the gateway ({kind}); the log has it", kind=type(error).__name__)
            )
        count_attempt(item.purpose.value, outcome.kind.name.lower())
        await self._write_down(item, partial(self._means.outbox.settle, item, outcome, claim))

    async def _give_back(self, item: OutboxItem, claim: Claim, error: StoreError) -> None:
        """What the store failed at: even if it has `sending` on record, nothing was sent, which no lease can tell."""
        count(STORE_FAILURES)
        log.warning(Event.STORE_FAILED, doing="preparing an outbox item", item=item.id, reason=str(error))
        failed = Objection(str(error), final=False)
        await self._write_down(item, partial(self._means.outbox.object, item, failed, claim))

    async def _write_down(self, item: OutboxItem, write: Callable[[], Awaitable[None]]) -> None:
        """Until the store takes it: what came of an attempt stands nowhere else."""
        while True:
            try:
                await write()
            except StoreError as error:
                count(STORE_FAILURES)
                log.error(Event.STORE_FAILED, doing="settling an outbox item", item=item.id, reason=str(error))
                if self._stopping.is_set():
                    raise
                await self._pause(SETTLE_PAUSE)
            else:
                return

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_INTERVAL)
            for claim in set(self._in_hand.values()):
                try:
                    await self._means.outbox.renew(claim)
                except StoreError as error:
                    count(STORE_FAILURES)
                    log.warning(Event.STORE_FAILED, doing="renewing a claim", reason=str(error))


class _Leaving:
    """Commits the attempt before the message leaves, and remembers that it did."""

    def __init__(self) -> None:
        self.begun = False

    async def begin(self, commit: Callable[[], Awaitable[bool]]) -> bool:
        self.begun = await commit()
        return self.begun
