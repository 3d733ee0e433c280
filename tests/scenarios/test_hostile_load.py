"""Under hostile load a process stays small, ordinary mail passes, and the service answers afterwards.

Each attack comes as clean mail, which is only looked through, and at the same time as mail in a listed name, which
takes the heavy paths: signatures, calendars, the record, the report. `pytest -s` shows how much memory each took.
"""

from __future__ import annotations

import asyncio
import base64
import random
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING

import pytest

from tests.support.gateway import write_configuration
from tests.support.mta import HANG
from tests.support.nameserver import STANDING_RECORDS, name_server
from tests.support.served import serve
from tests.support.siege import MIB, Siege, besieged, header, repeated
from tests.support.signatures import KeyPair, key_pair

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
    from pathlib import Path

    from tests.support.mta import Link, ScriptedMTA
    from tests.support.served import Served

pytestmark = pytest.mark.xdist_group("siege")
__all__ = ["key_pair", "serve"]

CLEAN, LISTED = "writer@town.example", "office@mission.example"
MIXED = b'Content-Type: multipart/mixed; boundary="b"'
SIGNATURE = (
    b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=mission.example; s=s1; h=from; "
     b"bh=" + base64.b64encode(b"x" * 32) + b"; b=" + base64.b64encode(b"x" * 256)
)  # fmt: skip
INVITATION = b"--b\r\nContent-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\r\nORGANIZER:mailto:a@mission.example\r\n"
LARGE = 48 * MIB


@pytest.fixture
async def siege(
    tmp_path: Path,
    sqlite_url: str,
    next_hop: ScriptedMTA,
    key_pair: KeyPair,
    serve: Callable[[Path], Awaitable[Served]],
) -> AsyncIterator[Siege]:
    """With room for a thousand clients, a name server that has a key for the listed domain, and a way out for reports."""
    (tmp_path / "keys").write_text("k1 " + base64.b64encode(b"k" * 32).decode(), encoding="ascii")
    public = {("s1._domainkey.mission.example", "TXT"): [key_pair.record]}
    async with AsyncExitStack() as stack:
        names = await stack.enter_async_context(name_server({**STANDING_RECORDS, **public}))
        path = write_configuration(
            tmp_path,
            next_hop=next_hop.port,
            smarthost=next_hop.port,
            url=f'{sqlite_url}"\nkey_file = "keys',
            name_server=names.port,
            smtp="max_connections = 1500\nmax_connections_per_client = 1500",
        )
        yield await stack.enter_async_context(besieged(await serve(path), next_hop))


async def from_both(siege: Siege, content: Callable[[str], Iterable[bytes]], times: int = 2) -> set[str]:
    """The content, made for each author, so many times from each, all at once; the codes of the answers."""
    replies = await asyncio.gather(*(siege.message(author, content(author)) for author in (CLEAN, LISTED) * times))
    return {reply[:9] for reply in replies}


async def test_a_thousand_idle_connections(siege: Siege) -> None:
    clients = [await siege.client() for _ in range(1000)]
    await asyncio.sleep(0.5)
    for client in clients:
        await client.close()


async def test_two_hundred_clients_that_send_an_octet_a_second(siege: Siege) -> None:
    clients = [await siege.data(author) for author in (CLEAN, LISTED) * 100]
    for octet in b"Fr":
        for client in clients:
            client.send(bytes([octet]))
        await asyncio.sleep(1)
    for client in clients:
        await client.close()


async def test_a_hundred_thousand_parts(siege: Siege) -> None:
    parts = b"--b\r\nContent-Type: text/calendar\r\n\r\nx\r\n" * 100_000
    assert await from_both(siege, lambda author: [header(author, MIXED, SIGNATURE), parts]) == {"250 2.0.0"}


@pytest.mark.parametrize("kind", [b"message/rfc822", b'multipart/mixed; boundary="b%d"'])
async def test_a_thousand_messages_inside_each_other(siege: Siege, kind: bytes) -> None:
    types = [kind % number if b"%" in kind else kind for number in range(1000)]
    nested = b"".join(b"--b%d\r\nContent-Type: %s\r\n\r\n" % (level - 1, one) for level, one in enumerate(types))
    first = b'Content-Type: multipart/mixed; boundary="b-1"'
    assert await from_both(siege, lambda author: [header(author, SIGNATURE, first), nested, INVITATION]) == {
        "250 2.0.0"
    }


async def test_one_line_of_fifty_megabytes(siege: Siege) -> None:
    assert await from_both(siege, lambda author: [header(author, SIGNATURE), *repeated(b"x", LARGE)]) == {"554 5.6.0"}


