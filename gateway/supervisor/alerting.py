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
    from collections.abc import Callable

    from gateway.operations.alerting import Alerting

LOOK_EVERY = 30.0
"""Seconds: next hops are asked no oftener."""
GIVE_BACK_WITHIN = 2.0
"""Seconds that the end waits for a database that hangs."""

log = structlog.get_logger()


async def keep_looking(alerting: Callable[[], Alerting], *, every: float = LOOK_EVERY) -> None:
    """Look, until it is cancelled; then the duty is given back. Not at once: what has just started is not known.

    `alerting` gives what is in force at that moment.
    """
    try:
        while True:
            await asyncio.sleep(every)
            try:
                await alerting().look()
            except Exception:  # no fault here may end the mail of this process
                count(FAULTS)
                log.exception(Event.FAULT, doing="looking for trouble")
    finally:
        with suppress(StoreError, TimeoutError):
            async with asyncio.timeout(GIVE_BACK_WITHIN):
                await alerting().stop()
