"""The way out fails, for a moment or for days: what we write waits, leaves once, or says visibly that it could not."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from gateway.model.case import ActionState
from gateway.model.outbox import OutboxState, Purpose
from tests.scenarios.test_outbox import LISTED, SENDER, decline, settled
from tests.support.clocks import StoppedClock
from tests.support.gateway import running_gateway, write_configuration
from tests.support.mta import DROP

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from gateway.model.outbox import OutboxItem
    from tests.support.gateway import Running
    from tests.support.mta import Link, ScriptedMTA

DAY = 86_400.0
DESK = ["desk@police.example"]


class Days:
    """A gateway whose days pass when the test says so."""

    def __init__(self, gateway: Running, clock: StoppedClock) -> None:
        self.gateway, self.clock = gateway, clock

    async def item(self, purpose: Purpose) -> OutboxItem:
        (found,) = [item for item in await self.gateway.items() if item.purpose is purpose]
        return found

    async def attempted(self, purpose: Purpose, times: int) -> OutboxItem:
        """The item, once it was tried so often."""
        async with asyncio.timeout(20):
            while (item := await self.item(purpose)).attempts < times or item.state is OutboxState.SENDING:
                await asyncio.sleep(0.05)
        return item


@pytest.fixture
async def days(tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA) -> AsyncIterator[Days]:
    async with _opened(tmp_path, sqlite_url, next_hop, smarthost) as opened:
        yield opened


@pytest.fixture
async def days_on_either(
    tmp_path: Path, database_url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> AsyncIterator[Days]:
    async with _opened(tmp_path, database_url, next_hop, smarthost) as opened:
        yield opened


@asynccontextmanager
async def _opened(directory: Path, url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA) -> AsyncIterator[Days]:
    clock = StoppedClock()
    path = write_configuration(directory, next_hop=next_hop.port, smarthost=smarthost.port, url=url)
    path.write_text(path.read_text().replace("retry = [1]", "retry = [60, 86400]"))
    async with running_gateway(path, clock, next_hop, smarthost) as gateway:
        yield Days(gateway, clock)


async def test_a_smarthost_that_is_down_for_days_gets_everything_once_when_it_is_back(days_on_either: Days) -> None:
    days = days_on_either
    port = days.gateway.smarthost.port
    await days.gateway.smarthost.stop()
    await days.gateway.send(SENDER, DESK, LISTED)
    await decline(days.gateway)
    for times in range(1, 5):
        for purpose in (Purpose.REPORT, Purpose.DECLINE):
            item = await days.attempted(purpose, times)
            assert (item.state, item.attempts) == (OutboxState.WAITING, times), "it waits for its time"
            assert str(port) in item.last_reply
        days.clock.advance(DAY)
    await days.gateway.smarthost.start(port)
    days.clock.advance(DAY)
    await days.gateway.smarthost.arrived(2, within=20)
    for purpose in (Purpose.REPORT, Purpose.DECLINE):
        await settled(days.gateway, purpose, OutboxState.SENT)
    assert sorted(one.recipients[0] for one in days.gateway.smarthost.messages) == ["collation@ildc.example", SENDER]


async def test_what_could_not_leave_for_too_long_has_failed_and_leaves_when_a_person_says_so(days: Days) -> None:
    port = days.gateway.smarthost.port
    await days.gateway.smarthost.stop()
    await days.gateway.send(SENDER, DESK, LISTED)
    for times in range(1, 6):
        assert (await days.attempted(Purpose.REPORT, times)).state is OutboxState.WAITING
        days.clock.advance(DAY)
    item = await days.attempted(Purpose.REPORT, 6)
    assert item.state is OutboxState.FAILED
    assert item.last_reply.startswith("given up; the last answer was: ")
    assert (await days.gateway.cases())[0].case.report is ActionState.FAILED
    await days.gateway.smarthost.start(port)
    await days.gateway.desk.outboxkeeping.retry(item.id, actor="test:it")
    await settled(days.gateway, Purpose.REPORT, OutboxState.SENT)
    assert len(days.gateway.smarthost.messages) == 1


async def test_a_smarthost_that_greylists_gets_its_mail_when_its_time_has_come(days: Days) -> None:
    asked: list[str] = []

    def script(said: str, _link: Link) -> str | None:
        if not said.startswith("RCPT"):
            return None
        asked.append(said)
        return "450 4.2.0 Greylisted" if len(asked) == 1 else None

    days.gateway.smarthost.script = script
    await days.gateway.send(SENDER, DESK, LISTED)
    item = await days.attempted(Purpose.REPORT, 1)
    assert (item.state, item.last_reply) == (OutboxState.WAITING, "450 4.2.0 Greylisted")
    await asyncio.sleep(1.2)
    assert len(asked) == 1, "no sooner than its time"
    days.clock.advance(60)
    await settled(days.gateway, Purpose.REPORT, OutboxState.SENT)


async def test_a_size_that_is_announced_too_small_gets_the_summary(days: Days) -> None:
    """The report has the original in it, and its first attempt says nothing of it."""
    days.gateway.smarthost.keywords = ("PIPELINING", "SIZE 12000")
    await days.gateway.send(SENDER, DESK, LISTED + b"A line of some length, again and again.\r\n" * 300)
    await settled(days.gateway, Purpose.REPORT, OutboxState.SENT)
    (summary,) = days.gateway.smarthost.messages
    assert b"report.json" in summary.content
    assert b"again and again" not in summary.content
    said = [command for link in days.gateway.smarthost.links for command in link.commands]
    assert sum(command.startswith("MAIL") for command in said) == 1


async def test_an_original_beyond_ascii_survives_a_smarthost_without_8bitmime(days: Days) -> None:
    days.gateway.smarthost.keywords = ("PIPELINING",)
    await days.gateway.send(SENDER, DESK, LISTED + "caf\u00e9 \u4f60\u597d\r\n".encode())
    await settled(days.gateway, Purpose.REPORT, OutboxState.SENT)
    (report,) = days.gateway.smarthost.messages
    assert report.content.isascii()
    assert b"application/octet-stream" in report.content


async def test_a_decline_to_an_address_beyond_ascii_fails_where_smtputf8_is_not_known(days: Days) -> None:
    days.gateway.smarthost.keywords = ("PIPELINING",)
    client = await days.gateway.client()
    sender = "\u00e9quipe@mission.example"
    await client.mail(sender, DESK, LISTED.replace(SENDER.encode(), sender.encode()), parameters=" SMTPUTF8")
    await decline(days.gateway)
    item = await days.attempted(Purpose.DECLINE, 1)
    assert item.state is OutboxState.FAILED
    assert "SMTPUTF8" in item.last_reply


@pytest.mark.parametrize("stage", ["RCPT", "DATA"])
async def test_a_connection_that_breaks_before_the_message_leaves_nothing_open(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA, stage: str
) -> None:
    """A decline too: it is uncertain only once its message has begun to leave."""
    smarthost.script = lambda said, _link: DROP if said.startswith(stage) else None
    async with _opened(tmp_path, sqlite_url, next_hop, smarthost) as days:
        await days.gateway.send(SENDER, DESK, LISTED)
        await decline(days.gateway)
        item = await days.attempted(Purpose.DECLINE, 1)
        assert item.state is OutboxState.WAITING
        smarthost.script = lambda _said, _link: None
        days.clock.advance(60)
        await settled(days.gateway, Purpose.DECLINE, OutboxState.SENT)


async def test_after_the_final_dot_a_decline_is_left_and_a_report_sent_again_as_it_was(days_on_either: Days) -> None:
    """The smarthost takes both and breaks off instead of saying so."""
    days = days_on_either
    taken: list[Link] = []
    smarthost = days.gateway.smarthost

    def script(said: str, link: Link) -> str | None:
        if said != "content" or len(taken) == 2:
            return None
        taken.append(link)
        return DROP

    smarthost.script = script
    await days.gateway.desk.outboxkeeping.pause("", actor="test:it")
    await days.gateway.send(SENDER, DESK, LISTED)
    await decline(days.gateway)
    await days.gateway.desk.outboxkeeping.resume(actor="test:it")
    await settled(days.gateway, Purpose.DECLINE, OutboxState.UNCERTAIN)
    report = await days.attempted(Purpose.REPORT, 1)
    assert report.state is OutboxState.WAITING
    days.clock.advance(DAY)
    await settled(days.gateway, Purpose.REPORT, OutboxState.SENT)
    await asyncio.sleep(1)
    assert [one.recipients for one in smarthost.messages] == [["collation@ildc.example"]]
    assert (await days.item(Purpose.DECLINE)).state is OutboxState.UNCERTAIN


@pytest.mark.parametrize(
    ("answers", "then"),
    [
        (["450 4.2.0 Later"], OutboxState.CANCELLED),
        ([DROP], OutboxState.WAITING),
        ([DROP, "450 4.2.0 Later"], OutboxState.WAITING),
    ],
    ids=["not taken", "nobody knows", "nobody knows of the first attempt"],
)
async def test_a_retraction_is_called_off_when_every_answer_said_that_it_was_not_taken(
    days: Days, answers: list[str], then: OutboxState
) -> None:
    await days.gateway.send(SENDER, DESK, LISTED)
    await settled(days.gateway, Purpose.REPORT, OutboxState.SENT)
    remaining = iter(answers)
    days.gateway.smarthost.script = lambda said, _link: next(remaining) if said == "content" else None
    reference = (await days.gateway.cases())[0].case.reference
    await days.gateway.desk.casework.dismiss(reference, "a resident", actor="test:clerk")
    for times in range(1, len(answers) + 1):
        assert (await days.attempted(Purpose.RETRACTION, times)).state is OutboxState.WAITING
        days.clock.advance(60 if times < len(answers) else 0)
    await days.gateway.desk.casework.reopen(reference, "", actor="test:clerk")
    assert (await days.item(Purpose.RETRACTION)).state is then


@pytest.mark.parametrize(
    ("answer", "taken_back"), [("450 4.2.0 Later", False), (DROP, True)], ids=["not taken", "nobody knows"]
)
async def test_a_report_is_taken_back_unless_the_answer_said_that_it_was_not_taken(
    days: Days, answer: str, taken_back: bool
) -> None:
    days.gateway.smarthost.script = lambda said, _link: answer if said == "content" else None
    await days.gateway.send(SENDER, DESK, LISTED)
    assert (await days.attempted(Purpose.REPORT, 1)).state is OutboxState.WAITING
    reference = (await days.gateway.cases())[0].case.reference
    await days.gateway.desk.casework.dismiss(reference, "a resident", actor="test:clerk")
    assert (await days.item(Purpose.REPORT)).state is OutboxState.CANCELLED
    assert (Purpose.RETRACTION in {item.purpose for item in await days.gateway.items()}) is taken_back
