"""What a client puts into paths, parameters, names and attributes never becomes a line of somebody else's."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import orjson
import pytest

from gateway.cli.shapes import case_shape

if TYPE_CHECKING:
    from tests.support.gateway import Running
    from tests.support.passage import Passage

DESK = ["desk@police.example"]
MESSAGE = b"From: a@town.example\r\n\r\nGood day.\r\n"
LISTED = b"From: liaison@flagged.example\r\nSubject: =?utf-8?q?a=0D=0AX-Injected:_yes=1B[31m?=\r\n\r\nGood day.\r\n"
PATH = r'<(?:[^<>\s"]|"(?:[^"\\\r\n]|\\.)*")*>'
SAID = re.compile(
    rf"EHLO mx\.police\.example|MAIL FROM:{PATH}(?: SIZE=\d+)?(?: BODY=(?:7BIT|8BITMIME))?(?: SMTPUTF8)?|RCPT TO:{PATH}"
    r"|DATA|RSET|QUIT|X(?:CLIENT|FORWARD)(?: [A-Z]+=[!-*,-<>-~+]+)+|EHLO [A-Za-z0-9._:\[\]-]+"
)
"""Everything that a next hop of ours may ever hear, with one path and nothing of a client's outside of it."""

HOSTILE_MAIL = [
    b"MAIL FROM:<a@town.example>\rRCPT TO:<x@evil.example>", b"MAIL FROM:<a@town.example>\nRCPT TO:<x@evil.example>",
    b"MAIL FROM:<a\r@town.example>", b"MAIL FROM:<a\n@town.example>", b"MAIL FROM:<a\0@town.example>",
    b'MAIL FROM:<"a\r\n"@town.example>', b'MAIL FROM:<"a\tb"@town.example>', b'MAIL FROM:<"a\x1b"@town.example>',
    b"MAIL FROM:<a@town.example> SIZE=1 SIZE=2", b"MAIL FROM:<a@town.example> SIZE=1+0D+0A",
    b"MAIL FROM:<a@town.example> SIZE=-1", b"MAIL FROM:<a@town.example> SIZE=0x10", b"MAIL FROM:<a@town.example> SIZE=",
    b"MAIL FROM:<a@town.example> SIZE=" + b"9" * 21, b"MAIL FROM:<a@town.example> SIZE=\xd9\xa1",
    b"MAIL FROM:<a@town.example> BODY=BINARYMIME", b"MAIL FROM:<a@town.example> BODY=8BITMIME;x",
    b"MAIL FROM:<a@town.example> SMTPUTF8=1", b"MAIL FROM:<a@town.example> RET=HDRS ENVID=x+0D+0ARSET",
    b"MAIL FROM:<a@town.example> AUTH=<> ", b"MAIL FROM:<a@town.example> X-" + b"Y" * 1500,
    b"MAIL FROM:<a@town.example>> SIZE=1", b"MAIL FROM:<<a@town.example>>", b"MAIL FROM:<a@town.example> <b@town.example>",
    b"MAIL FROM:<a b@town.example>", b"MAIL FROM:a@town.example", b"MAIL FROM:<a@town.example", b"MAIL FROM: ",
    b"MAIL FROM:<a@town.example>\x00 SIZE=1", b"MAIL FROM:<" + b"a" * 65 + b"@town.example>",
    b"MAIL FROM:<a@" + b"t" * 64 + b".example>", b"MAIL FROM:<a@town.example\xc2\x85RSET>", b"MAIL FROM:<a@town.example\xff>",
    b"MAIL FROM:<@evil.example,@x:a@town.example\r>", b"MAIL FROM:<a@[127.0.0.1]\r\n>", b"MAIL FROM:<a@town.example> =",
]  # fmt: skip
HOSTILE_RCPT = [
    b"RCPT TO:<desk@police.example>\rRCPT TO:<x@evil.example>", b"RCPT TO:<desk@police.example>\nDATA",
    b"RCPT TO:<desk@police.example> NOTIFY=NEVER", b"RCPT TO:<desk@police.example> ORCPT=rfc822;x+0D+0ADATA",
    b"RCPT TO:<desk@police.example> X", b"RCPT TO:<desk@police.example> <x@evil.example>", b"RCPT TO:<<desk@police.example>>",
    b"RCPT TO:<desk@police.example>,<x@evil.example>", b"RCPT TO:<desk@evil.example@police.example>",
    b"RCPT TO:<desk%evil.example@police.example>", b"RCPT TO:<evil.example!desk@police.example>",
    b'RCPT TO:<"desk@evil.example"@police.example>', b'RCPT TO:<"x\r\nRSET"@police.example>', b'RCPT TO:<"x\0"@police.example>',
    b"RCPT TO:<desk@police.example\0.evil.example>", b"RCPT TO:<desk@police.example\xe2\x80\xa8RSET>", b"RCPT TO:<>",
    b"RCPT TO:<desk @police.example>", b"RCPT TO:<desk@police.example.>x", b"RCPT TO:<" + b"x" * 3000 + b"@police.example>",
]  # fmt: skip
VALID_BUT_ODD = [
    rb'"a> SIZE=1"@town.example', rb'"a\"b"@town.example', rb'"a\\"@town.example', rb'"RCPT TO:<x@evil.example>"@town.example',
    rb"a=0D=0A+0D+0A@town.example", rb'" "@town.example', rb'""@town.example', rb"a{}|~`^?#$%&'*!/@town.example",
]  # fmt: skip


