"""Somebody decides about a case while more of its mail comes in: no held copy is decided about unseen."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from gateway.errors import RefusedError
from gateway.model.case import CaseStatus, Disposal
from gateway.model.outbox import OutboxState, Purpose
from gateway.operations.case_turns import take
from tests.support.clocks import NOON

if TYPE_CHECKING:
    from tests.support.gateway import Running

LISTED = b"From: liaison@mission.example\r\nSubject: Request\r\n\r\nPlease send us the file.\r\n"
SENDER, DESK, CHIEF, DISPATCH = (
    "liaison@mission.example",
    "desk@police.example",
    "chief@police.example",
    "dispatch@police.example",
)
CLERK = "test:clerk"


async def seen(gateway: Running) -> tuple[str, int]:
    """The reference of the one case, and the version of it that a page would show."""
    (file,) = await gateway.cases()
    dossier = await gateway.desk.casework.show(file.case.reference, gateway.desk.rulebooks.current.index)
    return file.case.reference, dossier.version


async def test_whoever_has_not_seen_the_newest_held_copy_is_told_so(gateway: Running) -> None:
    await gateway.send(SENDER, [DESK], LISTED)
    reference, version = await seen(gateway)
    await gateway.send(SENDER, [CHIEF], LISTED)
    with pytest.raises(RefusedError, match=f"gateway was quicker with {reference}: held it for more recipients, at "):
        await gateway.desk.casework.dismiss(reference, "", actor=CLERK, expected=version)


async def test_a_copy_that_was_relayed_since_stops_nobody(gateway: Running) -> None:
    await gateway.send(SENDER, [DESK], LISTED)
    reference, version = await seen(gateway)
    await gateway.send(SENDER, [DISPATCH], LISTED)
    await gateway.desk.casework.close(reference, actor=CLERK, expected=version)


async def test_whoever_has_a_copy_that_stays_held_is_told_although_the_case_was_dismissed(gateway: Running) -> None:
    await gateway.desk.outboxkeeping.pause("", actor=CLERK)
    await gateway.send(SENDER, [DESK], LISTED)
    reference, _ = await seen(gateway)
    assert await gateway.desk.casework.dismiss(reference, "", actor=CLERK) == 1
    await gateway.desk.outboxkeeping.resume(actor=CLERK)
    (notice,) = await gateway.next_hop.arrived()
    assert notice.recipients == [DESK]
    (report,) = [item for item in await gateway.items() if item.purpose is Purpose.REPORT]
    assert report.state is OutboxState.CANCELLED


async def test_a_copy_that_is_held_while_the_case_is_being_closed_opens_it_again(gateway: Running) -> None:
    await gateway.send(SENDER, [DESK], LISTED)
    reference, _ = await seen(gateway)
    async with asyncio.TaskGroup() as tasks, gateway.desk.store.begin() as work:
        case = await take(work, reference, None)
        tasks.create_task(gateway.send(SENDER, [CHIEF], LISTED))
        await asyncio.sleep(0.5)  # it gets as far as it can
        await work.cases.close(case.stored_id, Disposal.HANDLED, NOON)
    (file,) = await gateway.cases()
    assert [delivery.recipient for delivery in file.deliveries] == [DESK, CHIEF]
    assert file.case.status is CaseStatus.OPEN
