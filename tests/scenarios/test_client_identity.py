"""Who the client is: PROXY, XCLIENT, XFORWARD and internal networks, over real sockets."""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING

import pytest

from filters.disposition import Tier

if TYPE_CHECKING:
    from tests.support.certificates import Certificate
    from tests.support.dialogue import Dialogue
    from tests.support.gateway import Running
    from tests.support.passage import Passage

MESSAGE = b"From: a@town.example\r\n\r\nGood day.\r\n"
DESK = ["desk@police.example"]
LOCALHOST = '["127.0.0.0/8", "::1/128"]'
PROXIED = f"proxy_protocol_from = {LOCALHOST}"
TOLD = f"xclient_from = {LOCALHOST}"
V1 = b"PROXY TCP4 198.51.100.7 127.0.0.1 40001 25\r\n"
LOCAL = b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"
V2 = b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc6\x33\x64\x08\x7f\0\0\1" + struct.pack("!HH", 40001, 25)


async def received(front: Running, client: Dialogue) -> bytes:
    """The Received field that a message of this session gets."""
    before = len(front.next_hop.messages)
    await client.mail("a@town.example", DESK, MESSAGE, expect="250 2.0.0")
    messages = await front.next_hop.arrived(before + 1)
    return messages[-1].content.split(b"\r\n")[0]


# --- PROXY -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("header", "address"), [(V1, b"198.51.100.7"), (V2, b"198.51.100.8"), (LOCAL, b"127.0.0.1")])
async def test_a_proxy_names_the_client(passage: Passage, header: bytes, address: bytes) -> None:
    front = await passage.open(smtp=PROXIED)
    client = await front.client(hello=None)
    client.send(header)
    await client.hear("220 mx.police.example")
    await client.say("EHLO client.example", "250")
    assert await received(front, client) == b"Received: from client.example ([" + address + b"])"


async def test_the_banner_waits_for_the_header_and_what_comes_with_it_is_not_lost(passage: Passage) -> None:
    front = await passage.open(smtp=PROXIED)
    client = await front.client(hello=None)
    for octet in V2[:-1]:
        client.send(bytes([octet]))
        await asyncio.sleep(0.002)
    with pytest.raises(TimeoutError):
        await client.hear(within=0.2)
    client.send(V2[-1:] + b"EHLO client.example\r\nMAIL FROM:<a@town.example>\r\n")
    await client.hear("220")
    await client.hear("250")
    await client.hear("250 2.1.0")


@pytest.mark.parametrize("octets", [b"EHLO client.example\r\n", b"\r\n\r\n\0\r\nQUIT\r\n", b"PROXY TCP4 \r\n", b"\0"])
async def test_a_proxy_without_a_header_is_dropped_unheard(passage: Passage, octets: bytes) -> None:
    front = await passage.open(smtp=PROXIED)
    client = await front.client(hello=None)
    client.send(octets)
    assert await client.closed(within=3) == b""


async def test_a_header_that_trickles_is_waited_for_only_so_long(passage: Passage) -> None:
    front = await passage.open(smtp=f"{PROXIED}\nproxy_timeout = 0.3")
    client = await front.client(hello=None)
    closed = asyncio.ensure_future(client.closed(within=3))
    for octet in V1[:12]:
        client.send(bytes([octet]))
        await asyncio.sleep(0.05)
    assert await closed == b""


async def test_who_is_no_proxy_may_not_speak_as_one(passage: Passage) -> None:
    front = await passage.open(smtp='proxy_protocol_from = ["192.0.2.0/24"]')
    client = await front.client()
    await client.say(V1[:-2], "500 5.5.1")
    assert await received(front, client) == b"Received: from client.example ([127.0.0.1])"


async def test_a_second_header_is_an_unknown_command(passage: Passage) -> None:
    front = await passage.open(smtp=PROXIED)
    client = await front.client(hello=None)
    client.send(V1)
    await client.hear("220")
    await client.say(V1[:-2], "500 5.5.1")