def commands(front: Running) -> list[str]:
    """All that the next hop heard."""
    return [command for link in front.next_hop.links for command in link.commands]


def only_ours(front: Running) -> bool:
    return all(SAID.fullmatch(command) for command in commands(front))


async def in_step(front: Running, lines: list[bytes], *first: bytes) -> None:
    """Each line has answers that are all refusals, and the session goes on where it was; a new one for each line."""
    for line in lines:
        client = await front.client()
        for before in first:
            await client.say(before, "250")
        client.send(line + b"\r\nRSET\r\nNOOP\r\nQUIT\r\n")
        answers = (await client.closed()).decode().splitlines()
        assert answers[-3:] == ["250 2.0.0 OK", "250 2.0.0 OK", "221 2.0.0 Goodbye"], line
        assert answers[:-3], line
        assert all(re.match(r"5\d\d 5\.\d\.\d [ -~]*\Z", answer) for answer in answers[:-3]), (line, answers)


async def test_what_breaks_a_line_or_a_parameter_is_refused_and_never_passed_on(front: Running) -> None:
    await in_step(front, HOSTILE_MAIL)
    await in_step(front, HOSTILE_RCPT, b"MAIL FROM:<a@town.example>")
    await asyncio.sleep(0.05)
    assert only_ours(front)
    assert not [command for command in commands(front) if "evil" in command]
    assert front.next_hop.messages == []


async def test_odd_paths_that_are_valid_pass_as_they_are_inside_their_brackets(front: Running) -> None:
    for path in VALID_BUT_ODD:
        client = await front.client()
        await client.say(b"MAIL FROM:<%b>" % path, "250")
        await client.say(b"RCPT TO:<%b>" % path.replace(b"town.example", b"police.example"))
        await client.say("RCPT TO:<desk@police.example>", "250")
        await client.content(MESSAGE, "250")
    assert only_ours(front)
    assert [one.reverse_path.encode() for one in front.next_hop.messages] == VALID_BUT_ODD
    for message in front.next_hop.messages:
        assert message.behind_received == MESSAGE


NAMES = [
    b"x\rRSET",
    b"x\nRSET",
    b"x\0y",
    b"x\x0by",
    b"x\x1b[31my",
    b"x) by evil (",
    b"x;y",
    b"[127.0.0.1]\x7f",
    b"<a@b>",
    b"x" * 400,
]


