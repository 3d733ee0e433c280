"""What comes back: a report that could not be delivered has failed; nothing of ours, fed back in, is answered."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from gateway.clock import SystemClock
from gateway.errors import RefusedError
from gateway.model.case import ActionState
from gateway.model.outbox import OutboxState, Purpose
from tests.scenarios.test_outbox import LISTED, SENDER, decline, settled
from tests.support.gateway import running_gateway, write_configuration

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.databases import PostgresServer
    from tests.support.gateway import Running
    from tests.support.mta import Message, ScriptedMTA

DSN = """\
From: MAILER-DAEMON@smarthost.example
To: liaison@police.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain

I'm sorry.
--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; smarthost.example

Final-Recipient: rfc822; collation@ildc.example
Action: {action}
Status: 5.7.0
Diagnostic-Code: smtp; 554 5.7.0 not here

--b1
Content-Type: message/rfc822

{returned}
--b1--
"""


def dsn(returned: bytes, action: str = "failed") -> bytes:
    text = DSN.format(action=action, returned="@@").replace("\n", "\r\n").encode()
    return text.replace(b"@@", returned)


async def reported(gateway: Running) -> bytes:
    """The report of one case, as it arrived."""
    await gateway.send(SENDER, ["desk@police.example"], LISTED)
    await settled(gateway, Purpose.REPORT, OutboxState.SENT)
    await settled(gateway, Purpose.NOTICE, OutboxState.SENT)
    return gateway.smarthost.messages[0].content


async def test_a_report_that_comes_back_has_failed_and_can_be_sent_again(gateway: Running) -> None:
    bounce = dsn(await reported(gateway))
    for _ in range(2):  # a second copy changes nothing
        await gateway.send("", ["liaison@police.example"], bounce)
    (case,) = [file.case for file in await gateway.cases()]
    assert case.report is ActionState.FAILED
    (item,) = [item for item in await gateway.items() if item.purpose is Purpose.REPORT]
    assert (item.state, item.last_reply) == (OutboxState.FAILED, "returned: 554 5.7.0 not here")
    delivered = [message.behind_received for message in gateway.next_hop.messages[-2:]]
    assert delivered == [bounce, bounce], "the notification itself is delivered as it came"
    await gateway.desk.casework.report(case.reference, actor="test:clerk")
    await settled(gateway, Purpose.REPORT, OutboxState.SENT)
    assert gateway.smarthost.messages[0].content == gateway.smarthost.messages[1].content


async def test_a_late_copy_of_a_notification_says_nothing_about_the_second_sending(gateway: Running) -> None:
    report = await reported(gateway)
    first, second = (b"Message-ID: <%d@smarthost.example>\r\n" % number + dsn(report) for number in (1, 2))
    await gateway.send("", ["liaison@police.example"], first)
    (case,) = [file.case for file in await gateway.cases()]
    await gateway.desk.casework.report(case.reference, actor="test:clerk")
    await settled(gateway, Purpose.REPORT, OutboxState.SENT)
    await gateway.send("", ["liaison@police.example"], first)
    assert (await gateway.cases())[0].case.report is ActionState.SENT
    await gateway.send("", ["liaison@police.example"], second)
    assert (await gateway.cases())[0].case.report is ActionState.FAILED


@pytest.mark.parametrize("action", ["delayed", "relayed"])
async def test_a_report_that_is_only_late_has_not_failed(gateway: Running, action: str) -> None:
    await gateway.send("", ["liaison@police.example"], dsn(await reported(gateway), action))
    assert (await gateway.cases())[0].case.report is ActionState.SENT


async def test_a_notification_about_strange_mail_changes_nothing(gateway: Running) -> None:
    await reported(gateway)
    await gateway.send("", ["liaison@police.example"], dsn(b"Message-ID: <1@else.example>\r\n\r\nHello\r\n"))
    assert (await gateway.cases())[0].case.report is ActionState.SENT


async def test_a_store_that_is_away_does_not_keep_a_notification_from_its_reader(
    tmp_path: Path, postgres: PostgresServer, postgres_database: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> None:
    url = postgres.url(postgres_database)
    path = write_configuration(tmp_path, next_hop=next_hop.port, smarthost=smarthost.port, url=url)
    async with running_gateway(path, SystemClock(), next_hop, smarthost) as gateway:
        bounce = dsn(await reported(gateway))
        postgres.shut(postgres_database)
        await gateway.send("", ["liaison@police.example"], bounce)
        assert next_hop.messages[-1].behind_received == bounce
        postgres.reopen(postgres_database)
        assert (await gateway.cases())[0].case.report is ActionState.SENT


async def test_a_store_that_hangs_does_not_keep_the_sender_of_a_notification_waiting(gateway: Running) -> None:
    bounce = dsn(await reported(gateway))
    async with gateway.desk.store.begin() as work, asyncio.timeout(12):
        await work.audit.append("test:clerk", "hold", "the end of the chain", {})
        await gateway.send("", ["liaison@police.example"], bounce)
    assert gateway.next_hop.messages[-1].behind_received == bounce
    assert (await gateway.cases())[0].case.report is ActionState.SENT


async def test_what_we_write_is_answered_by_nothing_when_it_comes_back(gateway: Running) -> None:
    """Decline, report, notice and release, as they left."""
    ours = await everything_that_we_write(gateway)
    before = await gateway.items()
    for message in ours:
        await gateway.send(message.reverse_path, ["desk@police.example"], message.content)
    assert await gateway.items() == before
    assert len(await gateway.cases()) == 1


@pytest.mark.parametrize("reverse_path", ["", SENDER])
async def test_our_token_forbids_decline_and_notice_whoever_sends_it_back(gateway: Running, reverse_path: str) -> None:
    ours = await everything_that_we_write(gateway)
    before = await gateway.items()
    for message in ours:
        if b"X-Liaison-Loop" in message.content:
            await gateway.send(reverse_path, ["desk@police.example"], message.content)
    new = (await gateway.items())[len(before) :]
    assert {item.purpose for item in new} <= {Purpose.REPORT}
    for file in await gateway.cases():
        if file.case.decline is not ActionState.SENT:
            with pytest.raises(RefusedError, match="loop token"):
                await gateway.desk.casework.decline(
                    file.case.reference, gateway.desk.rulebooks.current.index, actor="test:clerk"
                )


async def test_notifications_about_what_we_write_are_answered_by_nothing(gateway: Running) -> None:
    ours = await everything_that_we_write(gateway)
    before = await gateway.items()
    for message in ours:
        await gateway.send("", ["desk@police.example"], dsn(message.content))
    assert len(await gateway.items()) == len(before)
    assert len(await gateway.cases()) == 1


async def everything_that_we_write(gateway: Running) -> list[Message]:
    await reported(gateway)
    reference = await decline(gateway)
    await settled(gateway, Purpose.DECLINE, OutboxState.SENT)
    await gateway.desk.casework.release(reference, [], actor="test:clerk")
    await settled(gateway, Purpose.RELEASE, OutboxState.SENT)
    ours = [*gateway.smarthost.messages, *gateway.next_hop.messages]
    assert len(ours) == 4
    return ours