async def test_limits_are_those_of_the_client_behind_the_proxy(passage: Passage) -> None:
    front = await passage.open(smtp=f"{PROXIED}\nmax_connections_per_client = 1")
    first, second, third = [await front.client(hello=None) for _ in range(3)]
    first.send(V1)
    await first.hear("220")
    second.send(V2)
    await second.hear("220")
    third.send(V1)
    await third.hear("421 4.7.0")


async def test_connections_that_keep_their_header_back_count_among_all(passage: Passage) -> None:
    front = await passage.open(smtp=f"{PROXIED}\nmax_connections = 2")
    silent = [await front.client(hello=None) for _ in range(2)]
    await asyncio.sleep(0.1)
    refused = await front.client(hello=None)
    assert await refused.closed(within=3) == b""
    await silent[0].close()
    await asyncio.sleep(0.1)
    client = await front.client(hello=None)
    client.send(V1)
    await client.hear("220")


async def test_a_gateway_stops_although_a_header_is_awaited(passage: Passage) -> None:
    front = await passage.open(smtp=PROXIED)
    await front.client(hello=None)
    await asyncio.sleep(0.05)  # the fixture's end stops it, and would hang


# --- XCLIENT ---------------------------------------------------------------------------------------------------------


async def test_the_commands_are_offered_to_those_who_may_use_them(passage: Passage) -> None:
    front = await passage.open(smtp=TOLD)
    client = await front.client(hello=None)
    await client.hear("220")
    offered = (await client.say("EHLO relay.example", "250")).split("\n")
    assert {line[4:].split()[0] for line in offered} >= {"XCLIENT", "XFORWARD"}
    assert "NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT" in offered[-2]


@pytest.mark.parametrize(("smtp", "expected"), [("", "500 5.5.1"), ('xclient_from = ["192.0.2.0/24"]', "550 5.7.0")])
@pytest.mark.parametrize("line", ["XCLIENT ADDR=198.51.100.7", "XFORWARD ADDR=198.51.100.7", "XCLIENT nonsense"])
async def test_strangers_are_told_nothing_and_tell_nothing(
    passage: Passage, smtp: str, expected: str, line: str
) -> None:
    front = await passage.open(smtp=smtp)
    client = await front.client(hello=None)
    await client.hear("220")
    assert "XCLIENT" not in await client.say("EHLO client.example", "250")
    await client.say(line, expected)
    assert await received(front, client) == b"Received: from client.example ([127.0.0.1])"


async def test_xclient_begins_the_session_again_as_that_client(passage: Passage) -> None:
    front = await passage.open(smtp=TOLD)
    client = await front.client()
    await client.say("XCLIENT NAME=mail.town.example ADDR=198.51.100.7 HELO=helo.town.example", "220 mx.police.example")
    await client.say("MAIL FROM:<a@town.example>", "503 5.5.1 Send EHLO")
    await client.say("EHLO relay.example", "250")
    assert await received(front, client) == b"Received: from helo.town.example ([198.51.100.7])"
    await client.say("XCLIENT ADDR=IPV6:2001:db8::9 HELO=[UNAVAILABLE]", "220")
    await client.say("EHLO other.example", "250")
    assert await received(front, client) == b"Received: from other.example ([IPv6:2001:db8::9])"


async def test_xclient_may_be_used_again_whatever_it_said(passage: Passage) -> None:
    front = await passage.open(smtp=TOLD)
    client = await front.client()
    for address in ("198.51.100.7", "[UNAVAILABLE]", "198.51.100.8"):
        await client.say(f"XCLIENT ADDR={address}", "220")


async def test_xclient_and_xforward_have_no_place_in_a_mail_transaction(passage: Passage) -> None:
    front = await passage.open(smtp=TOLD)
    client = await front.client()
    await client.say("MAIL FROM:<a@town.example>", "250")
    await client.say("XCLIENT ADDR=198.51.100.7", "503 5.5.1")
    await client.say("XFORWARD ADDR=198.51.100.7", "503 5.5.1")
    await client.say("RCPT TO:<desk@police.example>", "250")
    await client.content(MESSAGE, "250")