async def test_a_name_in_a_greeting_breaks_no_line_no_field_and_no_record(
    front: Running, capfd: pytest.CaptureFixture[str]
) -> None:
    taken = 0
    for number, name in enumerate(NAMES):
        client = await front.client(hello=None)
        await client.hear("220")
        reply = await client.say(b"EHLO " + name)
        if not reply.startswith("250"):
            await client.say("EHLO plain.example", "250")
        taken += reply.startswith("250")
        await client.mail("liaison@flagged.example", DESK, LISTED + b"%d\r\n" % number, expect="250")
    assert taken >= 5
    await harmless(front, "".join(capfd.readouterr()))


ATTRIBUTES = [
    b"NAME=x+0D+0AX-Injected:+20yes", b"HELO=x+0ARSET", b"HELO=x+00y", b"HELO=x+1B[31m", b"HELO=x\x00y", b"HELO=x\ny",
    b"ADDR=198.51.100.7+0D+0A", b"ADDR=198.51.100.7;x", b"PORT=25+20x", b"PROTO=ESMTP+0D", b"NAME=x y", b"HELO=",
    b"HELO=+", b"HELO=+0", b"HELO=+ZZ", b"HELO=" + b"x" * 300, b"LOGIN=x+0D+0A", b"EVIL=x", b"HELO=x HELO=y",
    b"NAME=+E2+80+A8", b"NAME=+C2+85", b"NAME=+FF",
]  # fmt: skip


@pytest.mark.parametrize("verb", [b"XCLIENT", b"XFORWARD"])
async def test_a_value_that_would_break_a_line_is_refused(passage: Passage, verb: bytes) -> None:
    front = await passage.open(smtp='xclient_from = ["127.0.0.0/8"]')
    await in_step(front, [verb + b" " + attribute for attribute in ATTRIBUTES])


VALUES = ["x+2By", "x+3Dy", "x)by(y", "a+20b", "+22x+22", "x<a@b>;y", "%s{0}", "caf+C3+A9", "x" * 255]
"""Printable, and so taken: xtext again towards the next hop, nothing but names' characters in Received."""


@pytest.mark.parametrize(("verb", "told"), [("XCLIENT", "xclient"), ("XFORWARD", "xforward"), ("XCLIENT", "xforward")])
async def test_a_value_that_is_odd_stays_one_value(
    passage: Passage, capfd: pytest.CaptureFixture[str], verb: str, told: str
) -> None:
    passage.next_hop.keywords = ("PIPELINING", f"{told.upper()} NAME ADDR PORT PROTO HELO SOURCE")
    passage.next_hop.script = lambda said, _link: "220 sink.example" if said.startswith("XCLIENT") else None
    front = await passage.open(smtp='xclient_from = ["127.0.0.0/8"]', route=f'timeout = 5\nclient = "{told}"')
    for number, value in enumerate(VALUES):
        client = await front.client()
        await client.say(f"{verb} NAME={value} HELO={value} ADDR=198.51.100.7", "2")
        await client.say("EHLO client.example", "250") if verb == "XCLIENT" else None
        await client.mail("liaison@flagged.example", DESK, LISTED + b"%d\r\n" % number, expect="250")
    assert [command for command in commands(front) if command.startswith(told.upper())]
    await harmless(front, "".join(capfd.readouterr()))


async def harmless(front: Running, logged: str) -> None:
    """Commands, Received, log and record hold each thing in its place."""
    assert only_ours(front)
    for message in front.next_hop.messages:
        head = message.content[: message.content.index(b"\r\nX-Liaison-Flag")]
        assert re.fullmatch(
            rb"Received: from [A-Za-z0-9.:_\-\[\]?]+ \(\[[0-9A-Fa-f.:v]+\]\)\r\n"
            rb"\tby mx\.police\.example with ESMTP id \S+\r\n\tfor <desk@police\.example>;\r\n\t[A-Za-z0-9,: +]+",
            head,
        ), head
    lines = logged.splitlines()
    assert len([line for line in lines if "transaction" in line]) >= len(front.next_hop.messages)
    assert all(line.isprintable() for line in lines)
    for file in await front.cases():
        shown = orjson.dumps(case_shape(file)).decode()
        assert shown.isprintable()
        assert not re.search(r"\\(?:u00|[nr])", shown), shown
