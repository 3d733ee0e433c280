"""One verb for many cases: a count before, each case for itself, and every refusal with its reason."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from filters.disposition import Tier
from gateway.errors import RefusedError
from gateway.model.case import CaseStatus, DeliveryState
from gateway.model.case_list import EVERY_CASE, CaseFilter
from gateway.model.outbox import Purpose
from gateway.operations.bulk import MOST, Bulk, BulkVerb, Errand
from tests.support.records import RAW, a_case, record

if TYPE_CHECKING:
    from gateway.desk import Desk

ALICE = "console:alice"
SUSPECTS = CaseFilter(tier=Tier.SUSPECT, status=CaseStatus.OPEN)


async def recorded(desk: Desk, number: int, **changed: object) -> str:
    async with desk.store.begin() as work:
        case = await record(work, replace(a_case(number=number), **changed), RAW)  # type: ignore[arg-type]
    return case.reference


async def test_all_matches_are_closed_and_nothing_else(desk: Desk) -> None:
    for number in range(5):
        await recorded(desk, number, tier=Tier.SUSPECT if number % 2 else Tier.CONFIRMED)
    result = await Bulk(store=desk.store, casework=desk.casework).to_all(
        SUSPECTS, 2, Errand(verb=BulkVerb.CLOSE), desk.rulebooks.current.index, actor=ALICE
    )
    assert (result.done, result.refused, result.left) == (2, (), 0)
    closed = await desk.casework.files(CaseFilter(status=CaseStatus.CLOSED))
    assert {file.case.tier for file in closed} == {Tier.SUSPECT}
    assert len(closed) == 2


async def test_nothing_is_done_when_their_number_has_changed(desk: Desk) -> None:
    await recorded(desk, 1)
    with pytest.raises(RefusedError, match="There were 2 cases, and now there are 1"):
        await Bulk(store=desk.store, casework=desk.casework).to_all(
            EVERY_CASE, 2, Errand(verb=BulkVerb.CLOSE), desk.rulebooks.current.index, actor=ALICE
        )
    assert (await desk.casework.files())[0].case.status is CaseStatus.OPEN


async def test_a_refusal_is_told_and_undoes_nothing_of_the_others(desk: Desk) -> None:
    references = [await recorded(desk, number) for number in (1, 2, 3)]
    await desk.casework.close(references[1], actor=ALICE)
    result = await Bulk(store=desk.store, casework=desk.casework).to_these(
        [*references, references[0], "LG-NONE-0000"],
        Errand(verb=BulkVerb.CLOSE),
        desk.rulebooks.current.index,
        actor=ALICE,
    )
    assert result.done == 2
    assert [(one.reference, str(one.sentence)) for one in result.refused] == [
        ("LG-TEST-0002", "LG-TEST-0002 is closed already"),
        ("LG-NONE-0000", "There is no case LG-NONE-0000"),
    ]


@pytest.mark.parametrize("verb", list(BulkVerb))
async def test_every_verb_does_to_each_what_it_does_to_one(desk: Desk, verb: BulkVerb) -> None:
    references = [await recorded(desk, number) for number in (1, 2)]
    if verb is BulkVerb.REOPEN:
        for reference in references:
            await desk.casework.close(reference, actor=ALICE)
    errand = Errand(verb=verb, reason="for all", person="alice")
    result = await Bulk(store=desk.store, casework=desk.casework).to_these(
        references, errand, desk.rulebooks.current.index, actor=ALICE
    )
    assert result.refused == ()
    assert result.done == 2
    files = await desk.casework.files()
    async with desk.store.reading() as work:
        purposes = [item.purpose for item in await work.outbox.list()]
    match verb:
        case BulkVerb.DECLINE | BulkVerb.REPORT | BulkVerb.RELEASE:
            assert purposes == [Purpose(verb)] * 2
        case BulkVerb.SILENCE:
            assert all(file.case.silenced for file in files)
        case BulkVerb.DISMISS | BulkVerb.CLOSE:
            assert {file.case.status for file in files} == {CaseStatus.CLOSED}
        case BulkVerb.REOPEN:
            assert {file.case.status for file in files} == {CaseStatus.OPEN}
        case BulkVerb.ASSIGN:
            assert {file.case.assigned_to for file in files} == {"alice"}
    assert {delivery.state for file in files for delivery in file.deliveries} == {DeliveryState.HELD}


async def test_more_than_fit_are_left_for_the_next_time(desk: Desk) -> None:
    async with desk.store.begin() as work:
        for number in range(MOST + 3):
            await record(work, a_case(number=number), RAW)
    result = await Bulk(store=desk.store, casework=desk.casework).to_all(
        EVERY_CASE, MOST + 3, Errand(verb=BulkVerb.CLOSE), desk.rulebooks.current.index, actor=ALICE
    )
    assert (result.done, result.left) == (MOST, 3)
    (newest, *_) = await desk.casework.files(CaseFilter(status=CaseStatus.OPEN))
    assert newest.case.reference == f"LG-TEST-{MOST + 2:04}"
    with pytest.raises(RefusedError, match="At most 500 cases at a time"):
        await Bulk(store=desk.store, casework=desk.casework).to_these(
            ["LG"] * (MOST + 1), Errand(verb=BulkVerb.CLOSE), desk.rulebooks.current.index, actor=ALICE
        )
