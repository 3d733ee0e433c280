"""Several nodes on one PostgreSQL: what one of them decides, counts or is told holds for all."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from filters.disposition import Mode
from filters.lists import EntryKind, ListEntry
from gateway.model.case import ActionState
from gateway.model.lateness import Patience
from gateway.model.outbox import OutboxState, Purpose
from gateway.operations.digests import Digests
from gateway.operations.rulebooks import is_first_start
from gateway.supervisor import Role
from tests.support.dialogue import Dialogue
from tests.support.mta import HANG
from tests.support.nameserver import PUBLIC_IPV4, name_server
from tests.support.nodes import Nodes, SkewedClock, settled
from tests.support.served import start_serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.mta import ScriptedMTA
    from tests.support.nameserver import FailingNameServer

DESK, CLERK = "desk@police.example", "clerk@police.example"
COLLATION = "collation@ildc.example"
PROVEN = {
    ("mission.example", "MX"): ["10 mail.mission.example."],
    ("mail.mission.example", "A"): [PUBLIC_IPV4],
    ("mission.example", "TXT"): ['"v=spf1 ip4:127.0.0.1 -all"'],
}


@pytest.fixture
async def nodes(
    tmp_path: Path, empty_postgres_url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> AsyncIterator[Nodes]:
    """Nodes on one database that nobody has used before."""
    async with AsyncExitStack() as stack:
        yield Nodes(stack, tmp_path, empty_postgres_url, next_hop, smarthost)
        smarthost.script = lambda _stage, _link: None
        smarthost.drop_links()  # whoever was left hanging there need not be waited for


@pytest.fixture
async def names() -> AsyncIterator[FailingNameServer]:
    async with name_server(PROVEN) as names:
        yield names


def listed(text: str = "We ask.", sender: str = "office@mission.example") -> tuple[str, bytes]:
    """A listed mission's message: reverse-path and content."""
    return sender, f"From: Office <{sender}>\r\nTo: {DESK}\r\nSubject: a meeting\r\n\r\n{text}\r\n".encode()


async def written(nodes: Nodes, recipient: str, number: int = 1) -> None:
    """Wait until so much of ours has arrived for somebody; never more, as far as can be seen in a moment."""
    async with asyncio.timeout(20):
        while sum(recipient in message.recipients for message in nodes.smarthost.messages) < number:
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.7)  # longer than a look at the outbox
    assert sum(recipient in message.recipients for message in nodes.smarthost.messages) == number


async def test_a_change_of_the_lists_or_of_the_mode_on_one_node_is_in_force_on_all(nodes: Nodes) -> None:
    first, second, third = [await nodes.open() for _ in range(3)]
    await first.desk.listkeeping.add(ListEntry(kind=EntryKind.SUBTREE, value="new.example"), actor="test:admin")
    await second.desk.modes.set(Mode.ASSIST, actor="test:admin")
    async with asyncio.timeout(10):
        while any(
            (node.desk.rulebooks.current.version, node.desk.rulebooks.current.mode) != (2, Mode.ASSIST)
            for node in (first, second, third)
        ):
            await asyncio.sleep(0.05)
    await third.send("", [DESK], listed(sender="anybody@new.example")[1])
    (file,) = await first.cases()
    assert (file.case.entry, file.case.rulebook_version, file.case.mode) == ("new.example", 2, Mode.ASSIST)


async def test_nodes_that_start_for_the_first_time_at_one_instant_have_one_schema_list_and_secret(nodes: Nodes) -> None:
    together = await asyncio.gather(*(start_serving(nodes.configure()) for _ in range(3)))
    try:
        node = await nodes.open()
        assert await is_first_start(node.desk.store) is False
        assert node.desk.rulebooks.current.version == 1
        await asyncio.gather(
            *(send_to(one.port, *listed(f"{one.port}", f"o{one.port}@mission.example")) for one in together)
        )
        secrets = {node.desk.foundation.gate.secret, (await nodes.open()).desk.foundation.gate.secret}
        assert len(secrets) == 1
        assert len({file.case.reference for file in await node.cases()}) == 3
    finally:
        for one in together:
            await one.kill()


async def send_to(port: int, sender: str, content: bytes) -> None:
    client = await Dialogue.open(port)
    await client.mail(sender, [DESK], content, expect="250 2.0.0")
    await client.close()


async def test_a_sender_is_declined_once_though_two_nodes_hear_it_at_one_instant(
    nodes: Nodes, names: FailingNameServer
) -> None:
    pair = [await nodes.open(name_server=names.port) for _ in range(2)]
    for tries in range(3):
        sender = f"office{tries}@mission.example"
        await asyncio.gather(*(node.send(sender, [DESK], listed(f"{node.port}", sender)[1]) for node in pair))
        await written(nodes, sender)
        declines = sorted(file.case.decline for file in await pair[0].cases() if file.case.reverse_path == sender)
        assert declines == [ActionState.REVIEW, ActionState.SENT]


async def test_a_limit_by_the_day_is_one_for_all_nodes(nodes: Nodes, names: FailingNameServer) -> None:
    nodes.more = "[decline]\ndaily_limit = 2\ndomain_daily_limit = 9\n"
    limits = "daily_limit = 9\ndomain_daily_limit = 3"
    three = [await nodes.open(collation=limits, name_server=names.port) for _ in range(3)]
    senders = [f"office{number}@mission.example" for number in range(9)]
    await asyncio.gather(
        *(three[number % 3].send(sender, [DESK], listed(sender, sender)[1]) for number, sender in enumerate(senders))
    )
    await written(nodes, COLLATION, 3)
    items = await settled(three[0], Purpose.DECLINE, OutboxState.SENT, 2)
    assert len(items) == 2
    cases = [file.case for file in await three[0].cases()]
    assert sum(case.report is ActionState.REVIEW for case in cases) == 6
    assert sum(case.decline is ActionState.REVIEW for case in cases) == 7


