"""The rulebook in force: one immutable snapshot per process, renewed when its version in the store moves.

No mail transaction waits for the store: a task asks for the version number once a second. When the store is away the
last snapshot stays in force, so that clean mail flows on (decision 9).
"""

from __future__ import annotations

import asyncio
import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from filters.disposition import Mode, lower_mode
from filters.lists import ListIndex
from filters.rulebook import Rulebook
from gateway.counters import FAULTS, STORE_FAILURES, count
from gateway.errors import StoreError
from gateway.events import Event
from gateway.store.values import MODE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from filters.disposition import Policy, Tier
    from gateway.clock import Clock
    from gateway.store.unit_of_work import Store, Work

LONG_LIST = 20_000
"""Entries. Looking through more of them at once, the collector would hold up all mail for longer than 10 ms."""
POLL_INTERVAL = 1.0
"""Seconds; a change is in force everywhere within two."""

log = structlog.get_logger()


@contextmanager
def _collector_paused() -> Iterator[None]:
    """A long list is a million objects that refer to nothing in a circle: counting them would hold up all mail."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Rulebooks:
    """Hands out the current rulebook; `load()` once at start, `follow()` for as long as the process lives."""

    def __init__(
        self, store: Store, clock: Clock, *, mode: Mode, policy: Mapping[Tier, Policy], emergency: frozenset[str]
    ) -> None:
        self._store = store
        self._clock = clock
        self._ceiling, self._policy, self._emergency = mode, policy, emergency
        self._current: Rulebook | None = None
        self._mark = (0, "")
        """Of what the snapshot was made: the version of the lists, and the mode that was set by command."""

    @property
    def loaded(self) -> bool:
        """Whether there is one in force."""
        return self._current is not None

    @property
    def current(self) -> Rulebook:
        """The snapshot in force."""
        if self._current is None:
            raise RuntimeError("the rulebook is used before it was loaded")
        return self._current

    def govern(self, *, mode: Mode, policy: Mapping[Tier, Policy], emergency: frozenset[str]) -> None:
        """Another configuration: in force with the next message, whether the store can be read or not."""
        self._ceiling, self._policy, self._emergency = mode, policy, emergency
        if self._current is not None:
            self._current = self._governed(self._current)

    def _governed(self, lists: Rulebook) -> Rulebook:
        """These lists, under the configuration and the mode that was set."""
        override = self._mark[1]
        mode = lower_mode(self._ceiling, Mode(override)) if override else self._ceiling
        return lists.under(mode=mode, policy=self._policy, emergency=self._emergency)

    async def load(self) -> Rulebook:
        """Read the snapshot if its version, or the mode, moved. StoreError when the store is away."""
        async with self._store.reading() as work:
            mark = (await work.senders.version(), await work.values.get(MODE) or "")
            if self._current is None or mark != self._mark:
                with _collector_paused():
                    lists = await self._read(work, mark[0])
                    self._mark = mark
                    self._current = self._governed(lists)
                    if len(self._current.index.entries) > LONG_LIST:
                        gc.freeze()
                log.info(Event.RULEBOOK_LOADED, version=mark[0], mode=str(self._current.mode))
        return self._current

    async def _read(self, work: Work, version: int) -> Rulebook:
        """The lists alone: what they are under may change while a long one is read."""
        entries = await work.senders.live()
        rulebook = Rulebook(
            version=version,
            index=await asyncio.to_thread(ListIndex, entries),
            exemptions=tuple(await work.senders.exemptions(self._clock.now())),
        )
        # In a thread, like the index, and now: made at the first message, they would hold up all mail.
        await asyncio.to_thread(lambda: rulebook.look_alikes)
        return rulebook

    async def follow(self) -> None:
        """Renew the snapshot until cancelled."""
        while True:
            await asyncio.sleep(POLL_INTERVAL)
            try:
                await self.load()
            except StoreError as error:
                count(STORE_FAILURES)
                log.warning(
                    Event.STORE_FAILED, doing="reading the rulebook; the last one stays in force", reason=str(error)
                )
            except Exception:  # whatever it is, mail goes on being screened by the last rulebook
                count(FAULTS)
                log.exception(Event.FAULT, doing="reading the rulebook; the last one stays in force")


async def is_first_start(store: Store) -> bool:
    """Whether the store never had a list."""
    async with store.reading() as work:
        return await work.senders.version() == 0
