"""Everything is bounded: a client that passes a limit hears of it, and nobody else does."""

from __future__ import annotations

import asyncio
import resource
import signal
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.mta import HANG

if TYPE_CHECKING:
    from tests.support.gateway import Running
    from tests.support.passage import Passage

MESSAGE = b"From: a@town.example\r\n\r\nGood day.\r\n"


async def test_a_client_that_says_nothing_is_closed(passage: Passage) -> None:
    front = await passage.open(smtp="idle_timeout = 1")
    client = await front.client()
    await client.hear("421 4.4.2", within=5)
    assert await client.closed() == b""


async def test_a_client_that_falls_silent_in_its_message_is_closed_and_nothing_delivered(passage: Passage) -> None:
    front = await passage.open(smtp="idle_timeout = 1")
    client = await front.client()
    for line in ("MAIL FROM:<a@town.example>", "RCPT TO:<desk@police.example>", "DATA"):
        await client.say(line)
    client.send(MESSAGE)
    await client.hear("421 4.4.2", within=5)
    await front.send("b@town.example", ["desk@police.example"], MESSAGE)
    assert [message.reverse_path for message in front.next_hop.messages] == ["b@town.example"]


async def test_connections_in_all_are_limited_and_free_again_when_closed(passage: Passage) -> None:
    front = await passage.open(smtp="max_connections = 3")
    first, *_ = [await front.client() for _ in range(3)]
    refused = await front.client(hello=None)
    await refused.hear("421 4.7.0")
    assert await refused.closed() == b""
    await first.say("QUIT", "221")
    await first.closed()
    await front.send("a@town.example", ["desk@police.example"], MESSAGE)


async def test_connections_of_one_client_are_limited(passage: Passage) -> None:
    front = await passage.open(smtp="max_connections_per_client = 2")
    clients = [await front.client() for _ in range(2)]
    refused = await front.client(hello=None)
    await refused.hear("421 4.7.0")
    clients[0].send(b"EHLO")
    await clients[0].close()
    await asyncio.sleep(0.1)
    await front.send("a@town.example", ["desk@police.example"], MESSAGE)


async def test_connections_that_are_reset_at_once_leave_nothing_counted(passage: Passage) -> None:
    front = await passage.open(smtp="max_connections = 5")
    for _ in range(50):
        with socket.create_connection(("127.0.0.1", front.port)) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        await asyncio.sleep(0)
    await asyncio.sleep(0.2)
    await front.send("a@town.example", ["desk@police.example"], MESSAGE)


async def test_further_recipients_are_asked_to_come_again(passage: Passage) -> None:
    front = await passage.open(smtp="max_recipients = 2")
    client = await front.client()
    await client.say("MAIL FROM:<a@town.example>", "250")
    await client.say("RCPT TO:<one@police.example>", "250")
    await client.say("RCPT TO:<two@police.example>", "250")
    await client.say("RCPT TO:<three@police.example>", "452 4.5.3")
    await client.say("RCPT TO:<TWO@Police.example>", "250")
    await client.content(MESSAGE, "250")
    assert [message.recipients for message in front.next_hop.messages] == [["one@police.example", "two@police.example"]]


async def test_a_thousand_recipients_are_served(front: Running) -> None:
    recipients = [f"r{number}@police.example" for number in range(1000)]
    client = await front.client()
    client.send(b"MAIL FROM:<a@town.example>\r\n" + b"".join(f"RCPT TO:<{one}>\r\n".encode() for one in recipients))
    for _ in range(1001):
        await client.hear("250")
    await client.content(MESSAGE, "250")
    assert front.next_hop.messages[0].recipients == recipients


async def test_a_declared_size_beyond_the_limit_is_refused_before_it_is_sent(passage: Passage) -> None:
    front = await passage.open(smtp="max_message_size = 10000")
    client = await front.client()
    assert "SIZE 10000" in await client.say("EHLO again.example", "250")
    await client.say("MAIL FROM:<a@town.example> SIZE=10001", "552 5.3.4")
    await client.say("MAIL FROM:<a@town.example> SIZE=10000", "250")


