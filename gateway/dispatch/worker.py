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

from gateway.counters import FAULTS, STORE_FAILURES, count, count_attempt
from gateway.errors import StoreError
from gateway.events import Event
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
BATCHES_AT_ONCE = 4
LARGE = 256 * 1024
"""Octets of an original, from which on a mail has to wait until there is room for it."""
NO_ROOM = Objection("other large mails leave first: there is room for some at a time", final=False)
MOST_AT_ONCE = 24 * 1024 * 1024
"""Octets of large originals in hand. A mail that carries one takes up to four times as much until it has left."""
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
        self._large = Turns(MOST_AT_ONCE)
        self._stopping = asyncio.Event()
        self._batches: dict[asyncio.Task[None], Claim] = {}
        """What is being worked on; nothing else is renewed."""

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
            if self._batches:
                await asyncio.wait(self._batches)
        finally:
            ending = [renewing, *self._batches]
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)
            await self._lines.close()

    async def _round(self) -> bool:
        """Begin one batch; False when nothing was due, or when enough are in hand."""
        await self._look_at_the_digest()
        if not await self._means.outbox.look_around() or len(self._batches) >= BATCHES_AT_ONCE:
            return False
        claim = await self._means.outbox.claim()
        if claim.items:
            task = asyncio.get_running_loop().create_task(self._work_on(claim))
            self._batches[task] = claim
            task.add_done_callback(self._batches.pop)
        return bool(claim.items)

    async def _look_at_the_digest(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._digest_looked_at >= DIGEST_INTERVAL:
            self._digest_looked_at = now
            await self._means.digests.write_if_due()

    async def _work_on(self, claim: Claim) -> None:
        """All items of a claim side by side: one that hangs must not hold up another that goes another way.

        What an error leaves undone is free again when the lease ends: a claim is renewed only while it is worked on.
        """
        ends = await asyncio.gather(*(self._attempt(item, claim) for item in claim.items), return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                count(STORE_FAILURES)
                log.error(Event.STORE_FAILED, doing="working on outbox items", reason=str(end))

    async def _attempt(self, item: OutboxItem, claim: Claim) -> None:
        """A large one only if there is room for it. It does not wait here, where it would be in the way of others."""
        if not item.needs_original or item.original_size < LARGE:
            await self._attempt_now(item, claim)
        elif self._large.has_room(item.original_size):
            async with self._large.of(item.original_size):
                await self._attempt_now(item, claim)
        else:
            await self._write_down(item, partial(self._means.outbox.object, item, NO_ROOM, claim))

    async def _attempt_now(self, item: OutboxItem, claim: Claim) -> None:
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
            outcome = Outcome(kind, f"a fault of the gateway ({type(error).__name__}); the log has it")
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
            for claim in list(self._batches.values()):
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
