"""A case's page after its report has left, and a case that an officer forwarded: what is told, what can be done."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from gateway.clock import SystemClock
from gateway.model.case import AnswerState
from gateway.model.outbox import OutboxState, Purpose
from gateway.model.people import Role
from tests.console.test_case_page import arrived
from tests.scenarios.test_officer_intake import FROM_MISSION, INLINE, INTAKE, OFFICER, forward, part
from tests.support.gateway import running_gateway, write_configuration

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from tests.support.gateway import Running
    from tests.support.mta import ScriptedMTA
    from tests.support.visitors import Visitor

    Visit = Callable[..., Awaitable[Visitor]]


@pytest.fixture
async def gateway(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> AsyncIterator[Running]:
    path = write_configuration(
        tmp_path, next_hop=next_hop.port, smarthost=smarthost.port, url=sqlite_url,
        console='listen = "127.0.0.1:0"\nsecond_factor = "optional"', more=f'[intake]\naddress = "{INTAKE}"\n',
    )  # fmt: skip
    async with running_gateway(path, SystemClock(), next_hop, smarthost) as running:
        yield running


async def sent(gateway: Running, purpose: Purpose) -> None:
    async with asyncio.timeout(20):
        while OutboxState.SENT not in {one.state for one in await gateway.items() if one.purpose is purpose}:
            await asyncio.sleep(0.05)


async def test_a_person_adds_to_a_report_that_has_left(gateway: Running, visit: Visit) -> None:
    await gateway.desk.outboxkeeping.pause("a test", actor="test:clerk")
    reference = await arrived(gateway)
    anna = await visit(Role.REVIEWER)
    await anna.get(f"/cases/{reference}")
    assert "No report has left yet." in anna.text
    await gateway.desk.outboxkeeping.resume(actor="test:clerk")
    await sent(gateway, Purpose.REPORT)
    await anna.get(f"/cases/{reference}")
    assert "It can't be called back" in anna.text
    await anna.post(f"/cases/{reference}/amend", addition="They called too.", tier="confirmed")
    assert "the amendment was asked for" in anna.text
    assert "They called too." in anna.text
    await sent(gateway, Purpose.AMENDMENT)
    await anna.post(f"/cases/{reference}/amend", addition=" ", tier="")
    assert "Say what is to be added" in anna.text


async def test_a_person_records_an_answer_and_the_list_shows_and_filters_it(gateway: Running, visit: Visit) -> None:
    reference = await arrived(gateway)
    await sent(gateway, Purpose.REPORT)
    anna = await visit(Role.REVIEWER)
    await anna.get("/cases?answer=none")
    assert reference in anna.text
    mail = f"From: analyst@ildc.example\r\nSubject: {reference}\r\n\r\nThanks.\r\n".encode()
    await gateway.send("analyst@ildc.example", ["desk@police.example"], mail)
    await anna.get("/cases?answer=received")
    assert "answer came, not recorded" in anna.text
    await anna.get(f"/cases/{reference}")
    assert "mail from the collation address names this case" in anna.text
    await anna.post(f"/cases/{reference}/answer", answered="Known to us.", their_reference="ILDC 77", on="")
    assert "The answer stands on" in anna.text
    assert "their reference: ILDC 77" in anna.text
    await anna.get("/cases?answer=answered")
    assert reference in anna.text
    assert (await gateway.cases())[0].case.answer is AnswerState.ANSWERED


async def test_a_case_that_an_officer_forwarded_says_who_did_and_what_that_proves(
    gateway: Running, visit: Visit
) -> None:
    await gateway.send(OFFICER, [INTAKE], forward(part(FROM_MISSION)))
    await gateway.send(OFFICER, [INTAKE], INLINE)
    quoted, attached = (file.case.reference for file in await gateway.cases())
    anna = await visit(Role.REVIEWER)
    await anna.get(f"/cases/{attached}")
    for said in ("An officer forwarded this message", OFFICER, "See attached.", "as an attachment", "A request"):
        assert said in anna.text, said
    await anna.get(f"/cases/{quoted}")
    assert "Its headers are missing" in anna.text
    assert "Bonjour, this came to my phone." in anna.text
    await anna.get("/cases?kind=forward")
    assert quoted in anna.text
    assert attached in anna.text
    bert = await visit(Role.REVIEWER, language="fr")
    await bert.get(f"/cases/{quoted}")
    assert "Ses en-têtes manquent" in bert.text


async def test_an_auditor_reads_all_of_it_and_adds_nothing(gateway: Running, visit: Visit) -> None:
    reference = await arrived(gateway)
    anna = await visit(Role.AUDITOR)
    for verb in ("amend", "answer"):
        await anna.get("/")
        await anna.post(f"/cases/{reference}/{verb}", addition="x", answered="x")
        assert anna.status == 403, verb


async def test_what_is_added_behind_a_retraction_is_said_to_stand(gateway: Running, visit: Visit) -> None:
    """A case is taken back once; whoever dismisses it a second time would think that all of it is taken back."""
    reference = await arrived(gateway)
    await sent(gateway, Purpose.REPORT)
    anna = await visit(Role.REVIEWER)
    await anna.get(f"/cases/{reference}")
    assert "taken back before" not in anna.text
    await gateway.desk.casework.dismiss(reference, "a mistake", actor="test:clerk")
    await sent(gateway, Purpose.RETRACTION)
    await gateway.desk.casework.reopen(reference, "", actor="test:clerk")
    await anna.get(f"/cases/{reference}")
    assert "dismissing the case once more does not take it back" in anna.text
    assert "and is not taken back again" in anna.text


async def test_the_day_of_an_answer_is_one_of_where_people_are_and_is_never_guessed(
    gateway: Running, visit: Visit
) -> None:
    now = SystemClock().now()
    elsewhere = "Pacific/Kiritimati" if now.hour >= 10 else "Pacific/Pago_Pago"  # where it is another day now
    today = now.astimezone(ZoneInfo(elsewhere)).date()
    gateway.service.obey(replace(gateway.settings, console=replace(gateway.settings.console, time_zone=elsewhere)))
    reference = await arrived(gateway)
    anna = await visit(Role.REVIEWER)
    for on, told in (
        ("31.05.2026", "Not done: '31.05.2026' is no day; one looks like 2027-05-31"),
        (f"{today + timedelta(days=1)}", "Not done: The answer can't have come in the future"),
        (f"{today}", f"Done: The answer stands on {reference}."),
        ("", f"Done: The answer stands on {reference}."),
    ):
        await anna.get(f"/cases/{reference}")
        await anna.post(f"/cases/{reference}/answer", answered="It was noted.", on=on)
        assert anna.told == told
    async with gateway.desk.store.reading() as work:
        case = await work.cases.by_reference(reference)
        assert case is not None
        assert {one.on for one in await work.answers.of(case.stored_id)} == {today}
