"""A report that left is taken back when its case is dismissed: the collation address gets both, in this order."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import TYPE_CHECKING

from gateway.clock import SystemClock
from gateway.model.case import ActionState, ContactKind
from gateway.model.contact import Contact
from gateway.model.outbox import OutboxState, Purpose
from tests.support.mta import HANG

if TYPE_CHECKING:
    from tests.support.gateway import Running

LISTED = b"From: liaison@mission.example\r\nSubject: Request\r\n\r\nPlease send us the file.\r\n"
CLERK = "test:clerk"


async def settled(gateway: Running, purpose: Purpose, state: OutboxState = OutboxState.SENT) -> None:
    async with asyncio.timeout(20):
        while state not in {item.state for item in await gateway.items() if item.purpose is purpose}:
            await asyncio.sleep(0.05)


def field(content: bytes, name: str) -> str:
    found = re.search(rf"^{name}: (.*)\r\n".encode(), content, re.MULTILINE)
    return found[1].decode() if found else ""


async def test_the_report_of_a_dismissed_case_is_taken_back_under_its_reference(gateway: Running) -> None:
    await gateway.send("liaison@mission.example", ["desk@police.example"], LISTED)
    await settled(gateway, Purpose.REPORT)
    reference = (await gateway.cases())[0].case.reference
    await gateway.desk.casework.dismiss(reference, "a resident", actor=CLERK)
    await settled(gateway, Purpose.RETRACTION)
    sent = [message for message in gateway.smarthost.messages if message.recipients == ["collation@ildc.example"]]
    report, retraction = (message.content for message in sent)
    assert field(retraction, "In-Reply-To") == field(report, "Message-ID") != ""
    assert reference.encode() in retraction
    assert b"liaison@mission.example" in report
    assert b"mission.example" not in retraction
    assert (await gateway.cases())[0].case.report is ActionState.SENT


async def test_a_report_that_was_leaving_when_its_case_was_dismissed_does_not_follow_its_retraction(
    gateway: Running,
) -> None:
    """Its attempt breaks off: what is tried again after that would be the collation address's last word."""
    leaving = asyncio.Event()

    def script(stage: str, _link: object) -> str | None:
        if stage != "content" or leaving.is_set():
            return None
        leaving.set()
        return HANG

    gateway.smarthost.script = script
    await gateway.send("liaison@mission.example", ["desk@police.example"], LISTED)
    await leaving.wait()
    reference = (await gateway.cases())[0].case.reference
    await gateway.desk.casework.dismiss(reference, "a resident", actor=CLERK)
    gateway.smarthost.drop_links()
    await settled(gateway, Purpose.REPORT, OutboxState.CANCELLED)
    await settled(gateway, Purpose.RETRACTION)
    sent = [message for message in gateway.smarthost.messages if message.recipients == ["collation@ildc.example"]]
    assert [b"Please send us the file" in message.content for message in sent] == [False]
    async with gateway.desk.store.reading() as work:
        assert "report-cancelled" in [entry.action for entry in await work.audit.entries(subject=reference)]


async def test_no_report_is_taken_back_whose_case_a_new_held_copy_has_opened_again(gateway: Running) -> None:
    await gateway.send("liaison@mission.example", ["desk@police.example"], LISTED)
    await settled(gateway, Purpose.REPORT)
    reference = (await gateway.cases())[0].case.reference
    gateway.smarthost.script = lambda said, _link: "450 4.2.0 Later" if said.startswith("RCPT") else None
    await gateway.desk.casework.dismiss(reference, "a resident", actor=CLERK)
    await gateway.send("liaison@mission.example", ["chief@police.example"], LISTED)
    gateway.smarthost.script = lambda _said, _link: None
    (retraction,) = [item for item in await gateway.items() if item.purpose is Purpose.RETRACTION]
    assert (retraction.state, retraction.last_reply) == (OutboxState.CANCELLED, "taken up again by gateway")
    async with gateway.desk.store.reading() as work:
        rows = [entry.action for entry in await work.audit.entries(subject=reference)]
    assert rows.index("retraction-requested") < rows.index("case-reopened") < rows.index("recipients-added")


async def test_a_call_that_was_written_down_reaches_the_collation_address(gateway: Running) -> None:
    call = Contact(
        kind=ContactKind.PHONE,
        at=SystemClock().now() - timedelta(hours=1),
        asked="Where a person lives.",
        who="Li Wei",
        mission="mission.example",
    )
    case = await gateway.desk.contacts.record(call, gateway.desk.rulebooks.current, report=True, actor=CLERK)
    await settled(gateway, Purpose.REPORT)
    (report,) = gateway.smarthost.messages
    assert case.reference.encode() in report.content
    assert b"telephone" in report.content
    assert b"What was asked: Where a person lives." in report.content
    assert (await gateway.cases())[0].case.report is ActionState.SENT
