"""SMTP smuggling: whatever looks like the end of a message and is none, cut anywhere, stays inside that message.

Known since December 2023 (CERT VU#302671): a relay takes for content what the next server takes for the end of it.
"""

from __future__ import annotations

import asyncio
import re
from hashlib import sha256
from typing import TYPE_CHECKING

from gateway.clock import SystemClock
from gateway.model.case import DeliveryState
from tests.scenarios.test_outbox import SENDER
from tests.support.gateway import running_gateway, write_configuration

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.dialogue import Dialogue
    from tests.support.gateway import Running
    from tests.support.mta import ScriptedMTA
    from tests.support.passage import Passage

WITH_BARE = [
    b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\r.\n", b"\n.\r", b"\n\n.\r\n", b"\r\r.\r\n",
    b"\r\r\n.\n", b"\n\r.\r\n", b"\r\n.\r\r\n", b"\r\n.\n\r\n", b"\r\n..\n", b"\r\n..\r", b"\n..\r\n", b"\r\n\r.\r\n",
]  # fmt: skip
"""Ends with a bare CR or a bare LF in them, some behind a dot that is stuffed."""
WITH_NUL = [b"\r\n\0.\r\n", b"\r\n..\0\r\n", b"\r\n\0.\0\r\n", b"\r\n\0\0.\0\r\n", b"\n\0.\n", b"\n\0.\r\n"]
"""Lines that are a lone dot for whoever drops NUL."""
HIDDEN = "554 5.6.0 The message contains a line that is a lone dot but for NUL characters"
PLAIN = [
    b"\r\n..\r\n", b"\xe2\x80\xa8.\xe2\x80\xa8", b"\xc2\x85.\xc2\x85", b"\x85.\x85", b"\x0b.\x0b", b"\x0c.\x0c",
    b"\r\n.\x0b\r\n", b"\r\n.\x1a\r\n", b"\r\n. \r\n", b"\r\n.\t\r\n", b"\r\n .\r\n", b"\r\n.\0\r\n", b"\r\n\0..\0\r\n", b"\r\n\xe2\x80\x8b.\r\n",
]  # fmt: skip
"""What Unicode or somebody's library takes for line ends or for nothing; and the stuffed dot itself."""
SMUGGLED = b"MAIL FROM:<evil@town.example>\r\nRCPT TO:<chief@police.example>\r\nDATA\r\nSubject: y\r\n\r\nz"
HEAD = b"From: a@town.example\r\n\r\nhello"
FIRST, SECOND = "a@town.example", "b@town.example"
DESK = ["desk@police.example"]
SIMPLE = b"From: b@town.example\r\n\r\nGood day.\r\n"


def wire_of(variant: bytes) -> bytes:
    return HEAD + variant + SMUGGLED + b"\r\n.\r\n"


def content_of(variant: bytes, *, normalized: bool) -> bytes:
    """What a strict reader makes of the wire; normalized, as it may go on."""
    stuffed = wire_of(variant).removesuffix(b".\r\n")
    content = (b"\r\n" + stuffed).replace(b"\r\n.", b"\r\n")[2:]
    if not normalized:
        return content
    return re.sub(rb"\r\n|\r|\n", lambda found: b" " if found[0] == b"\r" else b"\r\n", content)


async def cut_at(client: Dialogue, variant: bytes, cut: int) -> str:
    """One message whose segment ends there, and then one that nothing is wrong with; the answer to the first."""
    await client.say(f"MAIL FROM:<{FIRST}>", "250")
    await client.say("RCPT TO:<desk@police.example>", "250")
    await client.say("DATA", "354")
    wire = wire_of(variant)
    client.send(wire[:cut])
    await asyncio.sleep(0.001)
    client.send(wire[cut:])
    answer = await client.hear()
    if cut % 8 == 0:
        await client.mail(SECOND, DESK, SIMPLE, expect="250 2.0.0")
    return answer


