"""Octets under way are bounded by reading no further, and the time to find out about a sender by doing without."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from filters.address import parse_path
from filters.content import header_length
from filters.disposition import Tier
from filters.envelope import Envelope, Origin
from gateway.assembly import open_deciding
from gateway.clock import SystemClock
from gateway.spool import Spool
from tests.support.gateway import running_gateway, write_configuration
from tests.support.nameserver import name_server
from tests.support.siege import MIB

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.dialogue import Dialogue
    from tests.support.gateway import Running
    from tests.support.mta import ScriptedMTA
    from tests.support.passage import Passage

MESSAGE = b"From: a@town.example\r\n\r\nGood day.\r\n"
END = b".\r\n"
SMALL_FLIGHT = f"max_message_size = {3 * MIB}\nmax_in_flight = {4 * MIB}"
LINE = b"x" * 78 + b"\r\n"
REQUEST = b"From: Office <office@mission.example>\r\nTo: desk@police.example\r\nSubject: a meeting\r\n\r\nWe ask.\r\n"
ENVELOPE = Envelope(
    reverse_path=parse_path("office@mission.example"),
    recipients=(parse_path("desk@police.example"),),
    origin=Origin(client_ip="192.0.2.9", helo="mail.mission.example"),
    received_at=datetime(2026, 5, 4, 12, tzinfo=UTC),
)


async def uploading(front: Running, *, end: bytes = b"") -> Dialogue:
    """A client that sends a large message, and `end` behind it."""
    client = await front.client()
    for line in ("MAIL FROM:<large@town.example>", "RCPT TO:<desk@police.example>", "DATA"):
        await client.say(line)
    client.send(MESSAGE + LINE * (5 * MIB // 2 // len(LINE)) + end)
    await asyncio.sleep(0.5)  # until it has been read, or is not going to be
    return client


async def test_past_the_octets_in_flight_large_messages_wait_until_there_is_room_and_small_ones_pass(
    passage: Passage,
) -> None:
    front = await passage.open(smtp=f"{SMALL_FLIGHT}\nidle_timeout = 5")
    first, second = await uploading(front), await uploading(front)  # one message may pass the limit, and no other
    third = await uploading(front, end=END)
    await front.send("small@town.example", ["desk@police.example"], MESSAGE)
    assert [message.reverse_path for message in front.next_hop.messages] == ["small@town.example"]
    for client in (first, second):
        client.send(END)
        await client.hear("250 2.0.0")
    await third.hear("250 2.0.0")
    assert len(front.next_hop.messages) == 4


async def test_who_waits_for_room_is_not_idle_and_who_stalls_meanwhile_makes_room(passage: Passage) -> None:
    front = await passage.open(smtp=f"{SMALL_FLIGHT}\nidle_timeout = 2")
    stalled = [await uploading(front) for _ in range(2)]
    waiting = await uploading(front, end=END)
    for client in stalled:
        await client.hear("421 4.4.2")
    await waiting.hear("250 2.0.0")


async def test_a_message_that_waited_and_whose_client_left_holds_nobody_up(passage: Passage) -> None:
    front = await passage.open(smtp=SMALL_FLIGHT)
    clients = [await uploading(front) for _ in range(3)]
    last = await uploading(front, end=END)
    for client in clients:
        await client.close()
    await last.hear("250 2.0.0")


async def test_past_the_screening_time_a_sender_is_unproven(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> None:
    async with name_server({}) as names:
        names.silent.add("mission.example")
        path = write_configuration(
            tmp_path, next_hop=next_hop.port, smarthost=smarthost.port, url=sqlite_url, name_server=names.port
        )
        async with running_gateway(path, SystemClock(), next_hop, smarthost) as gateway:
            patient = replace(gateway.settings, dns=replace(gateway.settings.dns, timeout=30))
            deciding = open_deciding(patient, gateway.desk.rulebooks, gateway.desk.foundation.destinations)
            content = Spool.of(REQUEST)
            suspicion = deciding.suspicion(ENVELOPE, REQUEST[: header_length(REQUEST)], content, trace_id="1")
            assert suspicion is not None
            async with asyncio.timeout(15):
                decision = await replace(deciding, seconds=0.5).decide(suspicion)
    assert names.asked, "nobody was asked"
    assert decision.screening.tier is Tier.UNVERIFIED
    authentication = decision.screening.authentication
    assert authentication.overall == "error"
    assert authentication.spf.reason == "it took longer than 0.5 s to find out about the sender (screening.timeout)"


async def test_past_the_screening_time_nobody_is_declined_by_the_gateway_itself(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> None:
    """The sender is proven, and where a decline would go is not known in time: the case waits for review."""
    async with name_server({("mission.example", "TXT"): ['"v=spf1 ip4:192.0.2.9 -all"']}) as names:
        path = write_configuration(
            tmp_path, next_hop=next_hop.port, smarthost=smarthost.port, url=sqlite_url, name_server=names.port
        )
        path.write_text(path.read_text("utf-8").replace("[dns]", "[dns]\ntimeout = 30"), "utf-8")
        async with running_gateway(path, SystemClock(), next_hop, smarthost) as gateway:
            deciding = open_deciding(gateway.settings, gateway.desk.rulebooks, gateway.desk.foundation.destinations)
            names.answered = lambda: names.silent.update({"mission.example"} if len(names.asked) > 2 else ())
            suspicion = deciding.suspicion(ENVELOPE, REQUEST[: header_length(REQUEST)], Spool.of(REQUEST), trace_id="1")
            assert suspicion is not None
            async with asyncio.timeout(15):
                decision = await replace(deciding, seconds=1.0).decide(suspicion)
    assert decision.screening.tier is Tier.CONFIRMED
    assert decision.unreachable == "it took longer than 1 s to find out about the sender (screening.timeout)"
