"""`required` and `verified` never fall back, whoever stands in between; what is out of date is not spoken."""

from __future__ import annotations

import asyncio
import re
import ssl
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gateway.clock import SystemClock
from gateway.model.outbox import OutboxState, Purpose
from gateway.relay.connection import NextHopError
from gateway.relay.mailing import Outcome, OutcomeKind
from gateway.relay.opening import open_connection, tls_context
from gateway.relay.outbound import Lines, Server, Submission
from gateway.settings import Endpoint
from gateway.tls import server_context
from tests.gateway.relay.test_outbound import POST
from tests.scenarios.test_outbox import LISTED, SENDER
from tests.support.certificates import localhost, self_signed
from tests.support.gateway import running_gateway, write_configuration
from tests.support.tlshops import NO_PROOF, NO_TLS, authorities, certificates, outdated, spoke_in_clear

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from gateway.model.outbox import Post
    from tests.support.certificates import Certificate
    from tests.support.mta import ScriptedMTA
    from tests.support.passage import Passage
    from tests.support.tlshops import Certificates

    HopWith = Callable[[str], Awaitable[ScriptedMTA]]

__all__ = ["authorities", "certificates", "localhost"]

MESSAGE = b"From: a@town.example\r\n\r\nGood day.\r\n"
DESK = ["desk@police.example"]
FAULTS = [("required", fault) for fault in NO_TLS] + [("verified", fault) for fault in (*NO_TLS, *NO_PROOF)]
UNKNOWN_NAME = "0x7f000001"
"""This machine, as a host that is not known to be it."""
AHEAD = "220 go\r\n250 injected"
"""aiosmtplib throws away what comes ahead of TLS; our own client hangs up."""


@pytest.fixture
async def hop_with(authorities: Certificates) -> AsyncIterator[Callable[[str], Awaitable[ScriptedMTA]]]:
    """Starts a server with this fault of TLS."""
    started: list[ScriptedMTA] = []

    async def start(fault: str) -> ScriptedMTA:
        started.append(await authorities.hop(fault).start())
        return started[-1]

    yield start
    for mta in started:
        await mta.stop()


# --- towards next hops ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("policy", "fault"), FAULTS)
async def test_a_next_hop_gets_nothing_in_clear(passage: Passage, hop_with: HopWith, policy: str, fault: str) -> None:
    hop = await hop_with(fault)
    front = await passage.open(route=f'tls = "{policy}"\ntimeout = 2', hops=f'"localhost:{hop.port}"')
    await asyncio.sleep(0.05)
    hop.drop_links()  # what was learned at the start is not used again
    client = await front.client()
    await client.say("MAIL FROM:<a@town.example>", "250")
    await client.say("RCPT TO:<desk@police.example>", "451 4.4.")
    assert hop.messages == []
    assert not spoke_in_clear(hop)


async def test_a_next_hop_that_is_whole_again_gets_its_mail(passage: Passage, hop_with: HopWith) -> None:
    hop = await hop_with("454 4.7.0 Not now")
    front = await passage.open(route='tls = "verified"\ntimeout = 2', hops=f'"localhost:{hop.port}"')
    client = await front.client()
    await client.say("MAIL FROM:<a@town.example>", "250")
    await client.say("RCPT TO:<desk@police.example>", "451 4.4.")
    hop.script = lambda _said, _link: None
    await client.say("RCPT TO:<desk@police.example>", "250")
    await client.content(MESSAGE, "250")
    assert not spoke_in_clear(hop)


# --- towards servers that take mail of ours ---------------------------------------------------------------------------


async def attempts(port: int, policy: str, *, host: str = "127.0.0.1", post: Post = POST, times: int = 1) -> Outcome:
    """The last of so many attempts, each on a new connection."""
    way = Submission(
        servers=(Server(Endpoint(host, port), "localhost"),), tls=policy, hostname="mx.police.example", timeout=2
    )
    outcome = Outcome(OutcomeKind.NOT_OURS, "")
    for _ in range(times):
        lines = Lines()
        outcome = await lines.send(post, way, _yes)
        await lines.close()
    return outcome


async def _yes() -> bool:
    return True


@pytest.mark.parametrize(("policy", "fault"), [one for one in FAULTS if one[1] != AHEAD])
async def test_mail_of_ours_never_leaves_in_clear(hop_with: HopWith, policy: str, fault: str) -> None:
    hop = await hop_with(fault)
    outcome = await attempts(hop.port, policy, times=2 if fault == "stripped the second time" else 1)
    assert outcome.kind is OutcomeKind.TRY_LATER
    assert len(hop.messages) == (fault == "stripped the second time")
    assert not spoke_in_clear(hop)


