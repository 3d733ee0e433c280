"""Who decides second is told who was first; who sees to a case stands on it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from gateway.errors import RefusedError
from gateway.model.case import CaseStatus
from gateway.model.case_list import CaseFilter
from tests.support.records import RAW, a_case, record

if TYPE_CHECKING:
    from gateway.desk import Desk
    from tests.support.clocks import StoppedClock

FIRST = "LG-TEST-0001"
ALICE, BENOIT = "console:alice", "console:benoit"


async def recorded(desk: Desk, *numbers: int) -> None:
    async with desk.store.begin() as work:
        for number in numbers or (1,):
            await record(work, a_case(number=number), RAW)


async def seen(desk: Desk) -> int:
    return (await desk.casework.show(FIRST, desk.rulebooks.current.index)).version


async def test_the_second_of_two_is_told_who_was_quicker_and_when(desk: Desk, clock: StoppedClock) -> None:
    await recorded(desk)
    version = await seen(desk)
    clock.advance(60)
    await desk.casework.close(FIRST, actor=ALICE, expected=version)
    clock.advance(60)
    with pytest.raises(RefusedError) as refused:
        await desk.casework.dismiss(FIRST, "", actor=BENOIT, expected=version)
    assert str(refused.value) == (
        "console:alice was quicker with LG-TEST-0001: closed it, at 2026-05-04 12:01:00Z. "
        "Look at the case again before you decide"
    )
    assert (await desk.casework.files())[0].case.status is CaseStatus.CLOSED


@pytest.mark.parametrize("verb", ["decline", "report", "release", "silence", "dismiss", "close", "reopen", "assign"])
async def test_no_verb_decides_on_what_somebody_saw_before_another_decided(desk: Desk, verb: str) -> None:
    await recorded(desk)
    version = await seen(desk)
    await desk.casework.assign(FIRST, "alice", actor=ALICE)
    arguments = {
        "decline": (desk.rulebooks.current.index,),
        "release": ((),),
        "silence": ("",),
        "dismiss": ("",),
        "reopen": ("",),
        "assign": ("benoit",),
    }.get(verb, ())
    with pytest.raises(RefusedError, match="alice was quicker with LG-TEST-0001: assigned it"):
        await getattr(desk.casework, verb)(FIRST, *arguments, actor=BENOIT, expected=version)


async def test_a_note_or_a_view_since_stops_nobody(desk: Desk) -> None:
    await recorded(desk)
    version = await seen(desk)
    await desk.casework.note(FIRST, "I am on it", actor=ALICE)
    await desk.casework.view(FIRST, "text", actor=ALICE)
    await desk.casework.close(FIRST, actor=BENOIT, expected=version)


async def test_of_two_who_decide_at_the_same_moment_one_wins(desk: Desk) -> None:
    await recorded(desk)
    version = await seen(desk)
    outcomes = await asyncio.gather(
        desk.casework.silence(FIRST, "", actor=ALICE, expected=version),
        desk.casework.dismiss(FIRST, "", actor=BENOIT, expected=version),
        desk.casework.assign(FIRST, "alice", actor=ALICE, expected=version),
        return_exceptions=True,
    )
    assert sorted(isinstance(outcome, RefusedError) for outcome in outcomes) == [False, True, True]


async def test_a_case_is_assigned_to_who_may_decide_and_to_nobody_again(desk: Desk, clock: StoppedClock) -> None:
    await recorded(desk)
    now = clock.advance(5)
    await desk.casework.assign(FIRST, "alice", actor=BENOIT)
    (file,) = await desk.casework.files(CaseFilter(assigned_to="alice"))
    assert (file.case.assigned_to, file.case.assigned_at) == ("alice", now)
    with pytest.raises(RefusedError, match="is assigned to alice already"):
        await desk.casework.assign(FIRST, "alice", actor=BENOIT)
    await desk.casework.assign(FIRST, "", actor=BENOIT)
    (file,) = await desk.casework.files(CaseFilter(assigned_to=""))
    assert file.case.assigned_at is None
    with pytest.raises(RefusedError, match="is assigned to nobody"):
        await desk.casework.assign(FIRST, "", actor=BENOIT)


@pytest.mark.parametrize("person", ["olga", "nobody"])
async def test_a_case_is_not_assigned_to_who_may_not_decide(desk: Desk, person: str) -> None:
    await recorded(desk)
    with pytest.raises(RefusedError, match=f"{person} has no account that may decide cases"):
        await desk.casework.assign(FIRST, person, actor=ALICE)


async def test_a_closed_case_can_be_taken_up_again_once(desk: Desk) -> None:
    await recorded(desk)
    with pytest.raises(RefusedError, match="is open"):
        await desk.casework.reopen(FIRST, "", actor=ALICE)
    await desk.casework.close(FIRST, actor=ALICE)
    await desk.casework.reopen(FIRST, "a second letter", actor=BENOIT)
    (file,) = await desk.casework.files()
    assert (file.case.status, file.case.disposal, file.case.closed_at) == (CaseStatus.OPEN, None, None)
    dossier = await desk.casework.show(FIRST, desk.rulebooks.current.index)
    assert (dossier.audit[-1].action, dossier.audit[-1].detail) == ("case-reopened", {"reason": "a second letter"})


async def test_whoever_looks_at_a_message_leaves_a_row(desk: Desk) -> None:
    await recorded(desk)
    assert await desk.casework.view(FIRST, "source", actor=ALICE) == RAW
    last = (await desk.casework.show(FIRST, desk.rulebooks.current.index)).audit[-1]
    assert (last.actor, last.action, last.subject, last.detail) == (ALICE, "content-viewed", FIRST, {"part": "source"})
