"""A mail transaction of ours, against a server that misbehaves at every stage: what came of it is never misread."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gateway.relay.mailing import Outcome, OutcomeKind
from gateway.relay.outbound import Lines, Server, Submission
from gateway.settings import Endpoint
from tests.gateway.relay.test_outbound import POST
from tests.support.mta import DROP, HANG, ScriptedMTA
from tests.support.rawhop import raw_hop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateway.model.outbox import Post
    from tests.support.mta import Script

BEFORE = ["connect", "EHLO", "MAIL", "RCPT", "DATA"]
"""The stages at which nothing of the message has left."""
SENT, LATER, REFUSED, UNCERTAIN = (
    OutcomeKind.SENT, OutcomeKind.TRY_LATER, OutcomeKind.REFUSED, OutcomeKind.UNCERTAIN,
)  # fmt: skip


@pytest.fixture
async def mta() -> AsyncIterator[ScriptedMTA]:
    started = await ScriptedMTA().start()
    yield started
    await started.stop()


def at(stage: str, answer: str) -> Script:
    return lambda said, _link: answer if said.startswith(stage) else None


async def attempt(port: int, post: Post = POST, *, step: float = 5.0) -> Outcome:
    """One attempt on a new connection; a step may take so many seconds."""

    async def yes() -> bool:
        return True

    server = Server(Endpoint("127.0.0.1", port), "127.0.0.1")
    lines = Lines()
    try:
        async with asyncio.timeout(20):
            return await lines.send(
                post, Submission(servers=(server,), tls="none", hostname="mx.police.example", timeout=step), yes
            )
    finally:
        await lines.close()


async def next_time(mta: ScriptedMTA) -> OutcomeKind:
    """The server is itself again."""
    mta.script = lambda _stage, _link: None
    return (await attempt(mta.port)).kind


@pytest.mark.parametrize("answer", ["421 4.3.2 Busy", "450 4.2.0 Greylisted", "451 later"])
@pytest.mark.parametrize("stage", [*BEFORE, "content"])
async def test_a_temporary_refusal_at_any_stage_is_tried_later(mta: ScriptedMTA, stage: str, answer: str) -> None:
    mta.script = at(stage, answer)
    outcome = await attempt(mta.port)
    assert outcome.kind is LATER
    assert answer.rsplit(maxsplit=1)[-1] in outcome.reply
    assert mta.messages == []
    assert await next_time(mta) is SENT


@pytest.mark.parametrize("answer", ["550 5.7.1 No", "554 Go away", "501 what"])
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "content"])
async def test_a_permanent_refusal_of_a_mail_is_one(mta: ScriptedMTA, stage: str, answer: str) -> None:
    mta.script = at(stage, answer)
    assert (await attempt(mta.port)).kind is REFUSED
    assert mta.messages == []


@pytest.mark.parametrize("stage", ["connect", "EHLO"])
async def test_a_refusal_of_our_connection_is_not_one_of_the_mail(mta: ScriptedMTA, stage: str) -> None:
    mta.script = lambda said, _link: "554 5.7.1 No" if said.startswith((stage, "HELO")) else None
    assert (await attempt(mta.port)).kind is LATER
    assert mta.messages == []


async def test_a_server_that_knows_helo_only_is_served(mta: ScriptedMTA) -> None:
    mta.script = at("EHLO", "502 5.5.1 What")
    assert (await attempt(mta.port)).kind is SENT
    assert mta.messages[0].mail_line == "MAIL FROM:<liaison@police.example>"


@pytest.mark.parametrize("stage", BEFORE)
@pytest.mark.parametrize("answer", [DROP, HANG, "hello", "99 what", "350 go on", "250-endless\r\n" * 10_000, "\0\xff"])
async def test_what_goes_wrong_before_the_message_left_is_tried_later(
    mta: ScriptedMTA, stage: str, answer: str
) -> None:
    mta.script = at(stage, answer)
    outcome = await attempt(mta.port, step=0.3)
    assert outcome.kind is LATER
    assert outcome.reply
    assert mta.messages == []
    assert await next_time(mta) is SENT


@pytest.mark.parametrize("answer", [DROP, HANG, "hello", "99 what", "350 go on", "250-endless\r\n" * 10_000, "\0\xff"])
async def test_what_goes_wrong_after_the_final_dot_leaves_it_open(mta: ScriptedMTA, answer: str) -> None:
    mta.script = at("content", answer)
    assert (await attempt(mta.port, step=0.3)).kind is UNCERTAIN
    assert await next_time(mta) is SENT


@pytest.mark.parametrize("what", ["banner", "replies"])
async def test_a_server_that_says_an_octet_at_a_time_is_tried_later(what: str) -> None:
    async with raw_hop(slow=what) as hop:
        assert (await attempt(hop.port, step=0.5)).kind is LATER


@pytest.mark.parametrize("answer", ["250 2.0.0 Taken", "221 2.0.0 Bye"])
async def test_a_success_in_answer_to_data_takes_nothing(mta: ScriptedMTA, answer: str) -> None:
    mta.script = at("DATA", answer)
    assert (await attempt(mta.port)).kind is LATER
    assert mta.messages == []


@pytest.mark.parametrize("stage", ["MAIL", "RCPT"])
@pytest.mark.parametrize("second", ["250 2.0.0 ok", "354 go on", "550 5.1.1 nobody", "250-unfinished"])
async def test_a_second_answer_answers_nothing_that_is_said_later(mta: ScriptedMTA, stage: str, second: str) -> None:
    mta.script = at(stage, "250 2.0.0 ok\r\n" + second)
    assert (await attempt(mta.port)).kind is LATER
    assert mta.messages == []


async def test_a_success_that_comes_with_354_takes_nothing(mta: ScriptedMTA) -> None:
    mta.script = lambda said, _link: {"DATA": "354 go\r\n250 2.0.0 taken", "content": "452 4.3.1 Full"}.get(said)
    assert (await attempt(mta.port)).kind is LATER
    await asyncio.sleep(0.05)
    assert mta.messages == []


async def test_the_size_is_declared_and_what_is_too_large_is_not_even_tried(mta: ScriptedMTA) -> None:
    size = len(POST.content)
    mta.keywords = ("SIZE",)
    assert (await attempt(mta.port)).kind is SENT
    mta.keywords = (f"SIZE {size}",)
    assert (await attempt(mta.port)).kind is SENT
    mta.keywords = (f"SIZE {size - 1}",)
    outcome = await attempt(mta.port)
    assert (outcome.kind, outcome.reply[:9]) == (REFUSED, "552 5.3.4")
    assert [message.mail_line for message in mta.messages] == [f"MAIL FROM:<liaison@police.example> SIZE={size}"] * 2
    assert not any(command.startswith("MAIL") for command in mta.links[-1].commands)


@pytest.mark.parametrize("keywords", [("8BITMIME",), ("PIPELINING",)])
async def test_octets_beyond_ascii_are_declared_where_that_is_known_and_never_converted(
    mta: ScriptedMTA, keywords: tuple[str, ...]
) -> None:
    mta.keywords = keywords
    content = "Subject: r\r\n\r\ncaf\u00e9\r\n".encode()
    assert (await attempt(mta.port, replace(POST, content=content))).kind is SENT
    assert mta.messages[0].content == content
    assert ("BODY=8BITMIME" in mta.messages[0].mail_line) is (keywords == ("8BITMIME",))


async def test_an_address_beyond_ascii_is_refused_where_smtputf8_is_not_known(mta: ScriptedMTA) -> None:
    post = replace(POST, recipient="\u00e9quipe@police.example", smtputf8=True)
    assert (await attempt(mta.port, post)).kind is SENT
    assert mta.messages[0].mail_line.endswith(" SMTPUTF8")
    mta.keywords = ("PIPELINING",)
    outcome = await attempt(mta.port, post)
    assert outcome.kind is REFUSED
    assert "SMTPUTF8" in outcome.reply


@pytest.mark.parametrize(
    "address", ['"a> SIZE=1"@x.example', '"a(b)"@x.example', '"a\\"b"@x.example', "a=b+c@x.example", "x@[IPv6:2001::1]"]
)
async def test_an_address_is_said_as_it_is(mta: ScriptedMTA, address: str) -> None:
    assert (await attempt(mta.port, replace(POST, reverse_path=address, recipient=address))).kind is SENT
    commands = mta.links[-1].commands
    assert commands[1].startswith(f"MAIL FROM:<{address}> SIZE=")
    assert commands[2] == f"RCPT TO:<{address}>"


@pytest.mark.parametrize("control", ["\r\nRCPT TO:<x@x.example>", "\n", "\0", "\r", "\x1b"])
async def test_an_address_that_would_break_the_line_is_never_said(mta: ScriptedMTA, control: str) -> None:
    for post in (
        replace(POST, reverse_path=f"a{control}@x.example"),
        replace(POST, recipient=f"a{control}@x.example"),
        replace(POST, recipient=f"a{control}@x.example", smtputf8=True),
    ):
        assert (await attempt(mta.port, post)).kind is REFUSED
    assert mta.messages == []
    assert all(re.fullmatch("(EHLO|MAIL|QUIT|RSET).*", command) for link in mta.links for command in link.commands)


@pytest.mark.parametrize(
    "end",
    [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\r\n.\r\n", b"\n\n.\r\n", b"\r\r\n.\n"],
)
async def test_what_we_send_ends_where_it_ends(mta: ScriptedMTA, end: bytes) -> None:
    smuggled = b"MAIL FROM:<x@evil.example>\r\nRCPT TO:<chief@federal.example>\r\nDATA\r\nSubject: y\r\n\r\nz\r\n"
    for content in (b"Subject: x\r\n\r\nhello" + end + smuggled, end[1:] + smuggled, b"Subject: x\r\n\r\n" + end):
        mta.messages.clear()
        assert (await attempt(mta.port, replace(POST, content=content))).kind is SENT
        (message,) = mta.messages
        assert not re.search(rb"(?<!\r)\n|\r(?!\n)", message.content)
        assert mta.links[-1].commands[3:] == ["DATA", "QUIT"]


LARGE = replace(POST, content=b"Subject: report\r\n\r\n" + b"x" * 70_000_000)


@pytest.mark.parametrize(
    ("early", "kind"), [("552 5.3.4 Too much", REFUSED), ("452 4.3.1 Full", LATER), ("250 2.0.0 Taken", LATER)]
)
async def test_an_answer_before_the_final_dot_ends_the_attempt_and_is_none_to_the_message(
    early: str, kind: OutcomeKind
) -> None:
    async with raw_hop(early=early) as hop:
        assert (await attempt(hop.port, LARGE)).kind is kind
        assert not hop.heard.endswith(b"\r\n.\r\n")