async def test_a_command_line_without_an_end(siege: Siege) -> None:
    client = await siege.client()
    for piece in repeated(b"MAIL FROM:<a@mission.example> ", LARGE):
        await client.push(piece)
    client.send(b"\r\n")
    await client.hear("500 5.5.2")
    await client.close()


async def test_random_octets_instead_of_commands(siege: Siege) -> None:
    dice = random.Random(5)
    for _ in range(20):
        client = await siege.client(hello=None)
        with suppress(ConnectionError):
            for _ in range(4):
                await client.push(dice.randbytes(MIB // 4))
        await client.close()


async def test_random_octets_as_content(siege: Siege) -> None:
    dice = random.Random(5)
    octets = [dice.randbytes(MIB // 4).replace(b"\0", b"x") for _ in range(LARGE // (MIB // 4))]
    assert await from_both(siege, lambda author: [header(author, SIGNATURE), *octets]) == {"250 2.0.0"}


async def test_millions_of_lone_dots_and_one_nul(siege: Siege) -> None:
    """Any of them could be hidden behind a NUL, and has to be looked at."""
    assert await from_both(
        siege, lambda author: [header(author, SIGNATURE), b"\0\r\n", *repeated(b"..\r\n", LARGE)]
    ) == {"250 2.0.0"}


async def test_large_reports_to_a_smarthost_that_hangs(siege: Siege) -> None:
    """Each is as large as a report may be; the notices, which are small, leave all the same."""
    siege.next_hop.script = _hang_on_reports
    for number in range(10):
        letter = header(LISTED, b"Message-ID: <%d@mission.example>" % number)
        assert (await siege.message(LISTED, [letter, *repeated(b"\xe9" * 76 + b"\r\n", 9 * MIB)])).startswith("250")
    async with asyncio.timeout(60):
        while sum(message.reverse_path == "" for message in siege.next_hop.messages) < 10:
            await asyncio.sleep(0.1)
    assert any("collation" in command for link in siege.next_hop.links for command in link.commands)


def _hang_on_reports(line: str, link: Link) -> str | None:
    return HANG if line == "content" and any("collation@" in command for command in link.commands[-2:]) else None


async def test_a_header_section_of_nothing_but_fields(siege: Siege) -> None:
    """As many as are allowed; lines that only some readers take for fields; and without an end."""
    assert await from_both(siege, lambda author: [header(author, SIGNATURE, *[b"X: y"] * 990)]) == {"250 2.0.0"}
    assert await from_both(siege, lambda author: [header(author, SIGNATURE, *[b"\x80: y"] * 40_000)]) == {"250 2.0.0"}
    endless = await from_both(siege, lambda author: [header(author)[:-2], *repeated(b"X: y\r\n", LARGE)])
    assert endless == {"554 5.6.0"}


@pytest.mark.parametrize("line", [b" \t x" * 15 + b"\r\n", b"\r\n", b"--b\r\nContent-Type: text/calendar\r\n\r\n"])
async def test_large_messages_that_are_costly_to_make_canonical_or_to_walk(siege: Siege, line: bytes) -> None:
    def content(author: str) -> Iterable[bytes]:
        return [header(author, MIXED, SIGNATURE), INVITATION, *repeated(line, LARGE)]

    assert await from_both(siege, content) == {"250 2.0.0"}


@pytest.mark.parametrize("line", [b"\n", b"..\r\n"])
async def test_large_messages_of_nothing_but_line_ends_that_must_be_mended_or_dots(siege: Siege, line: bytes) -> None:
    """With one NUL, after which a hidden dot is looked for. Others are served meanwhile."""
    answers = await from_both(siege, lambda author: [header(author), b"\0\r\n", *repeated(line, LARGE)], times=1)
    assert answers == {"250 2.0.0"}
    assert max(siege.seconds) < 10


async def test_large_mail_in_a_listed_name_whose_reports_are_all_due_at_once(siege: Siege) -> None:
    """As many as leave by themselves in a day, each with an original that travels in base64, to a slow smarthost."""
    line = b"\xe9" * 70 + b"\r\n"
    siege.next_hop.delay = 0.5
    replies = await asyncio.gather(
        *(siege.message(LISTED, [header(LISTED, b"X: %d" % number), *repeated(line, 9 * MIB)]) for number in range(10))
    )
    assert {reply[:9] for reply in replies} == {"250 2.0.0"}
    await asyncio.sleep(3)
    siege.next_hop.delay = 0
    async with asyncio.timeout(60):
        while sum(len(message.content) > 9 * MIB for message in siege.next_hop.messages) < 3:
            await asyncio.sleep(0.2)
