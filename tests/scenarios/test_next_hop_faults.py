"""The next hop is down, refuses, drops or hangs at any stage: the client is told, and no half message ever arrives."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.support.mta import DROP, HANG
from tests.support.rawhop import raw_hop

if TYPE_CHECKING:
    from tests.support.gateway import Running
    from tests.support.mta import Link, Script
    from tests.support.passage import Passage

MESSAGE = b"From: a@town.example\r\n\r\n" + b"Good day.\r\n" * 100
LARGE = b"From: a@town.example\r\n\r\n" + b"Good day.\r\n" * 300_000
LISTED = b"From: liaison@mission.example\r\n\r\nGood day.\r\n"
REFUSALS = ["450 4.2.1 Busy", "550 5.1.1 No such user", "421 4.3.2 Closing", "554 Go away", "451 later", "571 5.7.1 No"]


def at(stage: str, answer: str) -> Script:
    """Answer so at this stage, on every connection."""
    return lambda said, _link: answer if said.startswith(stage) else None


async def attempt(front: Running, content: bytes = MESSAGE) -> str:
    """The first reply that is not positive, or the answer to the final dot."""
    client = await front.client()
    await client.say("MAIL FROM:<a@town.example>", "250")
    reply = await client.say("RCPT TO:<desk@police.example>")
    return await client.content(content) if reply.startswith("250") else reply


async def recovered(front: Running) -> list[str]:
    """The next hop is itself again: one more message, and everything that it ever took."""
    front.next_hop.script = lambda _stage, _link: None
    await front.send("after@town.example", ["desk@police.example"], MESSAGE)
    return [message.reverse_path for message in front.next_hop.messages]


async def test_a_next_hop_that_is_down_is_a_451_at_rcpt_and_no_case(front: Running) -> None:
    await front.next_hop.stop()
    client = await front.client()
    await client.say("MAIL FROM:<liaison@mission.example>", "250")
    await client.say("RCPT TO:<desk@police.example>", "451 4.4.1")
    await client.say("DATA", "554 5.5.1")
    assert await front.cases() == []


async def test_a_next_hop_that_is_down_is_one_line_of_the_log_for_each_recipient(
    front: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    await front.next_hop.stop()
    assert (await attempt(front)).startswith("451 4.4.1")  # what was pooled is gone by now
    client = await front.client()
    await client.say("MAIL FROM:<a@town.example>", "250")
    capsys.readouterr()
    await client.say("RCPT TO:<desk@police.example>", "451 4.4.1")
    assert capsys.readouterr().out.count("next_hop_failed") == 1


@pytest.mark.parametrize(
    "answer", ["421 4.3.2 Busy", "554 5.7.1 No", "450 later", "354 what", "HTTP/1.1 400 Bad Request"]
)
@pytest.mark.parametrize("stage", ["connect", "EHLO"])
async def test_a_next_hop_that_refuses_the_greeting_is_a_451(front: Running, stage: str, answer: str) -> None:
    await asyncio.sleep(0.05)
    front.next_hop.drop_links()
    front.next_hop.script = lambda said, _link: answer if said.startswith((stage, "HELO")) else None
    assert (await attempt(front)).startswith("451 4.4.1")
    assert await recovered(front) == ["after@town.example"]


@pytest.mark.parametrize("answer", REFUSALS)
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "content"])
@pytest.mark.parametrize("pipelining", [True, False])
async def test_a_refusal_of_the_next_hop_is_ours(passage: Passage, stage: str, answer: str, pipelining: bool) -> None:
    front = await passage.open()
    if not pipelining:
        front.next_hop.keywords = ("8BITMIME", "SMTPUTF8")
    front.next_hop.script = at(stage, answer)
    reply = await attempt(front)
    code, enhanced = reply.split()[:2]
    words = answer.split()
    assert code == {"421": "451"}.get(words[0], words[0])
    assert enhanced == (words[1] if "." in words[1] else f"{code[0]}.0.0")
    assert reply.endswith(words[-1])
    assert await recovered(front) == ["after@town.example"]


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "content"])
@pytest.mark.parametrize(
    "answer", ["530 5.7.0 Must issue a STARTTLS command first", "503 5.5.1 Error: send HELO first", "535 Who are you"]
)
async def test_what_the_next_hop_has_against_us_is_not_the_senders(
    front: Running, stage: str, answer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """RFC 3207 §4, RFC 4954 §6: whoever demands TLS or a password of the gateway says nothing about the message."""
    front.next_hop.script = at(stage, answer)
    capsys.readouterr()
    assert (await attempt(front)).startswith("451 4.3.0")
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "next_hop_failed" in line]
    assert f"127.0.0.1:{front.next_hop.port} answered: {answer}" in line
    assert await recovered(front) == ["after@town.example"]


async def test_a_next_hop_that_takes_data_for_a_message_has_taken_none(
    front: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    front.next_hop.script = at("DATA", "250 2.0.0 taken")
    capsys.readouterr()
    assert (await attempt(front)).startswith("451 4.3.0")
    assert "answered: 250 2.0.0 taken" in capsys.readouterr().out


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "content"])
@pytest.mark.parametrize("answer", ["300 what", "99 what", "hello", "250-endless\r\n" * 10_000, "\x00\xff"])
async def test_an_answer_that_is_none_is_a_451(passage: Passage, stage: str, answer: str) -> None:
    front = await passage.open(route="timeout = 1")
    front.next_hop.script = at(stage, answer)
    assert (await attempt(front)).startswith("451 4.")
    assert "after@town.example" in await recovered(front)


async def test_the_text_of_a_refusal_is_made_harmless(front: Running) -> None:
    text = "550-5.1.1 \x1b[31mred\x07\u202e\x00 caf\u00e9 " + "x" * 600 + "\r\n550 5.1.1 second line"
    front.next_hop.script = at("RCPT", text)
    client = await front.client()
    await client.say("MAIL FROM:<a@town.example>", "250")
    reply = await client.say("RCPT TO:<desk@police.example>")
    first, second = reply.split("\n")
    assert first.startswith("550-5.1.1 ?[31mred??? caf? xxx")
    assert len(first) <= 510
    assert second == "550 5.1.1 second line"


async def test_the_text_of_a_success_is_ours(front: Running) -> None:
    front.next_hop.script = lambda stage, _link: "251 2.1.5 queued as SECRET" if stage[:4] in {"RCPT", "cont"} else None
    client = await front.client()
    await client.say("MAIL FROM:<a@town.example>", "250")
    assert await client.say("RCPT TO:<desk@police.example>") == "250 2.1.5 Recipient accepted"
    assert await client.content(MESSAGE) == "250 2.0.0 Message accepted"


@pytest.mark.parametrize("size", [MESSAGE, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("stage", ["connect", "EHLO", "MAIL", "RCPT", "DATA", "octets"])
async def test_a_next_hop_that_drops_the_connection_is_a_451_and_gets_nothing(
    front: Running, stage: str, size: bytes
) -> None:
    await asyncio.sleep(0.05)
    front.next_hop.drop_links()
    front.next_hop.script = at(stage, DROP)
    assert (await attempt(front, size)).startswith("451 4.4.")
    assert front.next_hop.messages == []
    assert await recovered(front) == ["after@town.example"]


@pytest.mark.parametrize("stage", ["connect", "EHLO", "MAIL", "RCPT", "DATA"])
async def test_a_next_hop_that_hangs_is_a_451_and_gets_nothing(passage: Passage, stage: str) -> None:
    front = await passage.open(route="timeout = 1")
    await asyncio.sleep(0.05)
    front.next_hop.drop_links()
    front.next_hop.script = at(stage, HANG)
    async with asyncio.timeout(4):
        assert (await attempt(front)).startswith("451 4.4.")
    assert await recovered(front) == ["after@town.example"]


@pytest.mark.parametrize("answer", [DROP, HANG])
async def test_an_answer_lost_after_the_final_dot_is_a_451_and_never_sent_again(passage: Passage, answer: str) -> None:
    front = await passage.open(route="timeout = 1")

    def script(stage: str, link: Link) -> str | None:
        if stage != "content":
            return None
        front.next_hop.messages.append(answer)  # type: ignore[arg-type]
        return answer

    front.next_hop.script = script
    assert (await attempt(front)).startswith("451 4.4.2")
    await asyncio.sleep(0.2)
    assert front.next_hop.messages.count(answer) == 1, "sent more than once"  # type: ignore[arg-type]
    busy = [link for link in front.next_hop.links if "DATA" in link.commands]
    assert len(busy) == 1


async def test_a_next_hop_that_stops_reading_is_cut(passage: Passage) -> None:
    async with raw_hop(stop_reading=True) as hop:
        front = await passage.open(route="timeout = 1", hops=f'"127.0.0.1:{hop.port}"')
        async with asyncio.timeout(8):
            assert (await attempt(front, LARGE * 8)).startswith("451 4.4.2")
        assert not hop.heard.endswith(b"\r\n.\r\n")


@pytest.mark.parametrize(("answer", "expected"), [("552 5.3.4 Too big", "552 5.3.4"), ("452 4.3.1 Full", "452 4.3.1")])
async def test_a_refusal_before_the_final_dot_is_the_answer_and_ends_the_upload(
    passage: Passage, answer: str, expected: str
) -> None:
    async with raw_hop(early=answer) as hop:
        front = await passage.open(hops=f'"127.0.0.1:{hop.port}"')
        assert (await attempt(front, LARGE * 8)).startswith(expected)
        assert b"\r\n.\r\n" not in hop.heard
        assert hop.connections <= 2  # one of them only to learn what is offered


async def test_a_success_before_the_final_dot_is_none(passage: Passage) -> None:
    async with raw_hop(early="250 2.0.0 Taken") as hop:
        front = await passage.open(hops=f'"127.0.0.1:{hop.port}"')
        assert (await attempt(front, LARGE * 8)).startswith("451 4.")
        assert b"\r\n.\r\n" not in hop.heard


@pytest.mark.parametrize("what", ["banner", "replies"])
async def test_a_next_hop_that_says_an_octet_at_a_time_is_cut(passage: Passage, what: str) -> None:
    async with raw_hop(slow=what) as hop:
        front = await passage.open(route="timeout = 1", hops=f'"127.0.0.1:{hop.port}"')
        async with asyncio.timeout(5):
            assert (await attempt(front)).startswith("451 4.4.")


async def test_a_success_in_answer_to_data_is_no_acceptance(front: Running) -> None:
    front.next_hop.script = at("DATA", "250 2.0.0 whatever")
    assert (await attempt(front)).startswith("451 4.3.0")
    assert await recovered(front) == ["after@town.example"]


async def test_a_refused_recipient_does_not_hurt_the_others(front: Running) -> None:
    front.next_hop.script = at("RCPT TO:<nobody", "550 5.1.1 No such user")
    client = await front.client()
    await client.say("MAIL FROM:<a@town.example>", "250")
    await client.say("RCPT TO:<nobody@police.example>", "550 5.1.1")
    await client.say("RCPT TO:<desk@police.example>", "250")
    await client.say("RCPT TO:<nobody2@police.example>", "550 5.1.1")
    await client.content(MESSAGE, "250")
    assert [message.recipients for message in front.next_hop.messages] == [["desk@police.example"]]


async def test_a_refusal_of_flagged_mail_in_a_second_round_is_temporary(front: Running) -> None:
    """Emergency recipients first makes two rounds; who was told 250 at RCPT can't be told 550 afterwards."""
    asked: list[str] = []

    def script(stage: str, _link: Link) -> str | None:
        asked.append(stage)
        return "550 5.1.1 changed my mind" if asked.count("RCPT TO:<dispatch@police.example>") > 1 else None

    front.next_hop.script = script
    client = await front.client()
    await client.say("MAIL FROM:<liaison@mission.example>", "250")
    await client.say("RCPT TO:<desk@police.example>", "250")
    await client.say("RCPT TO:<dispatch@police.example>", "250")
    await client.content(LISTED, "451 4.3.0")
    assert front.next_hop.messages == []
