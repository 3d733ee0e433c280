"""Mail from a listed mission: recorded, held or flagged, reported; never lost, never recorded twice."""

from __future__ import annotations

import email
import email.policy
import hashlib
from typing import TYPE_CHECKING

import pytest

from filters.disposition import Mode, Tier
from gateway.model.case import ActionState, DeliveryState
from gateway.model.outbox import OutboxState, Purpose

if TYPE_CHECKING:
    from tests.support.gateway import Running

LISTED = (
    b"From: Liaison Office <liaison@mission.example>\r\nTo: desk@police.example\r\nSubject: Request\r\n"
    b"Message-ID: <m1@mission.example>\r\n\r\nPlease send us the file.\r\n.\r\n"
)
SENDER = "liaison@mission.example"


async def test_listed_mail_is_held_recorded_and_reported(gateway: Running) -> None:
    reply = await gateway.send(SENDER, ["desk@police.example"], LISTED)
    (file,) = await gateway.cases()
    case, (delivery,) = file.case, file.deliveries
    assert reply == "250 2.0.0 Message accepted"
    assert (case.tier, case.entry, case.authentication.overall) == (Tier.UNVERIFIED, "mission.example", "none")
    assert (delivery.recipient, delivery.state) == ("desk@police.example", DeliveryState.HELD)
    assert case.sha256 == hashlib.sha256(LISTED).hexdigest()
    assert (case.subject, case.message_id) == ("Request", "<m1@mission.example>")
    assert case.decline is ActionState.REVIEW
    assert not [message for message in gateway.next_hop.messages if b"Please send us" in message.content]
    assert await gateway.desk.casework.original(case.reference) == LISTED
    (report,) = await gateway.smarthost.arrived()
    assert (report.reverse_path, report.recipients) == ("liaison@police.example", ["collation@ildc.example"])


async def test_the_report_carries_the_original_as_received(gateway: Running) -> None:
    await gateway.send(SENDER, ["desk@police.example"], LISTED)
    (report,) = await gateway.smarthost.arrived()
    message = email.message_from_bytes(report.content, policy=email.policy.default)  # noqa: TID251
    assert message["Auto-Submitted"].startswith("auto-notified; owner-token=LG-")
    assert b"Please send us the file.\r\n." in report.content


async def test_the_recipient_of_held_mail_gets_a_notice_and_no_content(gateway: Running) -> None:
    await gateway.send(SENDER, ["desk@police.example"], LISTED)
    (notice,) = await gateway.next_hop.arrived()
    assert (notice.reverse_path, notice.recipients) == ("", ["desk@police.example"])
    assert b"Auto-Submitted: auto-notified" in notice.content
    assert b"Please send us" not in notice.content
    assert b"Subject: Request" not in notice.content


async def test_a_retry_makes_no_second_case_report_or_notice(gateway: Running) -> None:
    await gateway.send(SENDER, ["desk@police.example"], LISTED)
    trace = b"Received: from front.example by mx2.example; Mon, 23 Nov 2026 10:00:00 +0000\r\n"
    await gateway.send(SENDER, ["desk@police.example"], trace + LISTED)
    assert len(await gateway.cases()) == 1
    assert sorted(item.purpose for item in await gateway.items()) == [Purpose.NOTICE, Purpose.REPORT]


async def test_a_later_transaction_adds_its_recipients_to_the_case(gateway: Running) -> None:
    await gateway.send(SENDER, ["desk@police.example"], LISTED)
    await gateway.send(SENDER, ["desk@police.example", "chief@police.example"], LISTED)
    (file,) = await gateway.cases()
    assert [delivery.recipient for delivery in file.deliveries] == ["desk@police.example", "chief@police.example"]
    purposes = [(item.purpose, item.to) for item in await gateway.items()]
    assert purposes.count((Purpose.NOTICE, "chief@police.example")) == 1
    assert [purpose for purpose, _ in purposes].count(Purpose.REPORT) == 1


