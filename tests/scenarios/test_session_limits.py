"""What one session may use up: commands, errors, octets of a line, time; and when it is told so."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.support.mta import HANG

if TYPE_CHECKING:
    from tests.support.passage import Passage

MESSAGE = b"From: a@town.example\r\n\r\nGood day.\r\n"
ENVELOPE = ("MAIL FROM:<a@town.example>", "RCPT TO:<desk@police.example>")
SPENT = "421 4.7.0"


async def test_commands_of_a_session_are_limited(passage: Passage) -> None:
    front = await passage.open(smtp="max_commands = 3")
    client = await front.client()  # EHLO was the first
    for _ in range(2):
        await client.say("NOOP", "250")
    await client.say("NOOP", SPENT)
    assert await client.closed() == b""


async def test_a_mail_transaction_in_hand_ends_although_the_commands_are_used_up(passage: Passage) -> None:
    front = await passage.open(smtp="max_commands = 2")
    client = await front.client()
    client.send("".join(f"{line}\r\n" for line in (*ENVELOPE, "NOOP", "DATA")).encode())
    for expected in ("250", "250", "250", "354"):
        await client.hear(expected)
    client.send(MESSAGE + b".\r\n" + f"{ENVELOPE[0]}\r\n".encode())
    await client.hear("250 2.0.0")
    await client.hear(SPENT)
    assert await client.closed() == b""
    assert len(front.next_hop.messages) == 1


async def test_pipelined_commands_past_the_limit_get_one_answer(passage: Passage) -> None:
    front = await passage.open(smtp="max_commands = 5")
    client = await front.client(hello=None)
    client.send(b"NOOP\r\n" * 100)
    heard = await client.closed()
    assert [line[:3] for line in heard.split(b"\r\n")] == [b"220", *[b"250"] * 5, b"421", b""]


async def test_errors_of_a_session_are_limited_and_refused_recipients_are_none(passage: Passage) -> None:
    front = await passage.open(smtp="max_errors = 2")
    client = await front.client()
    await client.say(ENVELOPE[0], "250")
    for _ in range(5):
        await client.say("RCPT TO:<a@elsewhere.example>", "550")
    await client.say("FROB", "500")
    await client.say("VRFY\0", "500")
    await client.say("FROB", "500")
    await client.hear(SPENT)
    assert await client.closed() == b""


async def test_a_command_line_may_be_as_long_as_the_limit_says(passage: Passage) -> None:
    front = await passage.open(smtp="max_command_line = 600")
    client = await front.client()
    await client.say("NOOP " + "x" * 595, "250")
    await client.say("NOOP " + "x" * 596, "500 5.5.2")
    await client.say("NOOP " + "x" * 100_000, "500 5.5.2")
    await client.say("NOOP", "250")


async def test_a_session_that_says_nothing_more_ends_with_its_time(passage: Passage) -> None:
    front = await passage.open(smtp="session_timeout = 1")
    client = await front.client()
    await client.hear(SPENT, within=5)
    assert await client.closed() == b""


async def test_a_session_whose_time_is_up_ends_after_the_mail_transaction_in_hand(passage: Passage) -> None:
    front = await passage.open(smtp="session_timeout = 1")
    client = await front.client()
    for line in ENVELOPE:
        await client.say(line, "250")
    await asyncio.sleep(2.5)
    await client.say("NOOP", "250")
    await client.content(MESSAGE, "250 2.0.0")
    await client.say(ENVELOPE[0], SPENT)
    assert await client.closed() == b""


async def test_a_session_that_is_never_idle_ends_with_its_time_all_the_same(passage: Passage) -> None:
    front = await passage.open(smtp="session_timeout = 1")
    client = await front.client()
    async with asyncio.timeout(10):
        while (await client.say("NOOP")).startswith("250"):
            await asyncio.sleep(0.05)
    assert await client.closed() == b""


@pytest.mark.parametrize("stage", ["commands", "content"])
async def test_a_mail_transaction_that_trickles_is_closed_and_nothing_delivered(passage: Passage, stage: str) -> None:
    front = await passage.open(smtp="transaction_timeout = 1")
    client = await front.client()
    for line in (*ENVELOPE, *(["DATA"] if stage == "content" else [])):
        await client.say(line)
    closed = asyncio.ensure_future(client.closed())
    while not closed.done():
        client.send(b"x" if stage == "content" else b"NOOP\r\n")
        await asyncio.sleep(0.1)
    assert closed.result().endswith(b"421 4.4.2 The mail transaction has taken too long\r\n")
    assert front.next_hop.messages == []


async def test_each_mail_transaction_of_a_session_has_the_whole_time(passage: Passage) -> None:
    front = await passage.open(smtp="transaction_timeout = 2")
    client = await front.client()
    for _ in range(3):
        for line in ENVELOPE:
            await client.say(line, "250")
        await asyncio.sleep(1)
        await client.content(MESSAGE, "250 2.0.0")


async def test_nothing_is_closed_between_the_final_dot_and_its_answer(passage: Passage) -> None:
    times = "idle_timeout = 1\nsession_timeout = 1\ntransaction_timeout = 1\nmax_commands = 2"
    front = await passage.open(smtp=times, route="timeout = 4")
    front.next_hop.script = lambda stage, _link: HANG if stage == "content" else None
    client = await front.client()
    client.send("".join(f"{line}\r\n" for line in (*ENVELOPE, "DATA")).encode())
    for expected in ("250", "250", "354"):
        await client.hear(expected)
    client.send(MESSAGE + b".\r\n")
    await client.hear("451 4.4.2", within=15)
    await client.hear("421", within=5)


@pytest.mark.parametrize(
    ("limit", "content", "reply"),
    [
        ("max_header_size = 1000", b"X: " + b"x" * 1000 + b"\r\n\r\n", "larger than 1000 octets or 1000 fields"),
        ("max_header_fields = 3", b"X: y\r\n" * 4 + b"\r\n", "larger than 262144 octets or 3 fields"),
        ("max_received = 2", b"Received: y\r\n" * 3 + b"\r\n", "has passed more than 2 servers"),
    ],
)
async def test_a_header_section_past_its_limits_is_refused_with_the_limit(
    passage: Passage, limit: str, content: bytes, reply: str
) -> None:
    front = await passage.open(routes=f"[screening]\n{limit}")
    client = await front.client()
    assert reply in await client.mail("a@town.example", ["desk@police.example"], content + b"body\r\n", expect="554 5.")
    await client.mail("b@town.example", ["desk@police.example"], MESSAGE, expect="250 2.0.0")


async def test_a_text_line_past_its_limit_is_refused_with_the_limit(passage: Passage) -> None:
    front = await passage.open(smtp="max_text_line = 1000")
    client = await front.client()
    await client.mail("a@town.example", ["desk@police.example"], b"A: b\r\n\r\n" + b"x" * 999 + b"\r\n", expect="250")
    refusal = await client.mail(
        "a@town.example", ["desk@police.example"], b"A: b\r\n\r\n" + b"x" * 1001 + b"\r\n", expect="554 5.6.0"
    )
    assert "longer than 1000 octets" in refusal