@pytest.mark.parametrize("fault", NO_PROOF)
async def test_required_asks_for_no_proof_and_opportunistic_for_nothing(hop_with: HopWith, fault: str) -> None:
    hop = await hop_with(fault)
    for policy in ("required", "opportunistic"):
        assert (await attempts(hop.port, policy)).kind is OutcomeKind.SENT
    assert not spoke_in_clear(hop)


async def test_verified_is_met_by_a_trusted_certificate_with_the_name(hop_with: HopWith) -> None:
    hop = await hop_with("")
    assert (await attempts(hop.port, "verified", times=2)).kind is OutcomeKind.SENT
    assert not spoke_in_clear(hop)


@pytest.mark.parametrize("fault", ["not offered", "454 4.7.0 Not now", "502 5.5.1 What", "outdated"])
async def test_opportunistic_goes_in_clear_where_there_is_no_tls(hop_with: HopWith, fault: str) -> None:
    """As mail that passes does: who is served in clear gets notices and releases too."""
    hop = await hop_with(fault)
    assert (await attempts(hop.port, "opportunistic")).kind is OutcomeKind.SENT


@pytest.mark.parametrize("way", ["none", "opportunistic", "required"])
@pytest.mark.parametrize("fault", [one for one in (*NO_TLS, *NO_PROOF) if one != AHEAD])
async def test_a_report_asks_for_proof_whatever_the_way_does(hop_with: HopWith, way: str, fault: str) -> None:
    hop = await hop_with(fault)
    report = replace(POST, needs_verified_tls=True)
    times = 2 if fault == "stripped the second time" else 1
    outcome = await attempts(hop.port, way, host="127.1", post=report, times=times)
    assert outcome.kind is OutcomeKind.TRY_LATER
    assert len(hop.messages) == times - 1
    assert not spoke_in_clear(hop)


# --- answers ahead of TLS (the class of CVE-2011-0411) ----------------------------------------------------------------

INJECTED = b"220 2.0.0 go\r\n250-sink.example\r\n250 SIZE 1\r\n250 2.1.0 ok\r\n250 2.1.5 ok\r\n"


async def test_answers_ahead_of_tls_are_no_answers_to_mail_of_ours(hop_with: HopWith) -> None:
    hop = await hop_with("")
    script = {"STARTTLS": INJECTED[:-2].decode(), "RCPT": "550 5.1.1 nobody"}
    hop.script = lambda said, _link: script.get(said if said == "STARTTLS" else said[:4])
    outcome = await attempts(hop.port, "verified")
    assert (outcome.kind, outcome.reply) == (OutcomeKind.REFUSED, "550 5.1.1 nobody")
    script.pop("RCPT")
    assert (await attempts(hop.port, "verified")).kind is OutcomeKind.SENT
    assert not spoke_in_clear(hop)


@pytest.mark.parametrize("client", ["the relay's", "aiosmtplib"])
async def test_wherever_answers_ahead_of_tls_are_cut_they_are_no_answers(client: str) -> None:
    """The first octets alone in a segment, the rest a moment later: inside a handshake they are no handshake."""
    heard: list[bytes] = []

    async def outcome(cut: int) -> None:
        async with _cutting_hop(cut, heard) as port:
            if client == "aiosmtplib":
                await attempts(port, "required")
            else:
                with pytest.raises(NextHopError):
                    await open_connection(Endpoint("127.0.0.1", port), hostname="mx.example", tls="required", timeout=2)

    for start in range(1, len(INJECTED), 20):
        await asyncio.gather(*map(outcome, range(start, min(start + 20, len(INJECTED)))))
    in_clear = b"".join(heard)
    assert b"MAIL" not in in_clear
    assert b"RCPT" not in in_clear


@asynccontextmanager
async def _cutting_hop(cut: int, heard: list[bytes]) -> AsyncIterator[int]:
    """Says what is injected in two segments, and hears what follows; nothing of it may be a command."""

    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            writer.write(b"220 sink.example\r\n")
            heard.append(await reader.readuntil(b"\r\n"))
            writer.write(b"250-sink.example\r\n250 STARTTLS\r\n")
            heard.append(await reader.readuntil(b"\r\n"))
            writer.write(INJECTED[:cut])
            await asyncio.sleep(0.02)
            writer.write(INJECTED[cut:])
            async with asyncio.timeout(0.2):
                heard.append(await reader.read())
        writer.transport.abort()
        ended.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
        await ended.wait()
    finally:
        server.close()