async def test_xclient_is_tested_on_the_address_after_proxy(passage: Passage) -> None:
    front = await passage.open(smtp=f'{PROXIED}\nxclient_from = ["198.51.100.7"]')
    for header, expected in ((V1, "220"), (V2, "550 5.7.0"), (LOCAL, "550 5.7.0")):
        client = await front.client(hello=None)
        client.send(header)
        await client.hear("220")
        await client.say("XCLIENT ADDR=203.0.113.5", expected)


async def test_tls_begins_behind_a_proxy_and_what_was_told_before_it_is_forgotten(
    passage: Passage, localhost: Certificate
) -> None:
    tls = f'tls_certificate = "{localhost.certificate}"\ntls_key = "{localhost.key}"'
    front = await passage.open(smtp=f'{PROXIED}\n{tls}\nxclient_from = ["198.51.100.7"]')
    client = await front.client(hello=None)
    client.send(V1)
    await client.hear("220")
    await client.say("EHLO relay.example", "250")
    await client.say("XCLIENT ADDR=203.0.113.5 HELO=told.example", "220")
    await client.say("EHLO relay.example", "250")
    await client.start_tls(localhost.client())
    assert "XCLIENT" in await client.say("EHLO relay.example", "250")
    assert await received(front, client) == b"Received: from relay.example ([198.51.100.7])"
    await client.say("XCLIENT ADDR=203.0.113.5 HELO=told.example", "220")
    client.send(b"EHLO relay.example\r\nNOOP\r\n")
    assert "STARTTLS" not in await client.hear("250")
    await client.hear("250 2.0.0")
    assert await received(front, client) == b"Received: from told.example ([203.0.113.5])"


# --- XFORWARD --------------------------------------------------------------------------------------------------------


async def test_xforward_leaves_our_received_field_as_it_is(passage: Passage) -> None:
    front = await passage.open(smtp=TOLD)
    client = await front.client(hello="relay.example")
    await client.say("XFORWARD ADDR=198.51.100.7 HELO=town.example PROTO=SMTP", "250 2.0.0")
    assert await received(front, client) == b"Received: from relay.example ([127.0.0.1])"


# --- a named upstream --------------------------------------------------------------------------------------------------


RESULTS = b"Authentication-Results: mx.filter.example; spf=pass smtp.mailfrom=a@mission.example\r\n"
OWN = b"Received: from x by in.filter.example with ESMTP; Mon, 1 Jun 2026 12:00:00 +0000\r\n"
FOREIGN = b"Received: from x by sender.example with ESMTP; Mon, 1 Jun 2026 12:00:00 +0000\r\n"
LETTER = b"From: a@mission.example\r\nTo: desk@police.example\r\n\r\nGood day.\r\n"
NAMED = 'trusted_authserv_id = "mx.filter.example"\ntrusted_received_by = ["in.filter.example"]'


@pytest.mark.parametrize(
    ("smtp", "trace", "tier"),
    [
        (NAMED, RESULTS + OWN + FOREIGN, Tier.CONFIRMED),
        (NAMED, OWN + RESULTS + FOREIGN, Tier.CONFIRMED),
        (NAMED, OWN + FOREIGN + RESULTS, Tier.UNVERIFIED),
        (NAMED, RESULTS.replace(b"mx.filter", b"mx.other") + OWN, Tier.UNVERIFIED),
        ("", RESULTS + OWN, Tier.UNVERIFIED),
    ],
)
async def test_results_of_a_named_upstream_confirm_a_sender(
    passage: Passage, smtp: str, trace: bytes, tier: Tier
) -> None:
    front = await passage.open(smtp=smtp)
    await front.send("a@mission.example", DESK, trace + LETTER)
    (file,) = await front.cases()
    assert file.case.tier is tier
