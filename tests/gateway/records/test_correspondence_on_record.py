"""What officers, people and the collation address added to a case leaves with it: into an export, and at its disposal."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from filters.disposition import Tier
from gateway.model.amendment import Amendment
from gateway.model.answer import Answer
from gateway.model.forward import Acknowledgement, ForwardedMail, ForwardForm
from gateway.model.outbox import Purpose
from gateway.store.correspondence_schema import acknowledgements, amendments, answers, forwards
from tests.gateway.records.test_exporting import exporting
from tests.support.clocks import NOON
from tests.support.closed_cases import a_closed_case
from tests.support.records import an_item, stored_id

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.model.case import Case
    from gateway.store.unit_of_work import Store, Work
    from tests.support.clocks import StoppedClock


async def a_case_with_everything(work: Work) -> Case:
    case = await a_closed_case(work, days_ago=10, reported=True)
    amended, told = (an_item(case, purpose) for purpose in (Purpose.AMENDMENT, Purpose.ACKNOWLEDGEMENT))
    await work.outbox.add([amended, told])
    await work.answers.amend(
        stored_id(case), Amendment(item_id=amended.id, at=NOON, actor="cli:ann", text="They called.", tier=Tier.SPOOFED)
    )
    await work.answers.add(
        stored_id(case), Answer(at=NOON, actor="cli:ann", on=NOON.date(), text="Known.", their_reference="R 7")
    )
    brought = ForwardedMail(
        at=NOON, by="officer@police.example", form=ForwardForm.QUOTED, said="On my phone.", key="k", number=0
    )
    assert await work.forwards.add(stored_id(case), brought)
    assert not await work.forwards.add(stored_id(case), brought), "the same mail adds nothing"
    await work.forwards.acknowledge(
        Acknowledgement(item_id=told.id, references=(case.reference,), troubles=(), answers="")
    )
    return case


async def test_an_export_holds_what_was_added_to_a_case(store: Store, clock: StoppedClock, tmp_path: Path) -> None:
    async with store.begin() as work:
        case = await a_case_with_everything(work)
    await exporting(store, clock).to_file([case.reference], tmp_path / "export.zip", actor="cli:ann")
    with zipfile.ZipFile(tmp_path / "export.zip") as archive:
        record = archive.read(f"cases/{case.reference}/record.txt").decode()
    for said in ("officer@police.example (quoted): On my phone.", "They called. spoofed", "Known. R 7"):
        assert said in record, said


async def test_the_disposal_of_a_case_takes_what_was_added_to_it(store: Store) -> None:
    async with store.begin() as work:
        case = await a_case_with_everything(work)
        await work.disposals.remove(stored_id(case))
        for table in (forwards, amendments, answers, acknowledgements):
            left = await work.cases._connection.execute(select(func.count()).select_from(table))
            assert left.scalar_one() == 0, table.name
