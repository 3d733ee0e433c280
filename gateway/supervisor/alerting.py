"""The part of a process that looks for trouble: twice a minute, for as long as it serves."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from gateway.counters import FAULTS, count
from gateway.errors import StoreError
from gateway.events import Event

if TYPE_CHECKING:
    from gateway.operations.alerting import Alerting

LOOK_EVERY = 30.0
"""Seconds: next hops are asked no oftener."""
GIVE_BACK_WITHIN = 2.0
"""Seconds that the end waits for a database that hangs."""

log = structlog.get_logger()


class Lookout:
    """One for the process. `look_with()` puts another configuration in force."""

    def __init__(self, alerting: Alerting, *, every: float = LOOK_EVERY) -> None:
        self._alerting = alerting
        self._every = every

    def look_with(self, alerting: Alerting) -> None:
        """From the next look on."""
        self._alerting = alerting

    async def keep(self) -> None:
        """Look, until it is cancelled; then the duty is given back. Not at once: what has just started is not known."""
        try:
            while True:
                await asyncio.sleep(self._every)
                try:
                    await self._alerting.look()
                except Exception:  # no fault here may end the mail of this process
                    count(FAULTS)
                    log.exception(Event.FAULT, doing="looking for trouble")
        finally:
            with suppress(StoreError, TimeoutError):
                async with asyncio.timeout(GIVE_BACK_WITHIN):
                    await self._alerting.stop()