async def test_commands_ahead_of_tls_are_never_heard_wherever_they_are_cut(
    passage: Passage, localhost: Certificate
) -> None:
    front = await passage.open(smtp=f'tls_certificate = "{localhost.certificate}"\ntls_key = "{localhost.key}"')
    ahead = b"STARTTLS\r\nMAIL FROM:<x@town.example>\r\nRCPT TO:<desk@police.example>\r\nDATA\r\n"

    async def heard(cut: int) -> bytes:
        client = await front.client()
        client.send(ahead[:cut])
        await asyncio.sleep(0.02)
        client.send(ahead[cut:])
        return await client.closed()

    for start in range(1, len(ahead), 40):
        answers = await asyncio.gather(*map(heard, range(start, min(start + 40, len(ahead)))))
        assert all(answer.startswith((b"502 5.5.1", b"220 2.0.0")) or not answer for answer in answers)  # or a reset
        assert not any(b"\r\n250" in answer or b"\r\n354" in answer for answer in answers)
    assert front.next_hop.messages == []
    await front.send("a@town.example", DESK, MESSAGE)


# --- what is spoken ---------------------------------------------------------------------------------------------------


async def test_a_client_with_outdated_tls_is_refused_and_the_next_is_served(
    passage: Passage, localhost: Certificate
) -> None:
    front = await passage.open(smtp=f'tls_certificate = "{localhost.certificate}"\ntls_key = "{localhost.key}"')
    client = await front.client()
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await client.start_tls(outdated(localhost.client()))
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = localhost.client()
        context.minimum_version = context.maximum_version = version
        client = await front.client()
        await client.start_tls(context)
        await client.say("EHLO client.example", "250")
        await client.mail("a@town.example", DESK, MESSAGE, expect="250")
        received = front.next_hop.messages[-1].content.split(b"\r\nFrom:")[0]
        spoken = version.name.replace("_", ".")
        assert re.search(rb" with ESMTPS \(%b [A-Z0-9_-]+\)" % spoken.encode(), received), received


def test_no_context_compresses_renegotiates_or_asks_for_a_client_certificate(localhost: Certificate) -> None:
    server = server_context(localhost.certificate, localhost.key)
    assert server is not None
    assert server.verify_mode is ssl.CERT_NONE
    for context in (server, *map(tls_context, ("opportunistic", "required", "verified"))):
        assert context.options & ssl.OP_NO_COMPRESSION
        assert context.options & ssl.OP_NO_RENEGOTIATION
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2
        assert not [one["name"] for one in context.get_ciphers() if re.search("NULL|RC4|3DES|MD5|EXP", one["name"])]


async def test_how_the_mail_came_stands_in_the_case_and_in_what_is_released(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA, localhost: Certificate
) -> None:
    path = write_configuration(
        tmp_path, next_hop=next_hop.port, smarthost=smarthost.port, url=sqlite_url,
        smtp=f'tls_certificate = "{localhost.certificate}"\ntls_key = "{localhost.key}"',
    )  # fmt: skip
    async with running_gateway(path, SystemClock(), next_hop, smarthost) as gateway:
        client = await gateway.client()
        await client.start_tls(localhost.client())
        await client.say("EHLO client.example", "250")
        await client.mail(SENDER, DESK, LISTED, expect="250")
        await gateway.send(SENDER, DESK, LISTED + b"in clear\r\n")
        clear, secured = sorted((file.case for file in await gateway.cases()), key=lambda case: case.tls)
        assert (clear.tls, clear.protocol, secured.protocol) == ("", "ESMTP", "ESMTPS")
        assert re.fullmatch(r"TLSv1\.3 TLS_[A-Z0-9_]+", secured.tls)
        await gateway.desk.casework.release(secured.reference, [], actor="test:clerk")
        async with asyncio.timeout(10):
            while not (released := [one for one in next_hop.messages if b"X-Liaison-Flag" in one.content]):
                await asyncio.sleep(0.05)
        assert f" with ESMTPS ({secured.tls}) id ".encode() in released[0].content


async def test_a_report_waits_where_there_is_no_proof_and_leaves_when_there_is(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, authorities: Certificates
) -> None:
    """`collation.tls` is "verified" whatever `[outbound]` says."""
    hop = await authorities.hop("unknown authority").start()
    path = write_configuration(tmp_path, next_hop=next_hop.port, smarthost=hop.port, url=sqlite_url)
    path.write_text(path.read_text().replace(f'"127.0.0.1:{hop.port}"', f'"{UNKNOWN_NAME}:{hop.port}"'))
    async with running_gateway(path, SystemClock(), next_hop, hop) as gateway:
        await gateway.send(SENDER, DESK, LISTED)
        async with asyncio.timeout(10):
            while not (tried := [one for one in await gateway.items() if one.attempts]):
                await asyncio.sleep(0.05)
        assert {(one.purpose, one.state) for one in tried if one.to == "collation@ildc.example"} == {
            (Purpose.REPORT, OutboxState.WAITING)
        }
        assert hop.messages == []
        proven = self_signed(tmp_path, UNKNOWN_NAME)
        authorities.trusted.write_bytes(authorities.trusted.read_bytes() + proven.certificate.read_bytes())
        hop.tls = proven.server()
        await hop.arrived()
        assert not spoke_in_clear(hop)
    await hop.stop()
