"""The next hop is told who the client was, where its route says so and its EHLO offers it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.support.mta import DROP

if TYPE_CHECKING:
    from tests.support.gateway import Running
    from tests.support.mta import Link
    from tests.support.passage import Passage

MESSAGE = b"From: a@town.example\r\n\r\nGood day.\r\n"
DESK = ["desk@police.example"]
ATTRIBUTES = "NAME ADDR PORT PROTO HELO"
TOLD = 'xclient_from = ["127.0.0.0/8"]'


async def front_of(passage: Passage, how: str, *keywords: str) -> Running:
    """A gateway whose next hop offers these, for clients that may say XCLIENT."""
    passage.next_hop.keywords = ("PIPELINING", "8BITMIME", "SMTPUTF8", *keywords)
    passage.next_hop.script = lambda said, _link: "220 sink.example ESMTP" if said.startswith("XCLIENT") else None
    return await passage.open(smtp=TOLD, route=f'timeout = 5\nclient = "{how}"')


def said(front: Running, *verbs: str) -> list[str]:
    """What the next hop heard that begins with one of these."""
    return [line for link in front.next_hop.links for line in link.commands if line.startswith(verbs)]


async def test_xforward_goes_before_each_mail_transaction_of_a_pooled_connection(passage: Passage) -> None:
    front = await front_of(passage, "xforward", f"XFORWARD {ATTRIBUTES} IDENT SOURCE")
    client = await front.client(hello="relay.example")
    await client.say("XFORWARD NAME=mail.town.example ADDR=198.51.100.7 PORT=4000 PROTO=SMTP HELO=t+2Btown", "250")
    for sender in ("a@town.example", "b@town.example"):
        await client.mail(sender, DESK, MESSAGE, expect="250")
    first, mail, second, again = said(front, "XFORWARD", "MAIL")
    assert first == (
        "XFORWARD HELO=t+2Btown PROTO=SMTP NAME=mail.town.example PORT=4000 SOURCE=REMOTE ADDR=198.51.100.7"
    )
    assert second.startswith("XFORWARD HELO=relay.example PROTO=ESMTP NAME=[UNAVAILABLE] PORT=")
    assert second.endswith(" ADDR=127.0.0.1")
    assert (mail[:21], again[:21]) == ("MAIL FROM:<a@town.exa", "MAIL FROM:<b@town.exa")


async def test_only_what_is_announced_is_told(passage: Passage) -> None:
    front = await front_of(passage, "xforward", "XFORWARD helo addr")
    client = await front.client()
    await client.say("XCLIENT ADDR=IPV6:2001:db8::9 NAME=x.example", "220")
    await client.say("EHLO town.example", "250")
    await client.mail("a@town.example", DESK, MESSAGE, expect="250")
    assert said(front, "XFORWARD") == ["XFORWARD HELO=town.example ADDR=IPV6:2001:db8::9"]


@pytest.mark.parametrize(
    ("how", "keywords"),
    [
        ("none", (f"XFORWARD {ATTRIBUTES}", f"XCLIENT {ATTRIBUTES}")),
        ("xforward", (f"XCLIENT {ATTRIBUTES}",)),
        ("xclient", (f"XFORWARD {ATTRIBUTES}",)),
        ("xclient", ("XCLIENT HELO NAME",)),
    ],
)
async def test_a_next_hop_that_does_not_offer_it_hears_nothing_of_it(
    passage: Passage, how: str, keywords: tuple[str, ...]
) -> None:
    front = await front_of(passage, how, *keywords)
    await front.send("a@town.example", DESK, MESSAGE)
    assert said(front, "XFORWARD", "XCLIENT") == []


async def test_a_connection_that_was_given_to_one_client_by_xclient_serves_no_other(passage: Passage) -> None:
    front = await front_of(passage, "xclient", f"XCLIENT {ATTRIBUTES} LOGIN")
    client = await front.client()
    for address, helo in (("198.51.100.7", "town.example"), ("198.51.100.8", "village.example")):
        await client.say(f"XCLIENT ADDR={address} PORT=4000 LOGIN=joe", "220")
        await client.say(f"EHLO {helo}", "250")
        await client.mail("a@town.example", DESK, MESSAGE, expect="250")
    talks = [link.commands for link in front.next_hop.links if any(c.startswith("MAIL") for c in link.commands)]
    assert [talk[:4] for talk in talks] == [
        [
            "EHLO mx.police.example",
            f"XCLIENT HELO={helo} PROTO=ESMTP NAME=[UNAVAILABLE] PORT=4000 ADDR={address}",
            f"EHLO {helo}",
            "MAIL FROM:<a@town.example>",
        ]
        for address, helo in (("198.51.100.7", "town.example"), ("198.51.100.8", "village.example"))
    ]


async def test_a_helo_that_is_no_name_is_not_repeated_as_ours(passage: Passage) -> None:
    front = await front_of(passage, "xclient", f"XCLIENT {ATTRIBUTES}")
    client = await front.client()
    await client.say("XCLIENT ADDR=198.51.100.7 HELO=a+20b+3Dc", "220")
    await client.say("EHLO relay.example", "250")
    await client.mail("a@town.example", DESK, MESSAGE, expect="250")
    assert said(front, "XCLIENT")[0].startswith("XCLIENT HELO=a+20b+3Dc ")
    assert said(front, "EHLO")[-1] == "EHLO mx.police.example"


@pytest.mark.parametrize("how", ["xforward", "xclient"])
@pytest.mark.parametrize("refusal", ["550 5.7.0 insufficient authorization", "501 5.5.4 bad", "502 5.5.1 what"])
async def test_mail_passes_where_the_next_hop_will_not_be_told(passage: Passage, how: str, refusal: str) -> None:
    front = await front_of(passage, how, f"XFORWARD {ATTRIBUTES}", f"XCLIENT {ATTRIBUTES}")
    front.next_hop.script = lambda line, _link: refusal if line.startswith(("XFORWARD", "XCLIENT")) else None
    await front.send("a@town.example", DESK, MESSAGE)
    assert len(front.next_hop.messages) == 1


@pytest.mark.parametrize(
    ("stage", "answer", "expected"),
    [
        ("XCLIENT", "554 5.7.1 you are on a list", "554 5.7.1 you are on a list"),
        ("XCLIENT", "450 4.7.1 who are you", "450 4.7.1 who are you"),
        ("EHLO client", "550 5.7.1 a bad name", "550 5.7.1 a bad name"),
    ],
)
async def test_a_next_hop_that_refuses_the_client_refuses_its_recipients(
    passage: Passage, stage: str, answer: str, expected: str
) -> None:
    front = await front_of(passage, "xclient", f"XCLIENT {ATTRIBUTES}")
    usual = front.next_hop.script
    front.next_hop.script = lambda line, link: answer if line.startswith(stage) else usual(line, link)
    client = await front.client()
    await client.say("MAIL FROM:<a@town.example>", "250")
    await client.say("RCPT TO:<desk@police.example>", expected)
    await client.say("RCPT TO:<two@police.example>", expected)
    await client.say("QUIT", "221")


@pytest.mark.parametrize("how", ["xforward", "xclient"])
async def test_a_connection_that_died_costs_the_client_nothing_and_the_next_one_is_told_again(
    passage: Passage, how: str
) -> None:
    front = await front_of(passage, how, f"XFORWARD {ATTRIBUTES}", f"XCLIENT {ATTRIBUTES}")
    usual = front.next_hop.script
    died: list[Link] = []

    def dies_once(line: str, link: Link) -> str | None:
        if line.startswith(how.upper()) and not died:
            died.append(link)
            return DROP
        return usual(line, link)

    front.next_hop.script = dies_once
    await front.send("a@town.example", DESK, MESSAGE)
    assert len(died) == len(front.next_hop.messages) == 1
    assert len(said(front, how.upper())) == 2


@pytest.mark.parametrize("how", ["xforward", "xclient"])
async def test_the_second_round_of_a_flagged_message_is_told_too(passage: Passage, how: str) -> None:
    front = await front_of(passage, how, f"XFORWARD {ATTRIBUTES}", f"XCLIENT {ATTRIBUTES}")
    recipients = ["dispatch@police.example", "desk@police.example"]
    await front.send("a@flagged.example", recipients, MESSAGE)
    (one, two) = await front.next_hop.arrived(2)
    assert [one.recipients, two.recipients] == [recipients[:1], recipients[1:]]
    assert len(said(front, how.upper())) == (3 if how == "xforward" else 1)


async def test_clients_at_the_same_time_are_not_mixed_up(passage: Passage) -> None:
    front = await front_of(passage, "xforward", f"XFORWARD {ATTRIBUTES}")

    async def one(number: int) -> None:
        client = await front.client(hello=f"client-{number}.example")
        await client.mail(f"{number}@town.example", DESK, MESSAGE, expect="250")

    await asyncio.gather(*(one(number) for number in range(8)))
    for link in front.next_hop.links:
        heard = [line for line in link.commands if line.startswith(("XFORWARD", "MAIL"))]
        for told, mail in zip(heard[::2], heard[1::2], strict=True):
            assert told.partition(".example")[0].rpartition("-")[2] == mail[11:].partition("@")[0]
