"""A dismissal takes back what left and calls off what did not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.model.outbox import OutboxState, Purpose
from gateway.sending import open_means
from gateway.settings import load
from tests.support.clocks import NOON
from tests.support.records import RAW, a_case, a_post, an_item, freeze, record

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.desk import Desk
    from gateway.model.outbox import OutboxItem
    from tests.support.clocks import StoppedClock

FIRST, ALICE = "LG-TEST-0001", "console:alice"


async def items(desk: Desk) -> dict[Purpose, OutboxItem]:
    async with desk.store.reading() as work:
        return {item.purpose: item for item in await work.outbox.list()}


async def reported(desk: Desk, *states: OutboxState) -> None:
    """A case whose report went through these states."""
    async with desk.store.begin() as work:
        case = await record(work, a_case(number=1), RAW)
        item = an_item(case)
        await work.outbox.add([item])
        if states:
            await work.outbox.claim("w", "n", NOON, NOON.replace(hour=13), 1)
            await freeze(work, item.id, a_post(item))
            await work.outbox.mark_sending(item.id, "w", NOON)
        for state in states:
            if state is not OutboxState.SENDING:
                await work.outbox.settle(item.id, state=state, reply="so it was", attempts=1)


@pytest.mark.parametrize(
    ("states", "then"),
    [
        ((OutboxState.SENT,), OutboxState.SENT),
        ((OutboxState.SENDING,), OutboxState.SENDING),
        ((OutboxState.WAITING,), OutboxState.CANCELLED),
    ],
    ids=["sent", "being sent", "an attempt was made"],
)
async def test_a_report_that_may_have_arrived_is_taken_back(
    desk: Desk, states: tuple[OutboxState, ...], then: OutboxState
) -> None:
    await reported(desk, *states)
    await desk.casework.dismiss(FIRST, "a resident", actor=ALICE)
    found = await items(desk)
    assert found[Purpose.REPORT].state is then
    retraction = found[Purpose.RETRACTION]
    assert (retraction.state, retraction.to, retraction.requested_by) == (
        OutboxState.WAITING,
        "collation@ildc.example",
        ALICE,
    )
    async with desk.store.reading() as work:
        rows = [entry.action for entry in await work.audit.entries(subject=FIRST)]
    assert rows[-2:] == ["case-dismissed", "retraction-requested"]


async def test_a_report_whose_attempt_a_crash_ended_is_taken_back(desk: Desk, clock: StoppedClock, path: Path) -> None:
    await reported(desk, OutboxState.SENDING)
    clock.advance(3600)
    await open_means(load(path, {}), desk, "another").outbox.judge_abandoned()
    assert (await items(desk))[Purpose.REPORT].state is OutboxState.WAITING
    await desk.casework.dismiss(FIRST, "a resident", actor=ALICE)
    assert Purpose.RETRACTION in await items(desk)


@pytest.mark.parametrize("states", [(), (OutboxState.FAILED,)], ids=["it waits", "it failed"])
async def test_a_report_that_cannot_have_arrived_is_cancelled_alone(
    desk: Desk, states: tuple[OutboxState, ...]
) -> None:
    await reported(desk, *states)
    await desk.casework.dismiss(FIRST, "", actor=ALICE)
    found = await items(desk)
    assert found.keys() == {Purpose.REPORT}
    assert found[Purpose.REPORT].state is OutboxState.CANCELLED


async def test_a_retraction_that_waits_is_called_off_when_the_case_is_taken_up_again(desk: Desk) -> None:
    await reported(desk, OutboxState.SENT)
    await desk.casework.dismiss(FIRST, "", actor=ALICE)
    await desk.casework.reopen(FIRST, "", actor=ALICE)
    await desk.casework.dismiss(FIRST, "", actor=ALICE)
    async with desk.store.reading() as work:
        states = sorted(item.state for item in await work.outbox.list() if item.purpose is Purpose.RETRACTION)
    assert states == [OutboxState.CANCELLED, OutboxState.WAITING]


async def test_a_report_that_was_taken_back_is_not_taken_back_again(desk: Desk) -> None:
    await reported(desk, OutboxState.SENT)
    await desk.casework.dismiss(FIRST, "", actor=ALICE)
    retraction = (await items(desk))[Purpose.RETRACTION]
    async with desk.store.begin() as work:
        await work.outbox.claim("w", "n", NOON, NOON.replace(hour=13), 1)
        await freeze(work, retraction.id, a_post(retraction))
        await work.outbox.mark_sending(retraction.id, "w", NOON)
        await work.outbox.settle(retraction.id, state=OutboxState.SENT, reply="250", attempts=1)
    await desk.casework.reopen(FIRST, "", actor=ALICE)
    await desk.casework.dismiss(FIRST, "", actor=ALICE)
    assert (await items(desk))[Purpose.RETRACTION].state is OutboxState.SENT
