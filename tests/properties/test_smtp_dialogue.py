"""The SMTP dialogue: commands and content in any order, odd or not, cut anywhere, on real sockets.

Each line gets one answer, of those that RFC 5321 §4.1.4 allows there; our own trouble never shows; the next hop has
exactly the messages that were answered 250, octet for octet behind one Received; and the session goes on or was closed.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.scenarios.conftest import next_hop
from tests.support.monitoring import scrape
from tests.support.passage import passage
from tests.support.protocol import ANY_REFUSAL, Command, Expectations, Verb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.dialogue import Dialogue
    from tests.support.gateway import Running
    from tests.support.mta import Link, Message
    from tests.support.passage import Passage

__all__ = ["next_hop", "passage"]

MOST_RECIPIENTS = 4
MOST_LINES = 18
"""Were each of them an error, the session would still go on."""
VERDICTS = {"refused@town.example": "554", "later@town.example": "451"}
SMALL_STEPS = 1000
"""Octets that are sent a few at a time; the rest comes at once."""
RECEIVED = re.compile(rb"Received: from [^\r\n]+(?:\r\n\t[^\r\n]+)*; *\r\n\t[^\r\n]+\+0000\r\n")


def _mail(address: str | None, codes: str = "250", *, after_helo: str = "", utf8: bool = False) -> Command:
    return Command(Verb.MAIL, codes, address, after_helo, extended=utf8)


def _rcpt(address: str | None, codes: str = "250") -> Command:
    return Command(Verb.RCPT, codes, address)


GREETINGS = {
    b"EHLO client.example": Command(Verb.HELLO, extended=True),
    b"ehlo [192.0.2.1]": Command(Verb.HELLO, extended=True),
    b"EHLO front_office.example": Command(Verb.HELLO, extended=True),
    b"HELO client.example": Command(Verb.HELLO),
    b"EHLO": Command(Verb.HELLO, "501"),
    b"EHLO \xff": Command(Verb.HELLO, ANY_REFUSAL),
}
MAILS = {
    b"MAIL FROM:<a@town.example>": _mail("a@town.example"),
    b"mail from: <B@Town.example> ": _mail("B@Town.example"),
    b"MAIL FROM:<>": _mail(""),
    b'MAIL FROM:<"a b"@town.example>': _mail('"a b"@town.example'),
    b"MAIL FROM:<@relay.example:c@town.example>": _mail("c@town.example"),
    b"MAIL FROM:<a@town.example> SIZE=500 BODY=8BITMIME": _mail("a@town.example", after_helo="555"),
    "MAIL FROM:<é@town.example> SMTPUTF8".encode(): _mail("é@town.example", after_helo="555", utf8=True),
    **{f"MAIL FROM:<{address}>".encode(): _mail(address) for address in VERDICTS},
    "MAIL FROM:<é@town.example>".encode(): _mail(None, "553"),
    b"MAIL FROM:<a@town.example> SIZE=99999999999999999999": _mail(None, "552", after_helo="555"),
    b"MAIL FROM:<a@town.example> SIZE=1 SIZE=1": _mail(None, "501"),
    b"MAIL FROM:<a@town.example> AUTH=<>": _mail(None, "555"),
    b"MAIL FROM:<a@town.example> RET=HDRS": _mail(None, "555"),
    b"MAIL FROM:a@town.example": _mail(None, "501"),
    b"MAIL FROM:<a@town.example": _mail(None, "501"),
    b"MAIL FROM:<a..b@town.example>": _mail(None, "501"),
    b"MAIL": _mail(None, "501"),
}
RCPTS = {
    b"RCPT TO:<desk@police.example>": _rcpt("desk@police.example"),
    b"rcpt to: <Desk@POLICE.example>": _rcpt("Desk@POLICE.example"),
    b"RCPT TO:<front@other.police.example>": _rcpt("front@other.police.example"),
    b"RCPT TO:<one@police.example>": _rcpt("one@police.example"),
    b"RCPT TO:<two@police.example>": _rcpt("two@police.example"),
    b"RCPT TO:<three@police.example>": _rcpt("three@police.example"),
    b"RCPT TO:<postmaster>": _rcpt("postmaster"),
    "RCPT TO:<é@police.example>".encode(): _rcpt("é@police.example"),
    b"RCPT TO:<unknown@police.example>": _rcpt(None, "550"),
    b"RCPT TO:<busy@police.example>": _rcpt(None, "450"),
    b"RCPT TO:<a@elsewhere.example>": _rcpt(None, "550"),
    b"RCPT TO:<a%elsewhere.example@police.example>": _rcpt(None, "550"),
    b'RCPT TO:<"a@elsewhere.example"@police.example>': _rcpt(None, "550"),
    b"RCPT TO:<@police.example:a@elsewhere.example>": _rcpt(None, "550"),
    b"RCPT TO:<desk@police.example> NOTIFY=NEVER": _rcpt(None, "555"),
    b"RCPT TO:desk@police.example": _rcpt(None, "501"),
    b"RCPT TO:<>": _rcpt(None, "501"),
    b"RCPT": _rcpt(None, "501"),
}
OTHERS = {
    b"DATA": Command(Verb.DATA, "354"),
    b"data ": Command(Verb.DATA, "354"),
    b"DATA now": Command(Verb.OTHER, "501"),
    b"RSET": Command(Verb.RSET),
    b"RSET now": Command(Verb.OTHER, "501"),
    b"NOOP": Command(Verb.OTHER),
    b"NOOP \xff\xfe": Command(Verb.OTHER),
    b"NOOP " + b"x" * 2043: Command(Verb.OTHER),
    b"NOOP " + b"x" * 2044: Command(Verb.OTHER, "500"),
    b"VRFY desk": Command(Verb.OTHER, "252"),
    b"EXPN staff": Command(Verb.OTHER, "502"),
    b"HELP": Command(Verb.OTHER, "214"),
    b"AUTH PLAIN AGEAYg==": Command(Verb.OTHER, "502"),
    b"STARTTLS": Command(Verb.OTHER, "502"),
    b"QUIT now": Command(Verb.OTHER, "501"),
}
ENDS = {
    b"QUIT": Command(Verb.LAST, "221"),
    b"BDAT 10 LAST": Command(Verb.LAST, "502"),
    b"GET / HTTP/1.1": Command(Verb.LAST, "502"),
}
TRUSTED = {
    b"XCLIENT ADDR=192.0.2.7 NAME=client.example": Command(Verb.XCLIENT, "220"),
    b"XCLIENT ADDR=192.0.2.7+0D+0ARSET": Command(Verb.XCLIENT, "501"),
    b"XFORWARD ADDR=192.0.2.8 HELO=x": Command(Verb.XFORWARD),
    b"XCLIENT ADDR=192.0.2.7": Command(Verb.XCLIENT, "220"),
    b"XFORWARD NAME=x": Command(Verb.XFORWARD),
    b"XFORWARD ADDR=": Command(Verb.XFORWARD, "501"),
}
STRANGER = {line: Command(command.verb, "500") for line, command in TRUSTED.items()}
"""Nobody is trusted, so there is no such command."""
NO_COMMANDS = [
    *(b"", b" ", b" NOOP", b"NO\rOP", b"NOOP\r", b"NO\nOP", b"NOOP \0", b"\nNOOP", b"x" * 5000, b"\xff\xfe", b"PROXY TCP4 ::", b"A" * 2048),
]  # fmt: skip
CONTENT = [
    *(b"From: resident@town.example", b"Subject: Good day", b" folded", b"Received: from x", b"text", b"", b"..", b"...", b".x", b".QUIT"),
    *(b"a\rb", b"c\r", b"d\n.\ne", b"\n.", b"\n", b"f\0g", b".\0", b"\0.", b".\r", b"\r.", b"\xff\xe9", b"h" * 1200, b"." * 70, b"MAIL FROM:<a@town.example>"),
]  # fmt: skip
COMMANDS = GREETINGS | MAILS | RCPTS | OTHERS | ENDS


class Front:
    """A gateway, and what it does about bare newlines."""

    def __init__(self, running: Running, newlines: str) -> None:
        self.running, self.newlines = running, newlines


@dataclass(frozen=True)
class Play:
    """Lines to send, cut every so many octets (0: nowhere) and around their ends: (which line, how far from its end).

    `patient`: each after the answer to the one before, else all at once.
    """

    lines: tuple[bytes, ...]
    step: int = 0
    cuts: tuple[tuple[int, int], ...] = ()
    patient: bool = False


def _octets(text: bytes) -> st.SearchStrategy[bytes]:
    """Lines of any octets that begin like this."""
    return st.binary(max_size=40).filter(lambda octets: b"\r\n" not in octets).map(lambda octets: text + octets)


HELLO, USUAL_MAIL = b"EHLO client.example", b"MAIL FROM:<a@town.example>"
MESSAGE = st.lists(st.sampled_from(CONTENT), max_size=8).map(lambda lines: [b"DATA", *lines, b"."])
USUAL = st.tuples(st.sampled_from([*MAILS]), st.lists(st.sampled_from([*RCPTS]), max_size=5), MESSAGE).map(
    lambda parts: [parts[0], *parts[1], *parts[2]]
)
COMMAND = st.sampled_from([*GREETINGS, *MAILS, *RCPTS, *OTHERS, *TRUSTED])
ODD = st.one_of(st.sampled_from([*NO_COMMANDS, *CONTENT]), _octets(b"\x80"), _octets(b"QUITE"))
PIECES = st.one_of(COMMAND.map(lambda line: [line]), ODD.map(lambda line: [line]), USUAL, MESSAGE)
LINES = st.tuples(
    st.sampled_from([[b"EHLO client.example"], [b"HELO client.example"], []]),
    st.lists(PIECES, max_size=8).map(lambda pieces: [line for piece in pieces for line in piece]),
    st.sampled_from([[], [], *([end] for end in ENDS)]),
).map(lambda parts: (*parts[0], *parts[1][:MOST_LINES], *parts[2]))
PLAYS = st.builds(
    Play,
    LINES,
    st.sampled_from([0, 0, 0, 1, 2, 3, 5]),
    st.lists(st.tuples(st.integers(0, MOST_LINES), st.integers(-3, 3)), max_size=12).map(tuple),
    st.booleans(),
)


def _verdict_of_the_next_hop(stage: str, link: Link) -> str | None:
    if stage == "content":
        mail = next(line for line in reversed(link.commands) if line.startswith("MAIL"))
        found = [code for address, code in VERDICTS.items() if f"<{address}>" in mail]
        return f"{found[0]} {found[0][0]}.0.0 said the next hop" if found else None
    if stage.startswith("RCPT TO:<unknown@"):
        return "550 5.1.1 nobody"
    return "450 4.2.1 busy" if stage.startswith("RCPT TO:<busy@") else None


@pytest.fixture(params=["normalize", "reject"])
async def front(request: pytest.FixtureRequest, passage: Passage) -> AsyncIterator[Front]:
    """A gateway that puts bare newlines right, and one that refuses them and believes XCLIENT; no fault in either."""
    passage.next_hop.script = _verdict_of_the_next_hop
    trust = 'xclient_from = ["127.0.0.1/32"]' if request.param == "reject" else ""
    smtp = f'max_recipients = {MOST_RECIPIENTS}\nbare_newlines = "{request.param}"\n{trust}'
    running = await passage.open(smtp=smtp)
    yield Front(running, request.param)
    assert (await scrape(running.metrics)).total("liaison_faults_total") == 0


@example(Play((HELLO, b"MAIL FROM:<>", b"RCPT TO:<postmaster>", b"DATA", b".")))
@example(Play((HELLO, b"x" * 5000, b"NOOP"), cuts=((1, 1),)))
@example(Play((HELLO, USUAL_MAIL, b"RCPT TO:<unknown@police.example>", b"RSET", USUAL_MAIL, b"DATA")))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(PLAYS)
async def test_every_line_is_answered_as_its_place_allows_and_what_was_taken_is_delivered(
    front: Front, play: Play
) -> None:
    running, newlines = front.running, front.newlines
    expected = Expectations(
        COMMANDS | (TRUSTED if newlines == "reject" else STRANGER),
        VERDICTS,
        most_recipients=MOST_RECIPIENTS,
        rejects_bare_newlines=newlines == "reject",
    )
    running.next_hop.messages.clear()
    client = await running.client(hello=None)
    try:
        await client.hear("220")
        await (_in_turn if play.patient else _at_once)(client, play, expected)
        await _goes_on_or_is_closed(client, expected)
    finally:
        await client.close()
        running.dialogues.clear()
    _compare(running.next_hop.messages, expected)


async def _in_turn(client: Dialogue, play: Play, expected: Expectations) -> None:
    for number, line in enumerate(play.lines):
        await _send(client, Play((line,), play.step, tuple((0, far) for at, far in play.cuts if at == number)))
        if not await _heard(client, line, expected):
            return


async def _at_once(client: Dialogue, play: Play, expected: Expectations) -> None:
    """Pipelined, whatever RFC 2920 §3.1 says of the commands that must come last."""
    await _send(client, play)
    for line in play.lines:
        if not await _heard(client, line, expected):
            return


async def _send(client: Dialogue, play: Play) -> None:
    octets = b"".join(line + b"\r\n" for line in play.lines)
    ends = [0, *accumulate(len(line) + 2 for line in play.lines)]
    cuts = {ends[number + 1] - 2 + far for number, far in play.cuts if number < len(play.lines)}
    if play.step:
        cuts.update(range(0, min(len(octets), SMALL_STEPS), play.step))
    places = sorted({0, len(octets), *(cut for cut in cuts if 0 < cut < len(octets))})
    for start, end in pairwise(places):
        client.send(octets[start:end])
        await asyncio.sleep(0)
        await asyncio.sleep(0)


async def _heard(client: Dialogue, line: bytes, expected: Expectations) -> bool:
    """Whether the session goes on after the answer to this line, which is one of those that are allowed."""
    allowed = expected.answers(line)
    reply = await client.hear(within=10.0) if allowed else ""
    assert re.fullmatch(allowed, reply[:3]), f"{line[:60]!r} was answered {reply!r}, not {allowed}"
    assert "Traceback" not in reply
    expected.moved(line, reply[:3])
    return not expected.closed


async def _goes_on_or_is_closed(client: Dialogue, expected: Expectations) -> None:
    if expected.closed:
        assert await client.closed() == b""
        return
    last = (HELLO, USUAL_MAIL, b"RCPT TO:<desk@police.example>", b"DATA", b"last", b".", b"QUIT")
    await _at_once(client, Play((*([b"."] if expected.content is not None else []), *last)), expected)
    assert expected.closed


def _compare(messages: list[Message], expected: Expectations) -> None:
    assert len(messages) == len(expected.delivered)
    for message, wanted in zip(messages, expected.delivered, strict=True):
        assert message.content.endswith(wanted.content)
        assert RECEIVED.fullmatch(message.content.removesuffix(wanted.content))
        assert wanted.reverse_path in {None, message.reverse_path}
        assert wanted.recipients is None or message.recipients == wanted.recipients
