"""Connections to the next hop are kept and worn out; their death costs the client nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.support.mta import DROP

if TYPE_CHECKING:
    from tests.support.dialogue import Dialogue
    from tests.support.gateway import Running
    from tests.support.mta import Link
    from tests.support.passage import Passage

MESSAGE = b"From: a@town.example\r\n\r\nGood day.\r\n"
DESK = ["desk@police.example"]


def used(front: Running) -> list[Link]:
    """The connections on which a mail transaction was begun."""
    return [link for link in front.next_hop.links if any(command.startswith("MAIL") for command in link.commands)]


async def warm(front: Running, count: int) -> None:
    """So many idle connections in the pool."""
    clients = [await front.client() for _ in range(count)]
    for client in clients:
        await client.say("MAIL FROM:<a@town.example>", "250")
        await client.say("RCPT TO:<desk@police.example>", "250")
    for client in clients:
        await client.content(MESSAGE, "250")
    front.next_hop.messages.clear()


async def opened(front: Running) -> Dialogue:
    """A client whose DATA was answered 354 and that has sent the first half of its message."""
    client = await front.client()
    for line in ("MAIL FROM:<a@town.example>", "RCPT TO:<desk@police.example>", "RCPT TO:<two@police.example>"):
        await client.say(line, "250")
    await client.say("DATA", "354")
    client.send(MESSAGE)
    return client


async def test_idle_connections_that_the_next_hop_closed_are_not_used(front: Running) -> None:
    await warm(front, 3)
    front.next_hop.drop_links()
    await front.send("b@town.example", DESK, MESSAGE)
    assert len(front.next_hop.messages) == 1


@pytest.mark.parametrize("stage", ["MAIL", "RCPT"])
@pytest.mark.parametrize("answer", [DROP, "421 4.4.2 Timeout"])
async def test_idle_connections_that_are_dead_without_a_word_cost_the_client_nothing(
    front: Running, stage: str, answer: str
) -> None:
    await warm(front, 4)
    old = len(front.next_hop.links)
    front.next_hop.script = lambda said, link: answer if link.number < old and said.startswith(stage) else None
    for _ in range(3):
        await front.send("b@town.example", DESK, MESSAGE)
    assert [message.recipients for message in front.next_hop.messages] == [DESK] * 3


async def test_a_connection_that_dies_between_two_recipients_costs_the_client_nothing(front: Running) -> None:
    client = await front.client()
    await client.say("MAIL FROM:<a@town.example>", "250")
    await client.say("RCPT TO:<one@police.example>", "250")
    front.next_hop.drop_links()
    await client.say("RCPT TO:<two@police.example>", "250")
    await client.content(MESSAGE, "250")
    (message,) = front.next_hop.messages
    assert message.recipients == ["one@police.example", "two@police.example"]


async def test_a_connection_that_dies_in_a_slow_upload_costs_the_client_nothing(front: Running) -> None:
    client = await opened(front)
    front.next_hop.drop_links()
    await asyncio.sleep(0.05)
    client.send(MESSAGE + b".\r\n")
    await client.hear("250 2.0.0")
    (message,) = front.next_hop.messages
    assert message.behind_received == MESSAGE + MESSAGE
    assert message.recipients == ["desk@police.example", "two@police.example"]


@pytest.mark.parametrize("answer", [DROP, "421 4.4.2 Timeout"])
async def test_a_pooled_connection_that_turns_out_dead_at_data_costs_the_client_nothing(
    front: Running, answer: str
) -> None:
    await warm(front, 1)
    old = len(front.next_hop.links)
    front.next_hop.script = lambda said, link: answer if said == "DATA" and link.number < old else None
    client = await opened(front)
    client.send(b".\r\n")
    await client.hear("250 2.0.0")
    assert len(front.next_hop.messages) == 1


async def test_a_recipient_that_is_refused_when_it_is_asked_again_is_a_451(front: Running) -> None:
    client = await opened(front)
    front.next_hop.drop_links()
    front.next_hop.script = lambda said, _link: "550 5.1.1 gone" if said.startswith("RCPT TO:<two") else None
    await asyncio.sleep(0.05)
    client.send(b".\r\n")
    await client.hear("451 4.3.0")
    assert front.next_hop.messages == []


async def test_421_retires_a_connection(front: Running) -> None:
    front.next_hop.script = lambda said, _link: "421 4.3.2 Closing" if said == "content" else None
    client = await front.client()
    await client.mail("a@town.example", DESK, MESSAGE, expect="451 4.3.2")
    front.next_hop.script = lambda _said, _link: None
    await client.mail("b@town.example", DESK, MESSAGE, expect="250")
    assert len(used(front)) == 2


async def test_ten_refusals_without_a_delivery_retire_a_connection(front: Running) -> None:
    front.next_hop.script = lambda said, _link: "550 5.1.1 nobody" if "nobody" in said else None
    client = await front.client()
    for turn in range(3):
        await client.say("MAIL FROM:<a@town.example>", "250")
        for number in range(4):
            await client.say(f"RCPT TO:<nobody{turn}{number}@police.example>", "550 5.1.1")
        await client.say("RSET", "250")
    await client.mail("b@town.example", DESK, MESSAGE, expect="250")
    assert len(used(front)) == 2


async def test_a_delivery_forgives_the_refusals_before_it(front: Running) -> None:
    front.next_hop.script = lambda said, _link: "550 5.1.1 nobody" if "nobody" in said else None
    client = await front.client()
    for _ in range(4):
        await client.say("MAIL FROM:<a@town.example>", "250")
        for number in range(6):
            await client.say(f"RCPT TO:<nobody{number}@police.example>", "550")
        await client.say("RCPT TO:<desk@police.example>", "250")
        await client.content(MESSAGE, "250")
    assert len(used(front)) == 1


async def test_a_hundred_transactions_retire_a_connection(front: Running) -> None:
    client = await front.client()
    for number in range(101):
        await client.say("MAIL FROM:<a@town.example>", "250")
        await client.say("RCPT TO:<desk@police.example>", "250")
        if number % 10:
            await client.content(MESSAGE, "250")
        else:
            await client.say("RSET", "250")
    assert [sum(command.startswith("MAIL") for command in link.commands) for link in used(front)] == [100, 1]


async def test_an_abandoned_transaction_is_reset_before_the_next(front: Running) -> None:
    client = await front.client()
    await client.say("MAIL FROM:<a@town.example>", "250")
    await client.say("RCPT TO:<one@police.example>", "250")
    await client.say("QUIT", "221")
    await asyncio.sleep(0.1)
    await front.send("b@town.example", DESK, MESSAGE)
    (message,) = front.next_hop.messages
    assert (message.reverse_path, message.recipients) == ("b@town.example", DESK)
    (link,) = used(front)
    commands = [command.split(" ")[0] for command in link.commands]
    assert commands[-6:] == ["MAIL", "RCPT", "RSET", "MAIL", "RCPT", "DATA"]


@pytest.mark.parametrize("wait", [0, 0.02, 0.1, 0.2])
async def test_a_client_that_leaves_while_its_recipient_is_asked_leaves_the_connection_clean(
    front: Running, wait: float
) -> None:
    """The next hop is still answering MAIL and RCPT when its transaction is over."""
    front.next_hop.delay = 0.1
    client = await front.client()
    client.send(b"MAIL FROM:<gone@town.example>\r\nRCPT TO:<one@police.example>\r\n")
    await asyncio.sleep(wait)
    await client.close()
    client = await front.client()
    await client.mail("b@town.example", DESK, MESSAGE, expect="250")
    await asyncio.sleep(0.5)
    await client.mail("c@town.example", DESK, MESSAGE, expect="250")
    assert [(one.reverse_path, one.recipients) for one in front.next_hop.messages] == [
        ("b@town.example", DESK),
        ("c@town.example", DESK),
    ]
    for link in front.next_hop.links:
        verbs = "".join(command[0] for command in link.commands if command[:4] in {"MAIL", "DATA", "RSET"})
        assert "MM" not in verbs, "a transaction was left open on a connection that others use"
        assert not verbs.endswith("M"), "a connection was kept by nobody"


async def test_a_client_that_leaves_after_its_final_dot_has_its_message_delivered(front: Running) -> None:
    front.next_hop.delay = 0.05
    client = await opened(front)
    client.send(b".\r\n")
    await asyncio.sleep(0.02)
    await client.close()
    await front.next_hop.arrived()


async def test_the_next_hop_sees_no_more_connections_than_transactions_at_once(passage: Passage) -> None:
    front = await passage.open()
    clients = [await front.client() for _ in range(20)]
    for _ in range(5):
        await asyncio.gather(*(client.mail("a@town.example", DESK, MESSAGE, expect="250") for client in clients))
    assert len(front.next_hop.links) <= 21
    assert len(front.next_hop.messages) == 100


@pytest.mark.parametrize("more", ["garbage", "451 4.3.0 no", "552 5.3.4 no", "250 2.0.0 done", "421 4.4.2 bye"])
async def test_a_next_hop_that_says_more_than_354_gets_no_content_on_that_connection(front: Running, more: str) -> None:
    """In one segment with it: the message goes out once, on another connection, and the client is told so."""
    await warm(front, 1)
    old = len(front.next_hop.links)
    said = f"354 go\r\n{more}"
    front.next_hop.script = lambda stage, link: said if stage == "DATA" and link.number < old else None
    await front.send("b@town.example", DESK, MESSAGE)
    assert [message.recipients for message in front.next_hop.messages] == [DESK]


async def test_recipients_survive_two_deaths_of_the_connection(front: Running) -> None:
    client = await front.client()
    await client.say("MAIL FROM:<a@town.example>", "250")
    await client.say("RCPT TO:<one@police.example>", "250")
    dying: set[str] = {"RCPT TO:<two", "RCPT TO:<three"}

    def script(stage: str, _link: Link) -> str | None:
        for begins in dying:
            if stage.startswith(begins):
                dying.remove(begins)
                return DROP
        return None

    front.next_hop.script = script
    await client.say("RCPT TO:<two@police.example>", "250")
    await client.say("RCPT TO:<three@police.example>", "250")
    await client.content(MESSAGE, "250")
    (message,) = front.next_hop.messages
    assert message.recipients == [f"{name}@police.example" for name in ("one", "two", "three")]
    last = used(front)[-1].commands
    assert [command[:12] for command in last if not command.startswith("EHLO")].count("RCPT TO:<one") == 1