@pytest.mark.parametrize("size", [10_001, 3_000_000])
async def test_a_message_beyond_the_limit_is_refused_at_its_end_and_the_session_goes_on(
    passage: Passage, size: int
) -> None:
    front = await passage.open(smtp="max_message_size = 10000")
    client = await front.client()
    line = b"x" * 78 + b"\r\n"
    await client.mail("a@town.example", ["desk@police.example"], (line * (size // 80 + 1))[-size:], expect="552 5.3.4")
    await client.mail("b@town.example", ["desk@police.example"], MESSAGE, expect="250 2.0.0")
    assert [message.reverse_path for message in front.next_hop.messages] == ["b@town.example"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"Received: x\r\n" * 101 + b"\r\nbody\r\n", "554 5.4.6"),
        (b"X: y\r\n" * 1001 + b"\r\nbody\r\n", "554 5.6.0"),
        (b"X: " + b"x" * 262144 + b"\r\n\r\nbody\r\n", "554 5.6.0"),
        (b"A: b\r\n\r\n" + b"x" * 1_100_000 + b"\r\n", "554 5.6.0"),
        (b"A: b\r\n\r\nx\r\n\0.\r\ny\r\n", "554 5.6.0"),
    ],
    ids=["received", "fields", "header", "line", "hidden dot"],
)
async def test_a_message_that_is_no_honest_one_is_refused(front: Running, content: bytes, expected: str) -> None:
    client = await front.client()
    await client.mail("a@town.example", ["desk@police.example"], content, expect=expected)
    await client.mail("b@town.example", ["desk@police.example"], MESSAGE, expect="250 2.0.0")
    assert [message.reverse_path for message in front.next_hop.messages] == ["b@town.example"]


@pytest.mark.parametrize("octets", [b"a\nb\r\n", b"a\rb\r\n", b"a\n.\r\nb\r\n", b"a\r\r\n"])
async def test_bare_newlines_are_refused_where_the_agency_wants_it(passage: Passage, octets: bytes) -> None:
    front = await passage.open(smtp='bare_newlines = "reject"')
    client = await front.client()
    await client.mail("a@town.example", ["desk@police.example"], b"A: b\r\n\r\n" + octets, expect="550 5.5.2")
    await client.mail("b@town.example", ["desk@police.example"], MESSAGE, expect="250 2.0.0")
    assert len(front.next_hop.messages) == 1


async def test_a_client_that_floods_while_it_waits_is_not_read_from(passage: Passage) -> None:
    front = await passage.open(route="timeout = 2")
    front.next_hop.script = lambda stage, _link: HANG if stage.startswith("MAIL") else None
    _reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
    writer.write(b"EHLO x\r\nMAIL FROM:<a@town.example>\r\nRCPT TO:<desk@police.example>\r\n")
    sent, stuck = 0, False
    while not stuck and sent < 64 * 2**20:
        writer.write(b"NOOP " + b"x" * 1000 + b"\r\n")
        sent += 1007
        if sent % 1007000 == 0:
            try:
                await asyncio.wait_for(writer.drain(), 0.5)
            except TimeoutError:
                stuck = True
    writer.transport.abort()
    assert stuck, "64 MiB were read ahead"


async def test_a_client_that_never_reads_is_not_answered_without_end_and_is_closed(passage: Passage) -> None:
    front = await passage.open(smtp="idle_timeout = 1\nmax_connections = 1\nmax_commands = 1000000")
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", front.port))
        deaf.setblocking(False)
        deaf.send(b"EHLO x\r\n")
        sent = 0
        for _ in range(300):
            try:
                sent += deaf.send(b"HELP\r\n" * 5000)
            except BlockingIOError:
                await asyncio.sleep(0.001)
        assert sent < 32 * 2**20
        await asyncio.sleep(2.5)
        await front.send("a@town.example", ["desk@police.example"], MESSAGE)
        assert await _was_reset(deaf), "it keeps a socket for ever"


async def _was_reset(connection: socket.socket) -> bool:
    for _ in range(80):
        try:
            connection.send(b"x")  # the kernel may still have room for a few octets
        except BlockingIOError:
            pass
        except ConnectionError:
            return True
        await asyncio.sleep(0.1)
    return False


async def test_a_client_that_leaves_in_mid_message_delivers_nothing(front: Running) -> None:
    for content in (b"", MESSAGE, MESSAGE + b".", MESSAGE + b".\r", b"x" * 2_000_000):
        client = await front.client()
        for line in ("MAIL FROM:<a@town.example>", "RCPT TO:<desk@police.example>", "DATA"):
            await client.say(line)
        client.send(content)
        await asyncio.sleep(0.05)
        await client.close()
    await front.send("b@town.example", ["desk@police.example"], MESSAGE)
    assert [message.reverse_path for message in front.next_hop.messages] == ["b@town.example"]


async def test_no_room_for_a_large_message_is_a_temporary_refusal(
    front: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    client = await front.client()
    large = b"A: b\r\n\r\n" + b"line of text\r\n" * 200_000
    await client.mail("a@town.example", ["desk@police.example"], large, expect="452 4.3.1")
    await client.mail("b@town.example", ["desk@police.example"], MESSAGE, expect="250 2.0.0")
    monkeypatch.setattr(tempfile, "tempdir", None)
    await client.mail("c@town.example", ["desk@police.example"], large, expect="250 2.0.0")
    assert [message.reverse_path for message in front.next_hop.messages] == ["b@town.example", "c@town.example"]


async def test_a_disk_that_fills_up_is_a_temporary_refusal(front: Running) -> None:
    """The limit on the size of files of this process stands in for a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    large = b"A: b\r\n\r\n" + b"line of text\r\n" * 150_000
    client = await front.client()
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(large) - 100, hard))
        await client.mail("a@town.example", ["desk@police.example"], large, expect="452 4.3.1")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    await client.mail("b@town.example", ["desk@police.example"], MESSAGE, expect="250 2.0.0")
    assert [message.reverse_path for message in front.next_hop.messages] == ["b@town.example"]


async def test_large_messages_leave_no_file_and_no_descriptor_behind(front: Running) -> None:
    large = b"A: b\r\n\r\n" + b"line of text\r\n" * 150_000
    client = await front.client()
    await client.mail("a@town.example", ["desk@police.example"], large, expect="250")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for expect in ("250", "250"):
        await client.mail("a@town.example", ["desk@police.example"], large, expect=expect)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before  # what earlier tests left may close meanwhile