async def test_emergency_recipients_get_it_flagged_and_the_others_are_held(gateway: Running) -> None:
    await gateway.send(SENDER, ["desk@police.example", "Dispatch@police.example"], LISTED)
    delivered = next(message for message in await gateway.next_hop.arrived() if b"Please" in message.content)
    (file,) = await gateway.cases()
    assert delivered.recipients == ["Dispatch@police.example"]
    assert delivered.content.startswith(b"Received: ")
    assert b"\r\nX-Liaison-Flag: tier=emergency; ref=" + file.case.reference.encode() in delivered.content
    assert delivered.content.endswith(LISTED)
    assert {one.recipient: (one.tier, one.state) for one in file.deliveries} == {
        "desk@police.example": (Tier.UNVERIFIED, DeliveryState.HELD),
        "Dispatch@police.example": (Tier.EMERGENCY, DeliveryState.RELAYED),
    }
    assert (file.case.tier, file.case.decline) == (Tier.UNVERIFIED, ActionState.REVIEW)


async def test_an_emergency_message_is_never_held_or_declined(gateway: Running) -> None:
    await gateway.send(SENDER, ["dispatch@police.example"], LISTED)
    (file,) = await gateway.cases()
    assert (file.case.tier, file.case.decline, file.case.report) == (
        Tier.EMERGENCY,
        ActionState.NONE,
        ActionState.REVIEW,
    )
    assert [item.purpose for item in await gateway.items()] == []


async def test_a_listed_reply_to_is_delivered_with_a_flag(gateway: Running) -> None:
    content = b"From: helper@webmail.example\r\nReply-To: liaison@mission.example\r\nSubject: x\r\n\r\nhello\r\n"
    await gateway.send("helper@webmail.example", ["desk@police.example"], content)
    (message,) = await gateway.next_hop.arrived()
    (file,) = await gateway.cases()
    assert b"X-Liaison-Flag: tier=related;" in message.content
    assert b"\r\nAuthentication-Results: mx.police.example; spf=none" in message.content.replace(
        b"\r\n\t", b" "
    ).replace(b"\r\n ", b" ")
    assert message.content.endswith(content)
    assert (file.case.tier, file.deliveries[0].state) == (Tier.RELATED, DeliveryState.RELAYED)
    assert (file.case.decline, file.case.report) == (ActionState.REVIEW, ActionState.REVIEW)


async def test_an_entry_that_says_flag_is_delivered(gateway: Running) -> None:
    content = LISTED.replace(b"mission.example", b"flagged.example")
    await gateway.send("liaison@flagged.example", ["desk@police.example"], content)
    (message,) = await gateway.next_hop.arrived()
    assert b"X-Liaison-Flag: tier=unverified;" in message.content


async def test_a_null_reverse_path_with_a_listed_from_is_held_and_reported(gateway: Running) -> None:
    await gateway.send("", ["desk@police.example"], LISTED)
    (file,) = await gateway.cases()
    assert (file.case.reverse_path, file.case.tier) == ("", Tier.UNVERIFIED)
    await gateway.smarthost.arrived()


async def test_held_mail_waits_when_the_next_hop_refuses_others(gateway: Running) -> None:
    refused = {"desk": 0}

    def script(stage: str, _link: object) -> str | None:
        refused["desk"] += stage == "content"
        return "554 5.7.1 no" if stage == "content" and refused["desk"] == 1 else None

    gateway.next_hop.script = script
    content = b"From: helper@webmail.example\r\nReply-To: liaison@mission.example\r\n\r\nhello\r\n"
    await gateway.send("helper@webmail.example", ["desk@police.example"], content, expect="554 5.7.1")
    (file,) = await gateway.cases()
    assert (file.deliveries[0].state, file.deliveries[0].reply) == (DeliveryState.REFUSED, "554 5.7.1 no")


async def test_a_flagged_delivery_that_must_be_retried_is_made_at_the_retry(gateway: Running) -> None:
    answers = iter(["451 4.7.1 later"])
    gateway.next_hop.script = lambda stage, _link: next(answers, None) if stage == "content" else None
    content = b"From: helper@webmail.example\r\nReply-To: liaison@mission.example\r\n\r\nhello\r\n"
    await gateway.send("helper@webmail.example", ["desk@police.example"], content, expect="451 4.7.1")
    assert (await gateway.cases())[0].deliveries[0].state is DeliveryState.PENDING
    await gateway.send("helper@webmail.example", ["desk@police.example"], content, expect="250")
    await gateway.send("helper@webmail.example", ["desk@police.example"], content, expect="250")
    (file,) = await gateway.cases()
    assert file.deliveries[0].state is DeliveryState.RELAYED
    assert len(gateway.next_hop.messages) == 1


