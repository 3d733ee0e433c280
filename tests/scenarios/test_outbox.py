"""Mail that we originate: a decline at most once, everything else at least once, and one trouble at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from filters.disposition import Mode
from gateway.clock import SystemClock
from gateway.errors import RefusedError
from gateway.model.case import ActionState, CaseStatus, DeliveryState
from gateway.model.outbox import OutboxState, Purpose
from tests.support.gateway import running_gateway, write_configuration

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.databases import PostgresServer
    from tests.support.gateway import Running
    from tests.support.mta import ScriptedMTA

LISTED = b"From: liaison@mission.example\r\nSubject: Request\r\n\r\nPlease send us the file.\r\n"
SENDER = "liaison@mission.example"


async def decline(gateway: Running) -> str:
    """Ask for the decline of the only case; its reference."""
    (file,) = await gateway.cases()
    reference = file.case.reference
    await gateway.desk.casework.decline(reference, gateway.desk.rulebooks.current.index, actor="test:clerk")
    return reference


async def settled(gateway: Running, purpose: Purpose, state: OutboxState) -> None:
    async with asyncio.timeout(20):
        while state not in {item.state for item in await gateway.items() if item.purpose is purpose}:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("answer", ["hmm", "999 what", "350 go on", "drop"])
async def test_a_decline_whose_answer_is_no_answer_is_never_sent_again(gateway: Running, answer: str) -> None:
    await gateway.send(SENDER, ["desk@police.example"], LISTED)
    await gateway.smarthost.arrived()
    taken: list[str] = []

    def script(stage: str, _link: object) -> str | None:
        if stage == "content":
            taken.append(stage)
            return answer
        return None

    gateway.smarthost.script = script
    await decline(gateway)
    await settled(gateway, Purpose.DECLINE, OutboxState.UNCERTAIN)
    await asyncio.sleep(1.5)
    assert taken == ["content"]
    assert (await gateway.cases())[0].case.decline is ActionState.UNCERTAIN


async def test_a_report_whose_answer_is_lost_is_sent_again_with_the_same_message_id(gateway: Running) -> None:
    drops = iter(["drop"])
    gateway.smarthost.script = lambda stage, _link: next(drops, None) if stage == "content" else None
    await gateway.send(SENDER, ["desk@police.example"], LISTED)
    await settled(gateway, Purpose.REPORT, OutboxState.SENT)
    (report,) = gateway.smarthost.messages
    assert report.content.count(b"\r\nMessage-ID: <") == 1


async def test_an_outcome_is_written_down_when_the_store_is_back(
    tmp_path: Path, postgres: PostgresServer, postgres_database: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> None:
    url = postgres.url(postgres_database)
    path = write_configuration(tmp_path, next_hop=next_hop.port, smarthost=smarthost.port, url=url)

    def script(stage: str, _link: object) -> str | None:
        if stage == "content" and not smarthost.messages:
            postgres.shut(postgres_database)
        return None

    smarthost.script = script
    async with running_gateway(path, SystemClock(), next_hop, smarthost) as gateway:
        await gateway.send(SENDER, ["desk@police.example"], LISTED)
        await smarthost.arrived()
        await asyncio.sleep(0.5)
        postgres.reopen(postgres_database)
        await settled(gateway, Purpose.REPORT, OutboxState.SENT)
        assert len(smarthost.messages) == 1


async def test_a_fault_in_one_item_does_not_stop_the_gateway(
    tmp_path: Path, database_url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> None:
    (tmp_path / "secret").write_text("hunter2", encoding="utf-8")
    path = write_configuration(
        tmp_path, next_hop=next_hop.port, smarthost=None, url=database_url,
        more=f'[outbound]\nsmarthost = "127.0.0.1:{smarthost.port}"\nusername = "u"\npassword_file = "secret"',
    )  # fmt: skip
    async with running_gateway(path, SystemClock(), next_hop, smarthost) as gateway:
        (tmp_path / "secret").unlink()
        await gateway.send(SENDER, ["desk@police.example"], LISTED)
        await next_hop.arrived()  # the notice, by another way
        await gateway.send(SENDER, ["desk@police.example"], LISTED + b"again\r\n")
        (waiting, *_) = [item for item in await gateway.items() if item.purpose is Purpose.REPORT]
        assert waiting.state is OutboxState.WAITING


async def test_a_smarthost_that_hangs_does_not_hold_up_mail_to_our_own(gateway: Running) -> None:
    gateway.smarthost.script = lambda stage, _link: "hang" if stage == "content" else None
    for number in range(1, 13):
        await gateway.send(SENDER, ["desk@police.example"], LISTED + b"%d\r\n" % number)
        await gateway.next_hop.arrived(number, within=8)
    gateway.smarthost.drop_links()


async def test_a_report_that_failed_is_sent_again_when_a_person_asks(gateway: Running) -> None:
    gateway.smarthost.script = lambda stage, _link: "554 5.7.1 no" if stage.startswith("MAIL") else None
    await gateway.send(SENDER, ["desk@police.example"], LISTED)
    await settled(gateway, Purpose.REPORT, OutboxState.FAILED)
    gateway.smarthost.script = lambda _stage, _link: None
    await gateway.desk.casework.report((await gateway.cases())[0].case.reference, actor="test:clerk")
    await settled(gateway, Purpose.REPORT, OutboxState.SENT)
    assert len(gateway.smarthost.messages) == 1


async def window_is_free(gateway: Running) -> bool:
    """Whether the sender could be declined automatically now; a window that ends as it begins stops nobody."""
    async with gateway.desk.store.begin() as work:
        now = SystemClock().now()
        return await work.limits.open_window(SENDER, "another", now, now)


async def test_a_decline_that_failed_stops_no_other_before_it_is_tried_again(gateway: Running) -> None:
    await gateway.send(SENDER, ["desk@police.example"], LISTED)
    await settled(gateway, Purpose.REPORT, OutboxState.SENT)
    gateway.smarthost.script = lambda said, _link: "550 5.1.1 Nobody" if said.startswith("RCPT") else None
    await decline(gateway)
    assert not await window_is_free(gateway)
    await settled(gateway, Purpose.DECLINE, OutboxState.FAILED)
    assert await window_is_free(gateway)
    gateway.smarthost.script = lambda _said, _link: None
    await gateway.desk.outboxkeeping.retry_failed(actor="test:clerk")
    await settled(gateway, Purpose.DECLINE, OutboxState.SENT)
    assert not await window_is_free(gateway)


@pytest.mark.parametrize("end", [OutboxState.FAILED, OutboxState.CANCELLED])
async def test_the_window_of_a_decline_that_left_holds_when_a_later_one_does_not_leave(
    gateway: Running, end: OutboxState
) -> None:
    await gateway.send(SENDER, ["desk@police.example"], LISTED)
    await decline(gateway)
    await settled(gateway, Purpose.DECLINE, OutboxState.SENT)
    await gateway.send("Liaison+desk@mission.example", ["desk@police.example"], LISTED + b"Again.\r\n")
    code = {OutboxState.FAILED: "550 5.1.1 Nobody", OutboxState.CANCELLED: "450 4.2.0 Later"}[end]
    gateway.smarthost.script = lambda said, _link: code if said.startswith("RCPT TO:<Liaison+") else None
    newest = max((await gateway.cases()), key=lambda file: file.case.received_at).case.reference
    later = await gateway.desk.casework.decline(newest, gateway.desk.rulebooks.current.index, actor="test:clerk")
    if end is OutboxState.CANCELLED:
        await gateway.desk.outboxkeeping.cancel(later.id, actor="test:clerk")
    await settled(gateway, Purpose.DECLINE, end)
    assert not await window_is_free(gateway)


async def test_nothing_is_declined_where_the_table_says_never(gateway: Running) -> None:
    await gateway.send(SENDER, ["dispatch@police.example"], LISTED)
    with pytest.raises(RefusedError, match="Nothing is declined here"):
        await decline(gateway)


async def test_nothing_is_declined_or_reported_for_a_dismissed_case(gateway: Running) -> None:
    await gateway.desk.modes.set(Mode.ASSIST, actor="test:admin")
    await gateway.desk.rulebooks.load()
    await gateway.send(SENDER, ["desk@police.example"], LISTED)
    reference = (await gateway.cases())[0].case.reference
    await gateway.desk.casework.dismiss(reference, "a test", actor="test:clerk")
    with pytest.raises(RefusedError, match="dismissed"):
        await decline(gateway)
    with pytest.raises(RefusedError, match="dismissed"):
        await gateway.desk.casework.report(reference, actor="test:clerk")


async def test_a_closed_case_is_open_again_when_a_copy_is_held_for_somebody_new(gateway: Running) -> None:
    await gateway.send(SENDER, ["desk@police.example"], LISTED)
    await gateway.desk.casework.close((await gateway.cases())[0].case.reference, actor="test:clerk")
    await gateway.send(SENDER, ["chief@police.example"], LISTED)
    (file,) = await gateway.cases()
    assert (file.case.status, len(file.deliveries)) == (CaseStatus.OPEN, 2)


async def test_recipients_that_only_look_alike_are_two(gateway: Running) -> None:
    recipients = ["strauss@police.example", "strauß@police.example"]
    client = await gateway.client()
    await client.mail(SENDER, recipients, LISTED, parameters=" SMTPUTF8", expect="250")
    (file,) = await gateway.cases()
    assert {one.recipient: one.state for one in file.deliveries} == dict.fromkeys(recipients, DeliveryState.HELD)


async def test_without_a_route_out_everything_waits_visibly(
    tmp_path: Path, database_url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> None:
    path = write_configuration(tmp_path, next_hop=next_hop.port, smarthost=None, url=database_url)
    async with running_gateway(path, SystemClock(), next_hop, smarthost) as gateway:
        await gateway.send(SENDER, ["desk@police.example"], LISTED)
        async with asyncio.timeout(10):
            while not any("no outbound route" in item.last_reply for item in await gateway.items()):
                await asyncio.sleep(0.05)
        report = next(item for item in await gateway.items() if item.purpose is Purpose.REPORT)
        assert (report.state, report.attempts) == (OutboxState.WAITING, 0)


async def test_a_report_that_is_refused_goes_once_more_as_a_summary(gateway: Running) -> None:
    refused: list[bytes] = []

    def script(stage: str, _link: object) -> str | None:
        if stage == "content" and not refused:
            refused.append(b"")
            return "552 5.3.4 too big"
        return None

    gateway.smarthost.script = script
    await gateway.send(SENDER, ["desk@police.example"], LISTED)
    await settled(gateway, Purpose.REPORT, OutboxState.SENT)
    (summary,) = gateway.smarthost.messages
    assert b".eml" not in summary.content
    assert b"report.json" in summary.content
    assert b"Please send us the file" not in summary.content


async def test_a_summary_that_is_refused_too_has_failed(gateway: Running) -> None:
    taken: list[str] = []

    def script(stage: str, _link: object) -> str | None:
        if stage == "content":
            taken.append(stage)
            return "554 5.7.1 no"
        return None

    gateway.smarthost.script = script
    await gateway.send(SENDER, ["desk@police.example"], LISTED)
    await settled(gateway, Purpose.REPORT, OutboxState.FAILED)
    assert taken == ["content", "content"]


async def test_while_the_outbox_is_paused_nothing_of_ours_leaves(gateway: Running) -> None:
    keeping = gateway.desk.outboxkeeping
    await keeping.pause("an exercise", actor="test:it")
    with pytest.raises(RefusedError, match="paused already"):
        await keeping.pause("", actor="test:it")
    await gateway.send(SENDER, ["desk@police.example"], LISTED)
    await gateway.send("friend@city.example", ["desk@police.example"], b"From: friend@city.example\r\n\r\nHello\r\n")
    await asyncio.sleep(1.5)
    assert {item.state for item in await gateway.items()} == {OutboxState.WAITING}
    assert (gateway.smarthost.messages, len(gateway.next_hop.messages)) == ([], 1)
    assert (await keeping.paused()).endswith("by test:it: an exercise")
    assert await keeping.resume(actor="test:it") == 2
    await settled(gateway, Purpose.REPORT, OutboxState.SENT)


async def test_a_pause_stops_an_attempt_whose_message_has_not_left(gateway: Running) -> None:
    """The smarthost is slow to take the recipient; the pause comes meanwhile."""
    asked = asyncio.Event()

    def script(stage: str, _link: object) -> str | None:
        if stage.startswith("MAIL"):
            asked.set()
        return None

    gateway.smarthost.script = script
    gateway.smarthost.delay = 0.5
    await gateway.send(SENDER, ["desk@police.example"], LISTED)
    await asked.wait()
    await gateway.desk.outboxkeeping.pause("", actor="test:it")
    await asyncio.sleep(2.5)
    assert gateway.smarthost.messages == []
    assert not any("DATA" in link.commands for link in gateway.smarthost.links)


@pytest.mark.parametrize("verb", ["silence", "dismiss"])
async def test_a_decline_that_failed_needs_nobody_when_none_is_wanted_any_more(gateway: Running, verb: str) -> None:
    gateway.smarthost.script = lambda stage, _link: "550 5.1.1 no" if stage.startswith("RCPT") else None
    await gateway.send(SENDER, ["desk@police.example"], LISTED)
    reference = await decline(gateway)
    await settled(gateway, Purpose.DECLINE, OutboxState.FAILED)
    casework = gateway.desk.casework
    await (casework.silence if verb == "silence" else casework.dismiss)(reference, "", actor="test:clerk")
    assert (await gateway.cases())[0].case.decline is ActionState.CANCELLED
    gateway.smarthost.script = lambda _stage, _link: None
    assert Purpose.DECLINE not in {item.purpose for item in await gateway.desk.outboxkeeping.retry_failed(actor="x")}


async def test_a_decline_in_doubt_stays_so_when_its_case_was_silenced_meanwhile(gateway: Running) -> None:
    gateway.smarthost.script = lambda stage, _link: "drop" if stage == "content" else None
    await gateway.send(SENDER, ["desk@police.example"], LISTED)
    reference = await decline(gateway)
    await settled(gateway, Purpose.DECLINE, OutboxState.UNCERTAIN)
    await gateway.desk.casework.silence(reference, "", actor="test:clerk")
    (item,) = [one for one in await gateway.items() if one.purpose is Purpose.DECLINE]
    with pytest.raises(RefusedError, match="it was silenced or dismissed"):
        await gateway.desk.outboxkeeping.retry(item.id, despite_uncertainty=True, actor="test:it")
    gateway.smarthost.script = lambda _stage, _link: None
    assert (await gateway.cases())[0].case.decline is ActionState.UNCERTAIN
    await gateway.desk.outboxkeeping.cancel(item.id, actor="test:it")


async def test_a_silenced_case_is_not_declined(gateway: Running) -> None:
    await gateway.desk.outboxkeeping.pause("", actor="test:it")
    await gateway.send(SENDER, ["desk@police.example"], LISTED)
    reference = await decline(gateway)
    assert await gateway.desk.casework.silence(reference, "an investigation", actor="test:clerk")
    assert (await gateway.cases())[0].case.decline is ActionState.CANCELLED
    with pytest.raises(RefusedError, match="has a decline already; it is cancelled"):
        await decline(gateway)
    await gateway.desk.outboxkeeping.resume(actor="test:it")
    await settled(gateway, Purpose.REPORT, OutboxState.SENT)
    assert SENDER not in {recipient for message in gateway.smarthost.messages for recipient in message.recipients}


async def test_nobody_declines_a_case_that_was_silenced_before(gateway: Running) -> None:
    await gateway.send(SENDER, ["desk@police.example"], LISTED)
    reference = (await gateway.cases())[0].case.reference
    assert not await gateway.desk.casework.silence(reference, "", actor="test:clerk")
    assert (await gateway.cases())[0].case.decline is ActionState.CANCELLED, "it waits for nobody any more"
    with pytest.raises(RefusedError, match="silenced"):
        await decline(gateway)


async def test_past_the_daily_limit_reports_wait_for_a_person_with_the_reason(
    tmp_path: Path, database_url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> None:
    path = write_configuration(
        tmp_path, next_hop=next_hop.port, smarthost=smarthost.port, url=database_url,
    )  # fmt: skip
    path.write_text(path.read_text().replace("[collation]", "[collation]\ndomain_daily_limit = 2"))
    async with running_gateway(path, SystemClock(), next_hop, smarthost) as gateway:
        for number in range(3):
            await gateway.send(SENDER, ["desk@police.example"], LISTED + b"%d\r\n" % number)
        (last, *_) = sorted((file.case for file in await gateway.cases()), key=lambda case: -case.stored_id)
        assert last.report is ActionState.REVIEW
        assert last.report_reasons == ("Today's limit of 2 automatic reports for mission.example is reached.",)
        await gateway.desk.casework.report(last.reference, actor="test:clerk")
        await smarthost.arrived(3)
        assert len(smarthost.messages) == 3
