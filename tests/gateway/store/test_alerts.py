"""What is on record of alerts, and leases: on both databases, whoever writes at the same time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from gateway.model.alerts import Alarm, Standing, Trouble
from tests.support.clocks import NOON

if TYPE_CHECKING:
    from gateway.store.unit_of_work import Store

MINUTE = timedelta(minutes=1)
STANDING = Standing(
    trouble=Trouble(alarm=Alarm.REPORT_OVERDUE, number=2, since=NOON - MINUTE, references=("LG-1", "LG-2")),
    node="mx1", noticed_at=NOON, began_at=NOON, seen_at=NOON,
)  # fmt: skip


async def on_record(store: Store) -> list[Standing]:
    async with store.reading() as work:
        return await work.alerts.all()


async def test_what_is_written_down_comes_back_as_it_was(store: Store) -> None:
    told = replace(STANDING, told={"webhook": NOON}, ended_at=NOON + MINUTE)
    pending = replace(STANDING, node="", began_at=None, trouble=Trouble(alarm=Alarm.DISK_LOW))
    async with store.begin() as work:
        await work.alerts.put([told, pending])
    assert sorted(await on_record(store), key=lambda one: one.node) == [pending, told]


async def test_who_looks_does_not_undo_what_the_teller_wrote(store: Store) -> None:
    async with store.begin() as work:
        await work.alerts.put([STANDING])
        await work.alerts.tell(STANDING, {"webhook": NOON})
        await work.alerts.put([replace(STANDING, seen_at=NOON + MINUTE)])
    assert await on_record(store) == [replace(STANDING, seen_at=NOON + MINUTE, told={"webhook": NOON})]


async def test_the_teller_does_not_remove_what_began_again_meanwhile(store: Store) -> None:
    async with store.begin() as work:
        await work.alerts.put([STANDING])
        await work.alerts.remove(Alarm.REPORT_OVERDUE, "mx1", ended=True)
    assert await on_record(store) == [STANDING]
    async with store.begin() as work:
        await work.alerts.put([replace(STANDING, ended_at=NOON)])
        await work.alerts.remove(Alarm.REPORT_OVERDUE, "mx2", ended=False)
        await work.alerts.remove(Alarm.REPORT_OVERDUE, "mx1", ended=True)
    assert await on_record(store) == []


async def test_a_lease_has_one_owner_until_it_ends_or_is_given_back(store: Store) -> None:
    async def hold(owner: str, at: timedelta) -> bool:
        async with store.begin() as work:
            return await work.alerts.hold("alerts", owner, NOON + at, NOON + at + 2 * MINUTE)

    won = await asyncio.gather(*(hold(f"node-{number}", timedelta()) for number in range(5)))
    assert won.count(True) == 1
    owner = f"node-{won.index(True)}"
    assert await hold(owner, MINUTE)
    assert not await hold("another", 3 * MINUTE - timedelta(microseconds=1))
    assert await hold("another", 3 * MINUTE)
    assert not await hold(owner, 3 * MINUTE)
    async with store.begin() as work:
        await work.alerts.give_back("another")
    assert await hold(owner, 3 * MINUTE)
