"""Watching: what monitoring asks of the record. One question at a time, briefly, and never on the mail's path."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.errors import StoreError
from gateway.operations.auditing import last_verification
from gateway.store.values import MODE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.model.alerts import Alarm
    from gateway.model.audit import Verification
    from gateway.model.backlog import Backlog
    from gateway.store.unit_of_work import Store

FRESH = 5.0
"""Seconds for which numbers are told again without a new question."""
ANSWER_WITHIN = 2.0
"""Seconds: monitoring itself gives up after ten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What the record says at one moment."""

    backlog: Backlog
    verification: Verification | None
    """Of the audit chain: the last one."""
    alerts: Mapping[Alarm, int]
    """How many stand, over all nodes."""


class Watching:
    """What the record says to monitoring. One for the process.

    That the store does not answer is an answer here, and told as such: who needs it for mail logs its failure.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._asking = asyncio.Lock()
        """However many ask, the store's connections are left to the mail."""
        self._known: Watched | None = None
        self._known_since = -FRESH

    async def watched(self) -> Watched | None:
        """What the record says, at most `FRESH` seconds old; None when the store does not say so in time."""
        try:
            async with asyncio.timeout(ANSWER_WITHIN), self._asking:
                now = asyncio.get_running_loop().time()
                if self._known is None or now - self._known_since >= FRESH:
                    self._known = None
                    self._known = await self._ask()
                    self._known_since = now
                return self._known
        except (StoreError, TimeoutError):
            return None

    async def backlog(self) -> Backlog | None:
        """What waits, as `watched` says."""
        watched = await self.watched()
        return watched.backlog if watched is not None else None

    async def _ask(self) -> Watched:
        async with self._store.reading() as work:
            return Watched(
                backlog=await work.backlogs.backlog(),
                verification=await last_verification(work),
                alerts=Counter(one.trouble.alarm for one in await work.alerts.all() if one.stands),
            )

    async def trouble(self) -> str:
        """Why the store can't be used now, or "" when it has just answered, and can be written to."""
        try:
            async with asyncio.timeout(ANSWER_WITHIN), self._asking:
                async with self._store.reading() as work:
                    await work.values.get(MODE)
                return await self._store.only_read()
        except StoreError as error:
            return str(error)
        except TimeoutError:
            return f"The database did not answer within {ANSWER_WITHIN:g} s"
