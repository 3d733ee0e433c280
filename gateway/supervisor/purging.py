"""The part of a process that disposes of cases: it looks every hour whether today's purge has been."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from gateway.counters import FAULTS, STORE_FAILURES, count
from gateway.errors import RefusedError, StoreError
from gateway.events import Event

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.operations.purging import Purging

LOOK_EVERY = 3600.0
"""Seconds between looks at whether the daily purge is due."""

log = structlog.get_logger()


async def keep_purging(purging: Callable[[], Purging]) -> None:
    """For as long as the process lives; `purging` gives what is in force at that moment."""
    while True:
        try:
            done = await purging().purge_daily()
            if done is not None:
                log.info(Event.CASES_DISPOSED, certificate=done.id, number=done.cases)
        except RefusedError as refusal:
            log.info(Event.PURGE_CONFLICT, reason=str(refusal))
        except StoreError as error:
            count(STORE_FAILURES)
            log.warning(Event.STORE_FAILED, doing="disposing of cases", reason=str(error))
        except Exception:  # no fault here may end the mail of this process
            count(FAULTS)
            log.exception(Event.FAULT, doing="disposing of cases")
        await asyncio.sleep(LOOK_EVERY)