async def test_a_pause_on_one_node_holds_on_all(nodes: Nodes) -> None:
    first, second = [await nodes.open() for _ in range(2)]
    await first.desk.outboxkeeping.pause("test", actor="test:clerk")
    await second.send(listed()[0], [DESK], listed()[1])
    await asyncio.sleep(1.5)
    assert nodes.smarthost.messages == []
    await second.desk.outboxkeeping.resume(actor="test:clerk")
    await written(nodes, COLLATION)


async def test_the_days_digest_is_written_once_over_all_nodes(nodes: Nodes) -> None:
    three = [await nodes.open() for _ in range(3)]
    await three[0].send(listed()[0], [DESK], listed()[1])
    another_day = SkewedClock(10 * 86400)  # the nodes themselves write none in a test
    digests = [
        Digests(
            store=node.desk.store, clock=another_day, recipient="records@police.example", hour=0, patience=Patience()
        )
        for node in three
    ]
    written_by = await asyncio.gather(*(one.write_if_due() for one in digests))
    assert sum(item is not None for item in written_by) == 1


async def test_the_same_message_on_two_nodes_at_one_instant_is_one_case_with_one_report_and_one_decline(
    nodes: Nodes, names: FailingNameServer
) -> None:
    pair = [await nodes.open(name_server=names.port) for _ in range(2)]
    sender, content = listed()
    await asyncio.gather(*(node.send(sender, [DESK], content) for node in pair))
    await written(nodes, COLLATION)
    await written(nodes, sender)
    (file,) = await pair[1].cases()
    assert len(file.deliveries) == 1
    assert sum(DESK in message.recipients for message in nodes.next_hop.messages) == 1  # the notice


async def test_recipients_of_one_message_split_over_two_nodes_are_one_case(nodes: Nodes) -> None:
    pair = [await nodes.open() for _ in range(2)]
    sender, content = listed()
    await asyncio.gather(pair[0].send(sender, [DESK], content), pair[1].send(sender, [CLERK], content))
    await written(nodes, COLLATION)
    await nodes.next_hop.arrived(2)
    (file,) = await pair[0].cases()
    assert sorted(delivery.recipient for delivery in file.deliveries) == [CLERK, DESK]
    assert sorted(message.recipients for message in nodes.next_hop.messages) == [[CLERK], [DESK]]  # two notices


async def test_one_node_takes_mail_and_another_sends_what_follows(nodes: Nodes) -> None:
    front = await nodes.open(role=Role.SMTP)
    await front.send(listed()[0], [DESK], listed()[1])
    await asyncio.sleep(1)
    assert nodes.smarthost.messages == []
    await nodes.open(role=Role.DISPATCH)
    await written(nodes, COLLATION)


async def test_what_a_dead_node_had_in_hand_is_another_nodes_after_its_lease(nodes: Nodes) -> None:
    contents = hanging(nodes)
    doomed = await start_serving(nodes.configure())
    await send_to(doomed.port, *listed())
    await reached(contents, 1)
    await doomed.kill()
    nodes.smarthost.script = lambda _stage, _link: None
    early = await nodes.open(clock=SkewedClock(30))
    await asyncio.sleep(1.5)
    (report,) = [item for item in await early.items() if item.purpose is Purpose.REPORT]
    assert (report.state, nodes.smarthost.messages) == (OutboxState.SENDING, [])
    await nodes.open(clock=SkewedClock(61))
    await written(nodes, COLLATION)
    await settled(early, Purpose.REPORT, OutboxState.SENT)


async def test_a_clock_that_is_ahead_makes_a_decline_uncertain_at_worst_and_never_sends_it_twice(
    nodes: Nodes, names: FailingNameServer, capsys: pytest.CaptureFixture[str]
) -> None:
    contents = hanging(nodes)
    right = await nodes.open(name_server=names.port)
    await right.send(listed()[0], [DESK], listed()[1])
    await reached(contents, 2)  # decline and report
    near = await nodes.open(name_server=names.port, clock=SkewedClock(30))
    await asyncio.sleep(1.5)
    states = {item.purpose: item.state for item in await near.items()}
    assert (states[Purpose.DECLINE], states[Purpose.REPORT]) == (OutboxState.SENDING, OutboxState.SENDING)
    await nodes.open(name_server=names.port, clock=SkewedClock(300))
    await settled(near, Purpose.DECLINE, OutboxState.UNCERTAIN)
    assert "clock_differs" in capsys.readouterr().out
    commands = [command for link in nodes.smarthost.links for command in link.commands]
    assert commands.count(f"RCPT TO:<{listed()[0]}>") == 1


def hanging(nodes: Nodes) -> list[str]:
    """The smarthost hears every content and answers none; what is returned grows with each."""
    contents: list[str] = []

    def script(stage: str, _link: object) -> str | None:
        if stage == "content":
            contents.append(stage)
            return HANG
        return None

    nodes.smarthost.script = script
    return contents


async def reached(contents: list[str], number: int) -> None:
    async with asyncio.timeout(20):
        while len(contents) < number:
            await asyncio.sleep(0.05)
