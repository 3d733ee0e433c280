"""Mail from nobody on the lists passes straight through, octet by octet, and leaves nothing behind."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.gateway import Running

ORDINARY = b"From: Resident <resident@town.example>\r\nTo: desk@police.example\r\nSubject: Hello\r\n\r\nGood day.\r\n"


async def test_clean_mail_arrives_behind_one_received_field(gateway: Running) -> None:
    reply = await gateway.send("resident@town.example", ["desk@police.example"], ORDINARY)
    (message,) = await gateway.next_hop.arrived()
    assert reply == "250 2.0.0 Message accepted"
    assert message.behind_received == ORDINARY
    assert (message.reverse_path, message.recipients) == ("resident@town.example", ["desk@police.example"])
    assert await gateway.cases() == []
    assert await gateway.items() == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\r\n",
        b".\r\n",
        b"no header at all\r\n",
        b"A: b\r\n\r\n.\r\n..\r\n...\r\n.x\r\n",
        b"A: b\r\n\r\n" + bytes(range(1, 10)) + b"\x0b\x0c" + bytes(range(14, 256)) + b"\r\n",
        b"A: b\r\n\r\n\0nul\0\r\n",
        b"A: b\r\n\r\n" + b"x" * 1_000_000 + b"\r\n",
        b"A: b\r\n\r\n" + b"line of text\r\n" * 200_000,
        b"X: y\r\n" * 900 + b"\r\nbody\r\n",
    ],
    ids=["empty", "empty line", "dot", "no header", "dots", "octets", "nul", "long line", "2.8 MB", "900 fields"],
)
async def test_content_arrives_octet_by_octet(gateway: Running, content: bytes) -> None:
    await gateway.send("a@town.example", ["desk@police.example"], content)
    (message,) = await gateway.next_hop.arrived()
    assert message.behind_received == content


async def test_many_transactions_in_one_session_reuse_one_next_hop_connection(gateway: Running) -> None:
    client = await gateway.client()
    for number in range(30):
        await client.mail("a@town.example", ["desk@police.example"], ORDINARY + b"%d\r\n" % number, expect="250")
    assert len(gateway.next_hop.messages) == 30
    busy = [link for link in gateway.next_hop.links if any("MAIL" in command for command in link.commands)]
    assert len(busy) == 1


async def test_parallel_sessions_do_not_mix_their_messages(gateway: Running) -> None:
    async def one(number: int) -> None:
        client = await gateway.client()
        for turn in range(5):
            body = b"%d-%d\r\n" % (number, turn)
            await client.mail(f"s{number}@town.example", [f"r{number}@police.example"], ORDINARY + body, expect="250")

    await asyncio.gather(*(one(number) for number in range(20)))
    assert len(gateway.next_hop.messages) == 100
    for message in gateway.next_hop.messages:
        number = message.reverse_path[1:].partition("@")[0]
        assert message.recipients == [f"r{number}@police.example"]
        assert message.content.endswith(b"\r\n") and message.content.split(b"\r\n")[-2].startswith(
            number.encode() + b"-"
        )


async def test_bare_newlines_leave_as_clean_line_ends(gateway: Running) -> None:
    await gateway.send("a@town.example", ["desk@police.example"], b"A: b\r\n\r\none\ntwo\n.\nthree\rfour\r\n")
    (message,) = await gateway.next_hop.arrived()
    assert message.behind_received == b"A: b\r\n\r\none\r\ntwo\r\n.\r\nthree four\r\n"


async def test_forged_fields_of_ours_are_taken_out_and_foreign_ones_stay(gateway: Running) -> None:
    foreign = b"Authentication-Results: elsewhere.example; spf=pass\r\n"
    forged = b"x-liaison-flag : tier=clear\r\n folded\r\nAuthentication-Results: MX.police.example; dkim=pass\r\n"
    await gateway.send("a@town.example", ["desk@police.example"], foreign + forged + ORDINARY)
    (message,) = await gateway.next_hop.arrived()
    assert message.behind_received == foreign + ORDINARY