async def test_no_case_is_made_while_the_next_hop_refuses_the_recipient(gateway: Running) -> None:
    gateway.next_hop.script = lambda stage, _link: "550 5.1.1 nobody" if stage.startswith("RCPT") else None
    client = await gateway.client()
    await client.say(f"MAIL FROM:<{SENDER}>", "250")
    await client.say("RCPT TO:<nobody@police.example>", "550 5.1.1")
    await client.say("DATA", "554 5.5.1")
    assert await gateway.cases() == []


async def test_a_person_asks_for_the_decline_and_it_goes_to_the_reverse_path_alone(gateway: Running) -> None:
    await gateway.send(SENDER, ["desk@police.example"], LISTED)
    (file,) = await gateway.cases()
    item = await gateway.desk.casework.decline(
        file.case.reference, gateway.desk.rulebooks.current.index, actor="test:clerk"
    )
    messages = await gateway.smarthost.arrived(2)
    decline = next(message for message in messages if message.recipients == [SENDER])
    assert decline.reverse_path == ""
    assert b"Auto-Submitted: auto-replied" in decline.content
    assert b"In-Reply-To: <m1@mission.example>" in decline.content
    assert b"Please send us" not in decline.content and b"desk@police.example" not in decline.content
    while (await gateway.desk.casework.files())[0].case.decline is not ActionState.SENT:
        pass
    assert next(one for one in await gateway.items() if one.id == item.id).state is OutboxState.SENT


@pytest.mark.parametrize("field", [b"Auto-Submitted: auto-replied", b"List-Id: <x.y>", b"Precedence: bulk"])
async def test_the_hard_gate_has_the_last_word(gateway: Running, field: bytes) -> None:
    await gateway.send(SENDER, ["desk@police.example"], field + b"\r\n" + LISTED)
    (file,) = await gateway.cases()
    with pytest.raises(Exception, match="No decline may be sent"):
        await gateway.desk.casework.decline(file.case.reference, gateway.desk.rulebooks.current.index, actor="test:x")


async def test_held_mail_is_released_to_whom_it_was_meant_for(gateway: Running) -> None:
    await gateway.send(SENDER, ["desk@police.example", "chief@police.example"], LISTED)
    (file,) = await gateway.cases()
    await gateway.desk.casework.release(file.case.reference, ["chief@police.example"], actor="test:clerk")
    messages = await gateway.next_hop.arrived(3)
    released = next(message for message in messages if b"Please send us" in message.content)
    assert (released.reverse_path, released.recipients) == (SENDER, ["chief@police.example"])
    assert released.content.endswith(LISTED)
    assert b"X-Liaison-Flag: tier=unverified; ref=" in released.content
    states = {one.recipient: one.state for one in (await gateway.cases())[0].deliveries}
    assert states["desk@police.example"] is DeliveryState.HELD


async def test_a_change_of_the_lists_is_in_force_within_two_seconds(gateway: Running) -> None:
    import asyncio

    from filters.lists import EntryKind, ListEntry

    entry = ListEntry(kind=EntryKind.DOMAIN, value="newmission.example")
    await gateway.desk.listkeeping.add(entry, actor="test:admin")
    await asyncio.sleep(2)
    content = b"From: a@newmission.example\r\n\r\nhello\r\n"
    await gateway.send("a@newmission.example", ["desk@police.example"], content)
    assert (await gateway.cases())[0].case.entry == "newmission.example"


async def test_observe_records_and_delivers_unchanged(gateway: Running) -> None:
    await gateway.desk.modes.set(Mode.OBSERVE, actor="test:admin")
    await gateway.desk.rulebooks.load()
    await gateway.send(SENDER, ["desk@police.example", "dispatch@police.example"], LISTED)
    messages = await gateway.next_hop.arrived(2)
    assert all(message.behind_received == LISTED for message in messages)
    (file,) = await gateway.cases()
    assert (file.case.decline, file.case.report) == (ActionState.NONE, ActionState.NONE)
    assert await gateway.items() == []


async def test_assist_leaves_the_report_to_a_person(gateway: Running) -> None:
    await gateway.desk.modes.set(Mode.ASSIST, actor="test:admin")
    await gateway.desk.rulebooks.load()
    await gateway.send(SENDER, ["desk@police.example"], LISTED)
    (file,) = await gateway.cases()
    assert (file.case.report, file.deliveries[0].state) == (ActionState.REVIEW, DeliveryState.HELD)
    await gateway.desk.casework.report(file.case.reference, actor="test:clerk")
    await gateway.smarthost.arrived()
