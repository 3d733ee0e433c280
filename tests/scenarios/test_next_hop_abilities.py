"""What the next hop can do is what is offered; what it turns out to lack is told, never converted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.support.mta import DROP, HANG, ScriptedMTA
from tests.support.rawhop import raw_hop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.gateway import Running
    from tests.support.passage import Passage

MESSAGE = b"From: a@town.example\r\n\r\nGood day.\r\n"
DESK = ["desk@police.example"]


@pytest.fixture
async def second_hop() -> AsyncIterator[ScriptedMTA]:
    mta = await ScriptedMTA().start()
    yield mta
    await mta.stop()


async def offered(front: Running, *, after: bool = True) -> set[str]:
    """What EHLO announces, once something is known of the next hop."""
    if after:
        await front.send("a@town.example", DESK, MESSAGE)
    client = await front.client(hello=None)
    await client.hear("220")
    return {line[4:] for line in (await client.say("EHLO client.example", "250")).split("\n")[1:]}


@pytest.mark.parametrize(
    ("keywords", "absent", "present"),
    [
        (("PIPELINING", "8BITMIME"), "SMTPUTF8", "8BITMIME"),
        (("PIPELINING", "SMTPUTF8"), "8BITMIME", "SMTPUTF8"),
        (("8bitmime", "smtputf8"), "", "8BITMIME"),
        (("8BITMIME", "SIZE 1000000"), "SIZE 52428800", "SIZE 934464"),
        (("8BITMIME", "SIZE 0"), "SIZE 0", "SIZE 52428800"),
        (("8BITMIME", "SIZE"), "SIZE", "SIZE 52428800"),
        (("CHUNKING", "BINARYMIME", "DSN", "AUTH PLAIN", "XCLIENT", "REQUIRETLS"), "CHUNKING", "PIPELINING"),
    ],
)
async def test_ehlo_follows_the_next_hop(
    passage: Passage, keywords: tuple[str, ...], absent: str, present: str
) -> None:
    front = await passage.open()
    front.next_hop.drop_links()
    front.next_hop.keywords = keywords
    await asyncio.sleep(0.05)
    said = await offered(front)
    assert present in said
    assert absent not in said
    assert {one.split()[0] for one in said} <= {"PIPELINING", "SIZE", "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8"}


async def test_everything_is_offered_while_the_next_hop_is_down(passage: Passage) -> None:
    await passage.next_hop.stop()
    front = await passage.open()
    assert await offered(front, after=False) == {
        "PIPELINING", "SIZE 52428800", "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8",
    }  # fmt: skip


async def test_a_next_hop_that_goes_down_withdraws_nothing(front: Running) -> None:
    assert "SMTPUTF8" in await offered(front)
    await front.next_hop.stop()
    client = await front.client()
    await client.say("MAIL FROM:<a@town.example> SMTPUTF8", "250")
    await client.say("RCPT TO:<desk@police.example>", "451 4.4.1")
    assert "SMTPUTF8" in await offered(front, after=False)


@pytest.mark.parametrize("parameter", ["SMTPUTF8", "BODY=8BITMIME"])
async def test_what_was_offered_by_hearsay_is_a_451_for_this_session_and_offered_no_more(
    passage: Passage, parameter: str
) -> None:
    await passage.next_hop.stop()
    front = await passage.open()
    client = await front.client()
    front.next_hop.keywords = ("PIPELINING",)
    await front.next_hop.start(front.next_hop.port)
    for _ in range(2):
        await client.say(f"MAIL FROM:<a@town.example> {parameter}", "250")
        await client.say("RCPT TO:<desk@police.example>", "451 4.3.3")
        await client.say("RSET", "250")
    assert parameter.removeprefix("BODY=") not in await offered(front, after=False)
    await client.say("EHLO again.example", "250")
    await client.say(f"MAIL FROM:<a@town.example> {parameter}", "555 5.5.4")


async def test_a_next_hop_that_knows_helo_only_is_served(front: Running) -> None:
    await asyncio.sleep(0.05)
    front.next_hop.drop_links()
    front.next_hop.script = lambda said, _link: "502 5.5.1 What" if said.startswith("EHLO") else None
    await front.send("a@town.example", [*DESK, "two@police.example"], MESSAGE)
    (message,) = front.next_hop.messages
    assert message.mail_line == "MAIL FROM:<a@town.example>"
    assert len(message.recipients) == 2


async def test_a_next_hop_without_pipelining_hears_one_command_at_a_time(passage: Passage) -> None:
    async with raw_hop(pipelining=False) as hop:
        front = await passage.open(hops=f'"127.0.0.1:{hop.port}"')
        await front.send("a@town.example", [*DESK, "two@police.example"], MESSAGE)
        assert hop.heard.endswith(b"Good day.\r\n.\r\n")
        assert set(hop.ahead) == {b""}


@pytest.mark.parametrize("fault", ["down", DROP, HANG, "554 5.3.2 No"])
async def test_the_second_next_hop_serves_when_the_first_does_not(
    passage: Passage, second_hop: ScriptedMTA, fault: str
) -> None:
    first = passage.next_hop
    first.script = lambda said, _link: fault if said == "connect" else None
    if fault == "down":
        await first.stop()
    hops = f'"127.0.0.1:{first.port}", "127.0.0.1:{second_hop.port}"'
    front = await passage.open(route="timeout = 1", hops=hops)
    await front.send("a@town.example", DESK, MESSAGE)
    assert (len(first.messages), len(second_hop.messages)) == (0, 1)


async def test_the_first_next_hop_is_tried_again_by_a_later_transaction(
    passage: Passage, second_hop: ScriptedMTA
) -> None:
    first = passage.next_hop
    await first.stop()
    front = await passage.open(hops=f'"127.0.0.1:{first.port}", "127.0.0.1:{second_hop.port}"')
    await front.send("a@town.example", DESK, MESSAGE)
    await first.start(first.port)
    second_hop.drop_links()
    await asyncio.sleep(0.05)
    await front.send("b@town.example", DESK, MESSAGE)
    assert [message.reverse_path for message in first.messages] == ["b@town.example"]


async def test_a_next_hop_that_comes_back_is_used_at_once(front: Running) -> None:
    await front.next_hop.stop()
    client = await front.client()
    await client.say("MAIL FROM:<a@town.example>", "250")
    await client.say("RCPT TO:<desk@police.example>", "451 4.4.1")
    await front.next_hop.start(front.next_hop.port)
    await client.say("RCPT TO:<desk@police.example>", "250")
    await client.content(MESSAGE, "250")
    assert len(front.next_hop.messages) == 1
