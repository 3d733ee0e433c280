"""The dispatch worker: claim, prepare, send, settle; again and again until it is told to stop.

Decides nothing: what may be sent and what follows from an answer is `gateway.operations.outbox`'s. A store that is
away is waited for; nothing is lost meanwhile, because nothing is held in memory.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import structlog

from gateway.errors import StoreError
from gateway.events import Event
from gateway.operations.outbox import Objection
from gateway.relay.outbound import send

if TYPE_CHECKING:
    from gateway.model.outbox import OutboxItem
    from gateway.operations.outbox import Outbox
    from gateway.operations.ways import Ways

POLL_INTERVAL = 0.5
"""Seconds between looks at the outbox when nothing is due."""
RENEW_INTERVAL = 20.0
"""Seconds; a third of the lease."""

log = structlog.get_logger()


class Worker:
    """One worker. `run()` returns after `stop()`; an attempt that has begun is settled first."""

    def __init__(self, outbox: Outbox, ways: Ways) -> None:
        self._outbox = outbox
        self._ways = ways
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Finish the attempt in hand and return from `run()`."""
        self._stopping.set()

    async def run(self) -> None:
        """Send what is due. Cancelled in mid-attempt, the item stays `sending` and is judged at the next start."""
        renewing = asyncio.get_running_loop().create_task(self._renew())
        try:
            started = False
            while not self._stopping.is_set():
                try:
                    if not started:
                        await self._outbox.start()
                        started = True
                    busy = await self._round()
                except StoreError as error:
                    log.warning(Event.STORE_FAILED, doing="looking after the outbox", reason=str(error))
                    busy = False
                if not busy:
                    await self._pause()
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)

    async def _round(self) -> bool:
        """One batch; False when nothing was due."""
        await self._outbox.judge_abandoned()
        items = await self._outbox.claim()
        for item in items:
            if self._stopping.is_set():
                break  # the claim is free again when this node starts, or when its lease ends elsewhere
            await self._attempt(item)
        return bool(items)

    async def _attempt(self, item: OutboxItem) -> None:
        way = self._ways.towards(item.to)
        if isinstance(way, Objection):
            await self._outbox.wait(item, way)
            return
        prepared = await self._outbox.prepare(item)
        if isinstance(prepared, Objection):
            await self._outbox.refuse(item, prepared)
            return
        outcome = await send(prepared, way, partial(self._outbox.begin_sending, item))
        await self._outbox.settle(item, outcome)

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(POLL_INTERVAL):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_INTERVAL)
            try:
                await self._outbox.renew()
            except StoreError as error:
                log.warning(Event.STORE_FAILED, doing="renewing claims", reason=str(error))