async def everywhere(front: Running, variant: bytes) -> set[str]:
    """The answers to a message cut at every octet, several sessions at a time; nothing else reached the next hop."""
    cuts = range(1, len(wire_of(variant)))

    async def session(start: int) -> set[str]:
        client = await front.client()
        answers = {await cut_at(client, variant, cut) for cut in cuts[start::8]}
        await client.say("QUIT", "221")
        return answers

    answers = set().union(*await asyncio.gather(*map(session, range(8))))
    taken = [one for one in front.next_hop.messages if one.reverse_path == FIRST]
    others = [one for one in front.next_hop.messages if one.reverse_path != FIRST]
    front.next_hop.messages = []
    assert {(one.reverse_path, one.behind_received) for one in others} == {(SECOND, SIMPLE)}
    assert len(others) == len([cut for cut in cuts if cut % 8 == 0])
    assert len(taken) == (len(cuts) if answers == {"250 2.0.0 Message accepted"} else 0)
    assert {one.behind_received for one in taken} <= {content_of(variant, normalized=True)}
    assert {tuple(one.recipients) for one in (*taken, *others)} == {tuple(DESK)}
    heard = [command for link in front.next_hop.links for command in link.commands]
    assert not [one for one in heard if "evil" in one or "chief" in one]
    return answers


async def test_normalize_sends_on_one_message_with_clean_line_ends(front: Running) -> None:
    for variant in (*WITH_BARE, *PLAIN):
        assert await everywhere(front, variant) == {"250 2.0.0 Message accepted"}, variant


async def test_a_lone_dot_but_for_nul_is_refused(front: Running) -> None:
    for variant in WITH_NUL:
        assert await everywhere(front, variant) == {HIDDEN}, variant


async def test_reject_refuses_bare_line_ends_and_the_session_goes_on(passage: Passage) -> None:
    front = await passage.open(smtp='bare_newlines = "reject"')
    for variant in WITH_BARE:
        assert await everywhere(front, variant) == {"550 5.5.2 The message contains a bare CR or a bare LF"}, variant


async def test_octet_by_octet_it_is_the_same(front: Running) -> None:
    for variant in (*WITH_BARE, *PLAIN):
        front.next_hop.messages.clear()
        client = await front.client()
        for line in (f"MAIL FROM:<{FIRST}>", "RCPT TO:<desk@police.example>", "DATA"):
            await client.say(line)
        wire = wire_of(variant)
        for octet in range(len(wire)):
            client.send(wire[octet : octet + 1])
            await asyncio.sleep(0)
        await client.hear("250 2.0.0")
        await client.mail(SECOND, DESK, SIMPLE, expect="250")
        assert [one.behind_received for one in front.next_hop.messages] == [
            content_of(variant, normalized=True),
            SIMPLE,
        ]


async def test_what_we_originate_about_a_hostile_message_smuggles_nothing(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> None:
    """Held, reported with the original attached, and released: once each, and to nobody else."""
    path = write_configuration(tmp_path, next_hop=next_hop.port, smarthost=smarthost.port, url=sqlite_url)
    path.write_text(path.read_text().replace("[collation]", "[collation]\ndaily_limit = 99\ndomain_daily_limit = 99"))
    hostile = {content_of(variant, normalized=False): variant for variant in (*WITH_BARE, *PLAIN)}
    async with running_gateway(path, SystemClock(), next_hop, smarthost) as gateway:
        client = await gateway.client()
        for variant in hostile.values():
            await client.say(f"MAIL FROM:<{SENDER}>", "250")
            await client.say("RCPT TO:<desk@police.example>", "250")
            await client.say("DATA", "354")
            client.send(wire_of(variant))
            await client.hear("250 2.0.0")
        files = await gateway.cases()
        for file in files:
            await gateway.desk.casework.release(file.case.reference, [], actor="test:clerk")
        await smarthost.arrived(len(hostile), within=30)
        await _all_released(gateway)
        released = [one.content for one in next_hop.messages if b"\r\nX-Liaison-Flag" in one.content]
        assert len(files) == len(smarthost.messages) == len(released) == len(hostile)
        behind = sorted(one[one.index(b"From: ") :] for one in released)
        assert behind == sorted(content_of(variant, normalized=True) for variant in hostile.values())
        for content in hostile:
            (case,) = [file.case for file in files if file.case.sha256 == sha256(content).hexdigest()]
            (report,) = [one.content for one in smarthost.messages if case.reference.encode() in one.content]
            assert case.sha256.encode() in report.replace(b"=\r\n", b"")
    everything = [one.content for mta in (next_hop, smarthost) for one in mta.messages]
    assert not any(re.search(rb"(?<!\r)\n|\r(?!\n)", one) for one in everything)
    heard = [command for mta in (next_hop, smarthost) for link in mta.links for command in link.commands]
    assert not [one for one in heard if "evil" in one or "chief" in one]


async def _all_released(gateway: Running) -> None:
    async with asyncio.timeout(30):
        while {one.state for file in await gateway.cases() for one in file.deliveries} != {DeliveryState.RELEASED}:
            await asyncio.sleep(0.1)
