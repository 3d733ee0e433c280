"""However a client cuts its octets into segments, the same commands are heard in the same order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.support.mta import HANG

if TYPE_CHECKING:
    from tests.support.gateway import Running
    from tests.support.passage import Passage

MESSAGE = b"From: a@town.example\r\n\r\n.dots\r\n..\r\nGood day.\r\n"
STUFFED = b"From: a@town.example\r\n\r\n..dots\r\n...\r\nGood day.\r\n"
SESSION = (
    b"EHLO client.example\r\nMAIL FROM:<a@town.example>\r\nRCPT TO:<desk@police.example>\r\n"
    b"RCPT TO:<x@elsewhere.example>\r\nNOOP\r\nDATA\r\n" + STUFFED + b".\r\n"
    b"VRFY x\r\nMAIL FROM:<b@town.example>\r\nRCPT TO:<front@police.example>\r\nDATA\r\n.\r\nQUIT\r\n"
)
CODES = ["220", "250", "250", "250", "550", "250", "354", "250", "252", "250", "250", "354", "250", "221"]


def codes(octets: bytes) -> list[str]:
    return [line[:3] for line in octets.decode().splitlines() if line[3:4] != "-"]


async def test_a_whole_session_in_one_segment_is_answered_in_order(front: Running) -> None:
    client = await front.client(hello=None)
    client.send(SESSION)
    assert codes(await client.closed()) == CODES
    first, second = front.next_hop.messages
    assert (first.reverse_path, first.recipients, first.behind_received) == (
        "a@town.example",
        ["desk@police.example"],
        MESSAGE,
    )
    assert (second.reverse_path, second.recipients, second.behind_received) == (
        "b@town.example",
        ["front@police.example"],
        b"",
    )


@pytest.mark.parametrize("quits", [True, False])
@pytest.mark.parametrize("delay", [0.0, 0.1])
async def test_who_says_no_more_is_answered_what_was_said(front: Running, delay: float, quits: bool) -> None:
    """RFC 5321 §4.1.1.10: else a message is delivered whose sender does not hear of it."""
    front.next_hop.delay = delay
    client = await front.client(hello=None)
    client.send(SESSION if quits else SESSION.removesuffix(b"QUIT\r\n"))
    client.end()
    assert codes(await client.closed()) == (CODES if quits else CODES[:-1])
    assert len(front.next_hop.messages) == 2


async def test_who_says_no_more_in_mid_message_has_sent_none(front: Running) -> None:
    client = await front.client(hello=None)
    client.send(SESSION[: SESSION.index(b"Good day")])
    client.end()
    assert codes(await client.closed()) in (CODES[:7], CODES[:1])
    assert front.next_hop.messages == []


async def test_a_session_split_at_any_octet_is_the_same(front: Running) -> None:
    async def split(at: int) -> list[str]:
        client = await front.client(hello=None)
        client.send(SESSION[:at])
        await asyncio.sleep(0.02)
        client.send(SESSION[at:])
        return codes(await client.closed())

    for start in range(1, len(SESSION), 50):
        ats = range(start, min(start + 50, len(SESSION)))
        assert all(heard == CODES for heard in await asyncio.gather(*map(split, ats)))
    assert len(front.next_hop.messages) == 2 * (len(SESSION) - 1)
    assert {message.behind_received for message in front.next_hop.messages} == {MESSAGE, b""}


async def test_a_session_octet_by_octet_is_the_same(front: Running) -> None:
    client = await front.client(hello=None)
    for octet in SESSION:
        client.send(bytes([octet]))
        await asyncio.sleep(0)
    assert codes(await client.closed()) == CODES
    assert [message.behind_received for message in front.next_hop.messages] == [MESSAGE, b""]


async def test_commands_behind_a_recipient_that_waits_stay_in_order(passage: Passage) -> None:
    front = await passage.open(route="timeout = 1")
    front.next_hop.script = lambda stage, _link: HANG if stage.startswith("RCPT") else None
    client = await front.client()
    client.send(b"NOOP\r\nMAIL FROM:<a@town.example>\r\nRCPT TO:<desk@police.example>\r\nVRFY x\r\nRSET\r\nEXPN x\r\n")
    assert [(await client.hear())[:3] for _ in range(6)] == ["250", "250", "451", "252", "250", "502"]


async def test_many_messages_in_one_stream_arrive_once_each_in_order(front: Running) -> None:
    count = 150
    client = await front.client()
    one = b"MAIL FROM:<a%d@town.example>\r\nRCPT TO:<desk@police.example>\r\nDATA\r\nN: %d\r\n\r\n.\r\n"
    client.send(b"".join(one % (number, number) for number in range(count)))
    for _ in range(count):
        assert [(await client.hear())[:3] for _ in range(4)] == ["250", "250", "354", "250"]
    assert [message.reverse_path for message in front.next_hop.messages] == [
        f"a{number}@town.example" for number in range(count)
    ]


async def test_refused_mail_makes_the_pipelined_rest_fail_without_reading_content_as_commands(front: Running) -> None:
    client = await front.client()
    client.send(b"MAIL FROM:<bad\r\nRCPT TO:<desk@police.example>\r\nDATA\r\nQUIT\r\n")
    assert codes(await client.closed()) == ["501", "503", "503", "221"]
    assert front.next_hop.messages == []


@pytest.mark.parametrize(
    "end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\r\n\0.\r\n", b"\r\n..\0\r\n"]
)
async def test_no_line_end_but_crlf_ends_the_data_and_none_leaves(front: Running, end: bytes) -> None:
    smuggled = b"MAIL FROM:<x@town.example>\r\nRCPT TO:<desk@police.example>\r\nDATA\r\nsmuggled\r\n"
    client = await front.client()
    for line, code in (
        ("MAIL FROM:<a@town.example>", "250"),
        ("RCPT TO:<desk@police.example>", "250"),
        ("DATA", "354"),
    ):
        await client.say(line, code)
    client.send(b"A: b\r\n\r\nx" + end + smuggled + b".\r\n")
    hidden = b"\0" in end
    await client.hear("554 5.6.0" if hidden else "250 2.0.0")
    await client.say("NOOP", "250")
    assert len(front.next_hop.messages) == (0 if hidden else 1)
    for message in front.next_hop.messages:
        assert message.reverse_path == "a@town.example"
        assert message.content.endswith(smuggled)
        assert b"\n" not in message.content.replace(b"\r\n", b"")
        assert b"\r" not in message.content.replace(b"\r\n", b"")
