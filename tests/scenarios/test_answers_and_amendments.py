"""After a report has left: a person adds to it, the collation address answers, and the case knows of both."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from email import message_from_bytes, policy  # noqa: TID251 -- reads what we wrote
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from filters.disposition import Tier
from gateway.clock import SystemClock
from gateway.errors import RefusedError
from gateway.model.case import ActionState, AnswerState
from gateway.model.case_list import CaseFilter
from gateway.model.outbox import OutboxState, Purpose
from gateway.shipped import shipped
from gateway.store.schema import frozen_posts
from tests.gateway.compose.test_report import conforms
from tests.scenarios.test_retraction import CLERK, LISTED, settled

if TYPE_CHECKING:
    from email.message import EmailMessage

    from gateway.model.dossier import Dossier
    from tests.support.gateway import Running

ILDC = "analyst@ildc.example"
ON_ONE = pytest.mark.parametrize("database_url", ["sqlite_url"], ids=["sqlite"], indirect=True)
"""Where the database is not the point."""


async def reported(gateway: Running) -> str:
    await gateway.send("liaison@mission.example", ["desk@police.example"], LISTED)
    await settled(gateway, Purpose.REPORT)
    return (await gateway.cases())[0].case.reference


async def dossier(gateway: Running) -> Dossier:
    (file,) = await gateway.cases()
    return await gateway.desk.casework.show(file.case.reference, gateway.desk.rulebooks.current.index)


def to_collation(gateway: Running) -> list[EmailMessage]:
    sent = [one for one in gateway.smarthost.messages if one.recipients == ["collation@ildc.example"]]
    return [message_from_bytes(one.content, policy=policy.default) for one in sent]


def data_of(message: EmailMessage) -> dict[str, object]:
    (part,) = [one for one in message.iter_attachments() if one.get_filename() == "report.json"]
    document: dict[str, object] = json.loads(part.get_content())
    return document


def follows_the_schema(document: dict[str, object]) -> bool:
    schema = json.loads((shipped("templates") / "mail/report/later-report.schema.json").read_text("utf-8"))
    return conforms(document, schema, schema["$defs"])


async def amended(gateway: Running, reference: str, text: str, tier: Tier | None = None) -> None:
    item = await gateway.desk.corresponding.amend(reference, text, tier=tier, actor=CLERK)
    async with asyncio.timeout(20):
        while OutboxState.SENT not in {one.state for one in await gateway.items() if one.id == item.id}:
            await asyncio.sleep(0.05)


async def test_amendments_and_the_retraction_are_later_reports_in_one_thread(gateway: Running) -> None:
    reference = await reported(gateway)
    await amended(gateway, reference, "The same office\ncalled twice.", Tier.CONFIRMED)
    await amended(gateway, reference, "And once more.")
    await gateway.desk.casework.dismiss(reference, "a resident", actor=CLERK)
    await settled(gateway, Purpose.RETRACTION)
    first, *later = to_collation(gateway)
    assert {message["In-Reply-To"] for message in later} == {first["Message-ID"]}
    assert all(reference in message["Subject"] for message in later)
    data = [data_of(message) for message in later]
    assert all(map(follows_the_schema, data))
    assert [one["type"] for one in data] == ["amendment", "amendment", "withdrawal"]
    assert [one["version"] for one in data] == [2, 3, 4]
    assert [one["supersedes"] for one in data] == [one["Message-ID"] for one in (first, *later[:2])]
    assert data_of(first)["version"] == 1
    assert data[0]["amendment"] == {
        "text": "The same office called twice.",
        "tier": "confirmed",
        "action": {"recipients": 1, "held": 1, "released": 0, "delivered": 0, "refused": 0, "pending": 0},
    }
    assert "The same office called twice." in " ".join(first_text(later[0]).split())
    assert "mission.example" not in later[2].as_string()


def first_text(message: EmailMessage) -> str:
    return str(next(message.iter_parts()).get_content())


@ON_ONE
async def test_a_report_is_amended_though_the_key_of_its_mail_is_gone(gateway: Running) -> None:
    reference = await reported(gateway)
    await keys_of_frozen_mail(gateway, "gone")
    await amended(gateway, reference, "More.")
    report, amendment = to_collation(gateway)
    assert data_of(amendment)["supersedes"] == amendment["In-Reply-To"] == report["Message-ID"]
    await keys_of_frozen_mail(gateway, "")


async def keys_of_frozen_mail(gateway: Running, key: str) -> None:
    async with gateway.desk.store.begin() as work:
        await work.outbox._connection.execute(update(frozen_posts).values(key_id=key))


@ON_ONE
async def test_an_amendment_leaves_the_case_as_it_is(gateway: Running) -> None:
    reference = await reported(gateway)
    await amended(gateway, reference, "More.", Tier.SPOOFED)
    found = await dossier(gateway)
    assert (found.file.case.tier, found.file.case.report) == (Tier.UNVERIFIED, ActionState.SENT)
    assert [(one.text, one.tier, one.actor) for one in found.amendments] == [("More.", Tier.SPOOFED, CLERK)]
    assert "More." not in str([entry.detail for entry in found.audit]), "the audit log outlives the text"


@ON_ONE
async def test_there_is_nothing_to_amend_before_a_report_has_left_or_after_it_was_taken_back(gateway: Running) -> None:
    desk = gateway.desk
    await desk.outboxkeeping.pause("a test", actor=CLERK)
    await gateway.send("liaison@mission.example", ["desk@police.example"], LISTED)
    reference = (await gateway.cases())[0].case.reference
    with pytest.raises(RefusedError, match="nothing to add to"):
        await desk.corresponding.amend(reference, "More.", actor=CLERK)
    await desk.outboxkeeping.resume(actor=CLERK)
    await settled(gateway, Purpose.REPORT)
    with pytest.raises(RefusedError, match="what is to be added"):
        await desk.corresponding.amend(reference, " \n", actor=CLERK)
    await desk.casework.dismiss(reference, "", actor=CLERK)
    with pytest.raises(RefusedError, match="taken back"):
        await desk.corresponding.amend(reference, "More.", actor=CLERK)


async def test_mail_of_the_collation_address_that_names_a_case_marks_it_and_is_delivered_unchanged(
    gateway: Running,
) -> None:
    reference = await reported(gateway)
    mail = f"From: {ILDC}\r\nSubject: Re: contact [{reference.lower()}]\r\n\r\nThank you.\r\n".encode()
    for _ in range(2):  # a retry
        await gateway.send(ILDC, ["liaison@police.example"], mail)
    assert gateway.next_hop.messages[-1].behind_received == mail
    found = await dossier(gateway)
    assert found.file.case.answer is AnswerState.RECEIVED
    (answer,) = found.answers
    assert answer.was_seen
    assert "Re: contact" in answer.text
    assert [entry.action for entry in found.audit].count("answer-received") == 1


@ON_ONE
async def test_an_answer_is_found_by_the_message_id_of_the_report_too(gateway: Running) -> None:
    await reported(gateway)
    (report,) = to_collation(gateway)
    fields = f"From: {ILDC}\r\nSubject: thanks\r\nReferences: <x@y.example>\r\n {report['Message-ID']}\r\n"
    await gateway.send(ILDC, ["liaison@police.example"], f"{fields}\r\nOk.\r\n".encode())
    assert (await dossier(gateway)).file.case.answer is AnswerState.RECEIVED


@ON_ONE
async def test_the_domain_of_the_collation_address_is_known_in_each_spelling(gateway: Running) -> None:
    reference = await reported(gateway)
    client = await gateway.client()
    mail = f"From: {ILDC}\r\nSubject: Re: {reference}\r\n\r\nThank you.\r\n".encode()
    await client.mail("analyst@\uff29\uff2c\uff24\uff23.example", ["desk@police.example"], mail, parameters=" SMTPUTF8")
    assert (await dossier(gateway)).file.case.answer is AnswerState.RECEIVED


@ON_ONE
@pytest.mark.parametrize(
    ("sender", "more"),
    [("analyst@elsewhere.example", ""), ("analyst@sub.ildc.example", ""), (ILDC, "Auto-Submitted: auto-replied\r\n")],
)
async def test_mail_from_elsewhere_and_automatic_mail_is_no_answer(gateway: Running, sender: str, more: str) -> None:
    reference = await reported(gateway)
    mail = f"From: {ILDC}\r\n{more}Subject: {reference}\r\n\r\nHello.\r\n".encode()
    await gateway.send(sender, ["liaison@police.example"], mail)
    assert (await dossier(gateway)).file.case.answer is AnswerState.NONE


@ON_ONE
async def test_the_domain_of_the_collation_address_exempts_from_nothing(gateway: Running) -> None:
    mail = b"From: liaison@mission.example\r\nSubject: a request\r\n\r\nHello.\r\n"
    await gateway.send(ILDC, ["desk@police.example"], mail)
    (file,) = await gateway.cases()
    assert file.case.entry == "mission.example"


async def test_what_was_answered_is_recorded_against_the_reference_and_can_be_filtered_by(gateway: Running) -> None:
    reference = await reported(gateway)
    desk = gateway.desk
    assert [one.case.reference for one in await desk.casework.files(CaseFilter(answer=AnswerState.NONE))] == [reference]
    yesterday = SystemClock().now().date() - timedelta(days=1)
    await desk.corresponding.record_answer(
        reference, "Known to us.", on=yesterday, their_reference=" ILDC  77 ", actor=CLERK
    )
    found = await dossier(gateway)
    assert found.file.case.answer is AnswerState.ANSWERED
    (answer,) = found.answers
    assert (answer.text, answer.their_reference, answer.on, answer.was_seen) == (
        "Known to us.",
        "ILDC 77",
        yesterday,
        False,
    )
    assert await desk.casework.files(CaseFilter(answer=AnswerState.NONE)) == []
    assert len(await desk.casework.files(CaseFilter(answer=AnswerState.ANSWERED))) == 1
    with pytest.raises(RefusedError, match="future"):
        await desk.corresponding.record_answer(reference, "x", on=yesterday + timedelta(days=9), actor=CLERK)
    with pytest.raises(RefusedError, match="what was answered"):
        await desk.corresponding.record_answer(reference, "", actor=CLERK)
