"""A client connection to a next hop, against a server that says what the test wants."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from gateway.model.reply import Reply
from gateway.relay.connection import (
    AnswerLostError,
    Capabilities,
    NextHopError,
    NextHopTimeoutError,
    TlsRefusedError,
    parse_capabilities,
)
from gateway.relay.opening import open_connection
from gateway.settings.values import Endpoint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

GREETING = [b"220 hop.example\r\n", b"250-hop.example\r\n250 PIPELINING\r\n"]


@asynccontextmanager
async def server(*answers: bytes) -> AsyncIterator[tuple[Endpoint, list[bytes]]]:
    """Says the first answer at once and the others one after each segment that it hears; b"" closes."""
    heard: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            if not answer:
                break
            writer.write(answer)
            heard.append(await reader.read(2**20))
        writer.transport.abort()

    listening = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield Endpoint("127.0.0.1", listening.sockets[0].getsockname()[1]), heard
    finally:
        listening.close()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("text", "keywords"),
    [
        ("hop", {}),
        ("hop\nPIPELINING\nsize 1000", {"PIPELINING": "", "SIZE": "1000"}),
        ("hop\nAUTH PLAIN LOGIN\n\n8bitmime ", {"AUTH": "PLAIN LOGIN", "8BITMIME": ""}),
    ],
)
def test_the_answer_to_ehlo_is_keywords_behind_a_greeting(text: str, keywords: dict[str, str]) -> None:
    assert parse_capabilities(Reply(250, "", text)).keywords == keywords


@pytest.mark.parametrize(("value", "size"), [("1000", 1000), ("", 0), ("0", 0), ("many", 0), ("-1", 0), ("\u0661", 0)])
def test_a_size_that_is_no_number_is_no_limit(value: str, size: int) -> None:
    assert Capabilities({"SIZE": value}).size == size


@pytest.mark.parametrize(
    ("octets", "reply"),
    [
        (b"250 2.0.0 OK\r\n", Reply(250, "2.0.0", "OK")),
        (b"250 OK\r\n", Reply(250, "", "OK")),
        (b"250\r\n", Reply(250, "", "")),
        (b"250 OK\n", Reply(250, "", "OK")),
        (b"550 5.1.1 No such user\r\n", Reply(550, "5.1.1", "No such user")),
        (b"550-5.1.1 No\r\n550 5.1.1 such user\r\n", Reply(550, "5.1.1", "No\nsuch user")),
        (b"550-First\r\n550-5.1.1 second\r\n550 third\r\n", Reply(550, "", "First\n5.1.1 second\nthird")),
        (b"550 2.1.1 liar\r\n", Reply(550, "", "2.1.1 liar")),
        (b"451 4.7.1\r\n", Reply(451, "4.7.1", "")),
        (b"550 5.1.1 \x00\x1b\x7fcaf\xc3\xa9 \xff\r\n", Reply(550, "5.1.1", "???caf\u00e9 \ufffd")),
    ],
)
async def test_a_reply_is_read_with_its_code_enhanced_code_and_text(octets: bytes, reply: Reply) -> None:
    async with server(*GREETING, octets) as (endpoint, _):
        connection = await open_connection(endpoint, hostname="mx.example", tls="none", timeout=2)
        assert await connection.command(b"NOOP") == reply
        connection.close()


@pytest.mark.parametrize(
    "octets", [b"hello\r\n", b"25 OK\r\n", b"2500 OK\r\n", b"\r\n", b"999 what\r\n", b"250_OK\r\n"]
)
async def test_what_is_no_reply_ends_the_connection(octets: bytes) -> None:
    async with server(*GREETING, octets) as (endpoint, _):
        connection = await open_connection(endpoint, hostname="mx.example", tls="none", timeout=2)
        with pytest.raises(NextHopError, match="no SMTP reply"):
            await connection.command(b"NOOP")
        assert not connection.usable


@pytest.mark.parametrize("octets", [b"250-\r\n" * 100_000, b"250-" + b"x" * 100_000, b"250-x\r\n" * 50_000])
async def test_an_endless_reply_ends_the_connection(octets: bytes) -> None:
    async with server(*GREETING, octets) as (endpoint, _):
        connection = await open_connection(endpoint, hostname="mx.example", tls="none", timeout=2)
        with pytest.raises(NextHopError, match="endless"):
            await connection.command(b"NOOP")


async def test_a_reply_that_nobody_asked_for_ends_the_connection() -> None:
    async with server(*GREETING, b"250 one\r\n250 two\r\n") as (endpoint, _):
        connection = await open_connection(endpoint, hostname="mx.example", tls="none", timeout=2)
        assert (await connection.command(b"NOOP")).text == "one"
        assert not connection.usable


async def test_silence_is_a_timeout() -> None:
    async with server(*GREETING) as (endpoint, _):
        connection = await open_connection(endpoint, hostname="mx.example", tls="none", timeout=0.1)
        with pytest.raises(NextHopError):
            await connection.command(b"NOOP")
    async with server(*GREETING, b"250-go") as (endpoint, _):
        connection = await open_connection(endpoint, hostname="mx.example", tls="none", timeout=0.1)
        with pytest.raises(NextHopTimeoutError, match=r"within 0\.1 s"):
            await connection.command(b"NOOP")


async def test_a_client_that_can_wait_no_longer_ends_the_wait_however_patient_the_route_is() -> None:
    async with server(*GREETING, b"354 go\r\n", b"250-not yet\r\n") as (endpoint, _):
        connection = await open_connection(endpoint, hostname="mx.example", tls="none", timeout=600)
        assert (await connection.command(b"DATA")).code == 354
        connection.until = asyncio.get_running_loop().time() + 0.1
        with pytest.raises(AnswerLostError, match="did not answer while the client could wait"):
            await connection.content([b"text\r\n", b".\r\n"])


async def test_an_answer_in_time_leaves_the_connection_alone_when_its_time_is_over() -> None:
    async with server(*GREETING, b"250 ok\r\n", b"250 ok\r\n") as (endpoint, _):
        connection = await open_connection(endpoint, hostname="mx.example", tls="none", timeout=0.2)
        assert (await connection.command(b"NOOP")).code == 250
        await asyncio.sleep(0.5)
        assert connection.usable
        assert (await connection.command(b"NOOP")).code == 250
        connection.close()


async def test_only_after_the_final_dot_an_answer_can_be_lost() -> None:
    async with server(*GREETING, b"354 go\r\n", b"") as (endpoint, heard):
        connection = await open_connection(endpoint, hostname="mx.example", tls="none", timeout=2)
        assert (await connection.command(b"DATA")).code == 354
        with pytest.raises(AnswerLostError):
            await connection.content([b"text\r\n", b".\r\n"])
        assert heard[-1].startswith(b"text\r\n")


async def test_content_that_cannot_be_read_to_its_end_is_never_ended() -> None:
    async with server(*GREETING, b"354 go\r\n", b"250 taken\r\n") as (endpoint, heard):
        connection = await open_connection(endpoint, hostname="mx.example", tls="none", timeout=2)
        await connection.command(b"DATA")

        def failing() -> Iterator[bytes]:
            yield b"half a\r\n"
            yield b"message\r\n"
            raise OSError("the disk is gone")

        with pytest.raises(OSError, match="disk"):
            await connection.content(failing())
        await asyncio.sleep(0.05)
        assert not connection.usable
        assert not any(octets.endswith(b".\r\n") or b"QUIT" in octets for octets in heard[2:])


async def test_the_required_tls_is_never_given_up() -> None:
    async with server(*GREETING) as (endpoint, heard):
        with pytest.raises(TlsRefusedError, match="does not offer STARTTLS"):
            await open_connection(endpoint, hostname="mx.example", tls="required", timeout=2)
        assert not any(b"MAIL" in octets for octets in heard)


async def test_a_port_where_nobody_listens_is_an_error_that_names_it() -> None:
    async with server() as (endpoint, _):
        pass
    with pytest.raises(NextHopError, match=rf"127\.0\.0\.1:{endpoint.port} can't be reached"):
        await open_connection(endpoint, hostname="mx.example", tls="none", timeout=2)


async def test_others_have_their_turn_between_two_chunks_of_content() -> None:
    """Also where the next hop takes each chunk at once, so that there is nothing to wait for."""
    async with server(*GREETING, b"354 go\r\n") as (endpoint, _):
        connection = await open_connection(endpoint, hostname="mx.example", tls="none", timeout=2)
        await connection.command(b"DATA")
        turns: list[int] = []

        def chunks() -> Iterator[bytes]:
            for number in range(5):
                asyncio.get_running_loop().call_soon(turns.append, number)
                yield b"x\r\n"
            raise OSError(turns)

        with pytest.raises(OSError, match=re.escape("[0, 1, 2")):
            await connection.content(chunks())
