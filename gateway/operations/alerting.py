"""Alerting: a look at how the gateway is, what of it goes on record, and who is told.

Every process that sends mail or shows pages looks. Under leases, one on each machine writes down that machine's
trouble, and one of all nodes writes down what they have in common, and tells the hooks. What a hook does not take is
told again at the next look.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import structlog

from gateway.errors import StoreError
from gateway.events import Event
from gateway.model.alerts import (
    OF_A_NODE,
    UNHEARD_AFTER,
    Alarm,
    Alert,
    Phase,
    Standing,
    Trouble,
    after_telling,
    document,
    due,
    is_done,
    noted,
)
from gateway.model.health import ALARMS, Grade

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from gateway.clock import Clock
    from gateway.model.health import Fact
    from gateway.operations.health import Health
    from gateway.operations.watcher import Watcher
    from gateway.store.unit_of_work import Store, Work

TELLING = "alerts"
"""The duty of telling, and of writing down what all nodes have in common."""
LEASE = timedelta(seconds=120)
"""Several looks: one that is slow loses no duty."""

log = structlog.get_logger()


class Hook(Protocol):
    """Whom we tell."""

    async def tell(self, document: bytes) -> str:
        """Why the document was not taken, "" if it was."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerting:
    """What is done at each look."""

    store: Store
    clock: Clock
    health: Health
    watcher: Watcher
    hooks: Mapping[str, Hook]
    """By the names under which it is on record which of them know of what."""
    gateway: str
    next_hop_patience: timedelta

    async def look(self) -> None:
        """Judge, write down, tell. A store that is away is trouble like any other, and no exception."""
        try:
            facts = await self.health.facts()
            if await self._write_down(facts):
                await self._tell()
        except StoreError as error:
            log.warning(Event.STORE_FAILED, doing="looking for trouble", reason=str(error))
            await self._store_is(down=True)
        else:
            await self._store_is(down=False)

    async def standing(self) -> list[Standing]:
        """What stands now, or is told to be over yet."""
        async with self.store.reading() as work:
            return [one for one in await work.alerts.all() if one.began_at is not None]

    async def test(self) -> dict[str, str]:
        """Tell every hook that this is a test: what came back, "" where it was taken."""
        now = self.clock.now()
        trouble = Trouble(alarm=Alarm.REPORT_OVERDUE, number=0)
        nothing = Standing(trouble=trouble, node=self.watcher.node, noticed_at=now, began_at=now, seen_at=now, told={})
        told = self._document(Alert(phase=Phase.TEST, standing=nothing, at=now))
        return {name: await hook.tell(told) for name, hook in self.hooks.items()}

    async def stop(self) -> None:
        """Another process need not wait until our leases end."""
        async with self.store.begin() as work:
            await work.alerts.give_back(self.watcher.owner)

    # --- on record --------------------------------------------------------------------------------------------------

    async def _write_down(self, facts: Sequence[Fact]) -> bool:
        """Whether the duty of telling is ours."""
        now, node = self.clock.now(), self.watcher.node
        known = _known(facts)
        async with self.store.begin() as work:
            on_record = {(one.trouble.alarm, one.node): one for one in await work.alerts.all()}
            if await self._holds(work, f"{TELLING}@{node}", now):
                here = {alarm: trouble for alarm, trouble in known.items() if alarm in OF_A_NODE}
                await self._note(work, here, on_record, node, now)
            tells = await self._holds(work, TELLING, now)
            if tells:
                common = {alarm: trouble for alarm, trouble in known.items() if alarm not in OF_A_NODE}
                await self._note(work, common, on_record, "", now)
                await self._forget_the_gone(work, now)
            return tells

    async def _note(
        self,
        work: Work,
        known: Mapping[Alarm, Trouble | None],
        on_record: Mapping[tuple[Alarm, str], Standing],
        node: str,
        now: datetime,
    ) -> None:
        kept: list[Standing] = []
        for alarm, trouble in known.items():
            before = on_record.get((alarm, node))
            patience = self.next_hop_patience if alarm is Alarm.NEXT_HOP_DOWN else timedelta()
            after = noted(before, trouble, node=node, now=now, patience=patience)
            _log_change(before, after, alarm, node)
            if after is not None and after != before:
                kept.append(after)
            if after is None and before is not None:
                await work.alerts.remove(alarm, node, ended=False)
        await work.alerts.put(kept)

    async def _forget_the_gone(self, work: Work, now: datetime) -> None:
        """A node that is taken out of service can't say that its trouble has ended."""
        listening_since = self.watcher.looks(now)
        for one in await work.alerts.all():  # asked anew: what this look has just noted is not gone
            if one.node and one.ended_at is None and now - max(one.seen_at, listening_since) >= UNHEARD_AFTER:
                await self._note(work, {one.trouble.alarm: None}, {(one.trouble.alarm, one.node): one}, one.node, now)

    async def _holds(self, work: Work, duty: str, now: datetime) -> bool:
        return await work.alerts.hold(duty, self.watcher.owner, now, now + LEASE)

    # --- telling ----------------------------------------------------------------------------------------------------

    async def _tell(self) -> None:
        """One after the other; a hook that fails is left in peace until the next look."""
        async with self.store.reading() as work:
            on_record = await work.alerts.all()
        failing: set[str] = set()
        for one in on_record:
            told = one.told
            for name, alert in due(one, [hook for hook in self.hooks if hook not in failing], self.clock.now()):
                if not await self._told(name, alert):
                    failing.add(name)
                    continue
                told = after_telling(told, name, alert)
                if not await self._remember(one, told):
                    return
            if is_done(one, told, self.hooks):
                async with self.store.begin() as work:
                    await work.alerts.remove(one.trouble.alarm, one.node, ended=True)

    async def _told(self, name: str, alert: Alert) -> bool:
        alarm = alert.standing.trouble.alarm
        refused = await self.hooks[name].tell(self._document(alert))
        if refused:
            log.warning(Event.ALERT_FAILED, alert=alarm.value, phase=alert.phase.value, hook=name, reason=refused)
        return not refused

    async def _remember(self, standing: Standing, told: Mapping[str, datetime]) -> bool:
        """Each telling at once, for a crash must not repeat it; False when the duty is another's by now."""
        async with self.store.begin() as work:
            await work.alerts.tell(standing, told)
            return await self._holds(work, TELLING, self.clock.now())

    async def _store_is(self, *, down: bool) -> None:
        """What is told of the store is kept here: there is no other place, and every node tells it."""
        now, watcher = self.clock.now(), self.watcher
        trouble = Trouble(alarm=Alarm.STORE_DOWN) if down else None
        before = watcher.store_down
        after = noted(before, trouble, node=watcher.node, now=now, patience=self.next_hop_patience)
        _log_change(before, after, Alarm.STORE_DOWN, watcher.node)
        watcher.store_down = after
        if after is None:
            return
        told = after.told
        for name, alert in due(after, self.hooks, now):
            if await self._told(name, alert):
                told = after_telling(told, name, alert)
        watcher.store_down = None if is_done(after, told, self.hooks) else replace(after, told=told)

    def _document(self, alert: Alert) -> bytes:
        return json.dumps(document(alert, self.gateway)).encode("ascii")


def _known(facts: Iterable[Fact]) -> dict[Alarm, Trouble | None]:
    """Of every alarm that the facts can say something about: the trouble, or None where there is none."""
    known: dict[Alarm, Trouble | None] = {}
    for fact in facts:
        if fact.grade is not Grade.UNKNOWN:
            known |= dict.fromkeys(ALARMS.get(fact.aspect, ())) | {one.alarm: one for one in fact.troubles}
    return known


def _log_change(before: Standing | None, after: Standing | None, alarm: Alarm, node: str) -> None:
    stood, stands = before is not None and before.stands, after is not None and after.stands
    if stands and not stood and after is not None:
        log.error(Event.ALERT_BEGAN, alert=alarm.value, node=node, number=after.trouble.number)
    if stood and not stands:
        log.info(Event.ALERT_ENDED, alert=alarm.value, node=node)
