"""STARTTLS with clients, and with next hops under each policy."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import pytest

from tests.support.mta import DROP, ScriptedMTA

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.certificates import Certificate
    from tests.support.gateway import Running
    from tests.support.passage import Passage

MESSAGE = b"From: a@town.example\r\n\r\nGood day.\r\n"
DESK = ["desk@police.example"]


@pytest.fixture
async def secure(passage: Passage, localhost: Certificate) -> Running:
    """A gateway that offers STARTTLS."""
    return await passage.open(smtp=f'tls_certificate = "{localhost.certificate}"\ntls_key = "{localhost.key}"')


async def test_mail_over_tls_arrives_and_received_says_so(secure: Running, localhost: Certificate) -> None:
    client = await secure.client()
    await client.start_tls(localhost.client())
    said = await client.say("EHLO client.example", "250")
    assert "STARTTLS" not in said
    for number in range(3):
        content = MESSAGE + b"%d" % number + b"x" * 70 * number + b"\r\n" + b"line\r\n" * 100_000 * number
        await client.mail("a@town.example", DESK, content, expect="250 2.0.0")
        assert secure.next_hop.messages[number].behind_received == content
    header = secure.next_hop.messages[0].content.split(b"\r\nFrom:")[0]
    assert b" with ESMTPS (TLSv1.3 TLS_" in header
    await client.say("QUIT", "221")


async def test_pipelined_commands_over_tls_are_answered_in_order(secure: Running, localhost: Certificate) -> None:
    client = await secure.client()
    await client.start_tls(localhost.client())
    client.send(
        b"EHLO c.example\r\nMAIL FROM:<a@town.example>\r\nRCPT TO:<desk@police.example>\r\nDATA\r\n.\r\nQUIT\r\n"
    )
    assert [(await client.hear())[:3] for _ in range(6)] == ["250", "250", "250", "354", "250", "221"]


async def test_starttls_is_offered_to_those_who_are_in_the_clear(secure: Running) -> None:
    client = await secure.client(hello=None)
    await client.hear("220")
    assert "STARTTLS" in await client.say("EHLO client.example", "250")
    await client.say("STARTTLS now", "501 5.5.4")


async def test_what_was_said_before_tls_is_forgotten(secure: Running, localhost: Certificate) -> None:
    client = await secure.client()
    await client.say("MAIL FROM:<a@town.example>", "250")
    await client.say("RCPT TO:<desk@police.example>", "250")
    await client.start_tls(localhost.client())
    await client.say("DATA", "503 5.5.1 Send EHLO")
    await client.say("MAIL FROM:<b@town.example>", "503 5.5.1 Send EHLO")
    await client.say("EHLO client.example", "250")
    await client.say("RCPT TO:<desk@police.example>", "503 5.5.1 Send MAIL")
    await client.mail("b@town.example", DESK, MESSAGE, expect="250")
    assert [message.reverse_path for message in secure.next_hop.messages] == ["b@town.example"]


async def test_a_second_starttls_is_refused(secure: Running, localhost: Certificate) -> None:
    client = await secure.client()
    await client.start_tls(localhost.client())
    await client.say("EHLO client.example", "250")
    await client.say("STARTTLS", "502 5.5.1")
    await client.say("NOOP", "250")


@pytest.mark.parametrize(
    "ahead", [b"NOOP\r\n", b"N", b"MAIL FROM:<x@town.example>\r\nRCPT TO:<desk@police.example>\r\n"]
)
async def test_octets_sent_ahead_of_the_handshake_close_the_connection(secure: Running, ahead: bytes) -> None:
    client = await secure.client()
    client.send(b"STARTTLS\r\n" + ahead)
    await client.hear("502 5.5.1")
    assert await client.closed() == b""


async def test_octets_that_come_just_behind_starttls_are_never_heard_as_commands(
    secure: Running, localhost: Certificate
) -> None:
    """In a segment of their own they reach TLS, which refuses them as no handshake."""
    client = await secure.client()
    client.send(b"STARTTLS\r\n")
    await asyncio.sleep(0.01)
    client.send(b"MAIL FROM:<x@town.example>\r\n")
    assert b"250" not in await client.closed()
    await secure.send("a@town.example", DESK, MESSAGE)


async def test_a_failed_handshake_closes_and_the_next_client_is_served(secure: Running) -> None:
    client = await secure.client()
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await client.start_tls(ssl.create_default_context())
    client = await secure.client()
    await client.say("STARTTLS", "220")
    await client.close()
    await secure.send("a@town.example", DESK, MESSAGE)


async def test_a_client_that_drops_tls_in_mid_message_delivers_nothing(secure: Running, localhost: Certificate) -> None:
    client = await secure.client()
    await client.start_tls(localhost.client())
    for line in ("EHLO client.example", "MAIL FROM:<a@town.example>", "RCPT TO:<desk@police.example>", "DATA"):
        await client.say(line)
    client.send(MESSAGE)
    await asyncio.sleep(0.05)
    await client.close()
    await asyncio.sleep(0.05)
    assert secure.next_hop.messages == []


# --- towards the next hop ---------------------------------------------------------------------------------------------


@pytest.fixture
async def tls_hop(localhost: Certificate) -> AsyncIterator[ScriptedMTA]:
    mta = await ScriptedMTA(tls=localhost.server()).start()
    yield mta
    await mta.stop()


async def outcome(passage: Passage, hop: ScriptedMTA, policy: str, host: str = "127.0.0.1") -> str:
    """ "tls" or "clear" for a message that arrived so, or the reply to RCPT."""
    front = await passage.open(route=f'tls = "{policy}"\ntimeout = 2', hops=f'"{host}:{hop.port}"')
    client = await front.client()
    await client.say("MAIL FROM:<a@town.example>", "250")
    reply = await client.say("RCPT TO:<desk@police.example>")
    if not reply.startswith("250"):
        assert hop.messages == []
        return reply
    await client.content(MESSAGE, "250 2.0.0")
    (message,) = hop.messages
    assert message.behind_received == MESSAGE
    return "tls" if any(link.tls and "DATA" in link.commands for link in hop.links) else "clear"


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("none", "clear"), ("opportunistic", "tls"), ("required", "tls"), ("verified", "451 4.4.1")],
)
async def test_a_next_hop_with_a_certificate_that_nobody_vouches_for(
    passage: Passage, tls_hop: ScriptedMTA, policy: str, expected: str
) -> None:
    assert (await outcome(passage, tls_hop, policy)).startswith(expected)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("none", "clear"), ("opportunistic", "clear"), ("required", "451 4.4.1"), ("verified", "451 4.4.1")],
)
async def test_a_next_hop_without_tls(passage: Passage, policy: str, expected: str) -> None:
    assert (await outcome(passage, passage.next_hop, policy)).startswith(expected)


@pytest.mark.parametrize("answer", ["454 4.7.0 Not now", "501 5.5.4 What", DROP, "354 what", "220 go\r\n250 injected"])
@pytest.mark.parametrize(
    ("policy", "expected"), [("opportunistic", "clear"), ("required", "451 4.4.1"), ("verified", "451 4.4.1")]
)
async def test_a_next_hop_that_refuses_tls_or_speaks_ahead_of_it(
    passage: Passage, tls_hop: ScriptedMTA, policy: str, expected: str, answer: str
) -> None:
    if answer == DROP and policy == "opportunistic":
        expected = "451 4.4.1"  # a dropped connection is no answer about TLS
    tls_hop.script = lambda said, _link: answer if said == "STARTTLS" else None
    assert (await outcome(passage, tls_hop, policy)).startswith(expected)


async def test_a_next_hop_whose_certificate_is_trusted_and_names_it_is_verified(
    passage: Passage, tls_hop: ScriptedMTA, localhost: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(localhost.certificate))
    assert await outcome(passage, tls_hop, "verified", "localhost") == "tls"


async def test_a_trusted_certificate_for_another_name_is_not_verified(
    passage: Passage, somebody_else: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(somebody_else.certificate))
    hop = await ScriptedMTA(tls=somebody_else.server()).start()
    assert (await outcome(passage, hop, "verified", "localhost")).startswith("451 4.4.1")
    await hop.stop()


async def test_what_a_next_hop_offered_in_the_clear_is_forgotten(
    passage: Passage, tls_hop: ScriptedMTA, localhost: Certificate
) -> None:
    clear = "250-sink.example\r\n250-SMTPUTF8\r\n250-STARTTLS\r\n250 SIZE 1000"
    tls_hop.script = lambda said, link: clear if said.startswith("EHLO") and not link.tls else None
    tls_hop.keywords = ("PIPELINING", "SIZE 2000000")
    front = await passage.open(route='tls = "required"', hops=f'"127.0.0.1:{tls_hop.port}"')
    await front.send("a@town.example", DESK, MESSAGE)
    client = await front.client(hello=None)
    await client.hear("220")
    said = await client.say("EHLO client.example", "250")
    assert "SMTPUTF8" not in said
    assert "SIZE 1934464" in said


async def test_a_large_message_goes_through_tls_on_both_sides(
    passage: Passage, tls_hop: ScriptedMTA, localhost: Certificate
) -> None:
    front = await passage.open(
        smtp=f'tls_certificate = "{localhost.certificate}"\ntls_key = "{localhost.key}"',
        route='tls = "required"\ntimeout = 5',
        hops=f'"127.0.0.1:{tls_hop.port}"',
    )
    content = b"A: b\r\n\r\n" + b"..dots and text\r\n.\r\n" * 300_000
    client = await front.client()
    await client.start_tls(localhost.client())
    await client.say("EHLO client.example", "250")
    await client.mail("a@town.example", DESK, content, expect="250 2.0.0")
    assert tls_hop.messages[0].behind_received == content


async def test_a_client_that_has_just_left_is_hung_up_on_without_a_fault(
    secure: Running, localhost: Certificate
) -> None:
    client = await secure.client()
    await client.start_tls(localhost.client())
    assert secure.service._server is not None
    (engine,) = secure.service._server._engines
    leaving = asyncio.ensure_future(client.close())
    while engine._wire is not None and not engine._wire.is_closing():
        await asyncio.sleep(0)
    assert engine._wire is not None, "it is heard of before it is over"
    engine.drain()
    await leaving
