"""Each served domain goes to its own next hop; nothing is relayed for strangers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.mta import ScriptedMTA

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.gateway import Running
    from tests.support.passage import Passage

MESSAGE = b"From: a@town.example\r\n\r\nGood day.\r\n"


@pytest.fixture
async def second_hop() -> AsyncIterator[ScriptedMTA]:
    mta = await ScriptedMTA().start()
    yield mta
    await mta.stop()


@pytest.fixture
async def two_routes(passage: Passage, second_hop: ScriptedMTA) -> Running:
    table = f'[[route]]\ndomains = ["fire.example"]\nnext_hop = ["127.0.0.1:{second_hop.port}"]\ntimeout = 5\n'
    return await passage.open(routes=table)


@pytest.mark.parametrize(
    "path",
    [
        "a@elsewhere.example",
        "a@sub.police.example",
        "a@police.example.elsewhere.example",
        "a@xpolice.example",
        "a@[127.0.0.1]",
        "a@[192.0.2.1]",
        "a@[IPv6:::1]",
        "a@localhost",
        "victim%elsewhere.example@police.example",
        "elsewhere.example!victim@police.example",
        '"victim@elsewhere.example"@police.example',
        '"victim%elsewhere.example"@police.example',
        "@police.example:victim@elsewhere.example",
        "@police.example,@other.police.example:victim@elsewhere.example",
        "@elsewhere.example:victim%elsewhere.example@police.example",
        "victim@elsewhere.example@police.example",
    ],
)
async def test_strangers_are_not_relayed_for(front: Running, path: str) -> None:
    client = await front.client()
    await client.say("MAIL FROM:<desk@police.example>", "250")
    reply = await client.say(f"RCPT TO:<{path}>")
    assert reply.startswith(("550 5.7.1", "501 5.1.3")), reply
    await client.say("DATA", "5")
    assert not [link for link in front.next_hop.links if any(line.startswith("MAIL") for line in link.commands)]


@pytest.mark.parametrize(
    ("path", "passed_on"),
    [
        ("Desk@POLICE.Example", "Desk@POLICE.Example"),
        ("desk@other.police.example", "desk@other.police.example"),
        ("@elsewhere.example:desk@police.example", "desk@police.example"),
        ('"two words"@police.example', '"two words"@police.example'),
        ("desk+tag=x/y@police.example", "desk+tag=x/y@police.example"),
        ("postmaster", "postmaster"),
        ("PostMaster", "PostMaster"),
    ],
)
async def test_served_recipients_are_passed_on_as_they_were_written(front: Running, path: str, passed_on: str) -> None:
    await front.send("a@town.example", [path], MESSAGE)
    assert front.next_hop.messages[0].recipients == [passed_on]


async def test_a_recipient_is_asked_for_and_served_once(front: Running) -> None:
    await front.send("a@town.example", ["desk@police.example", "desk@POLICE.example", "Desk@police.example"], MESSAGE)
    (message,) = front.next_hop.messages
    assert message.recipients == ["desk@police.example"]
    asked = [line for link in front.next_hop.links for line in link.commands if line.startswith("RCPT")]
    assert len(asked) == 1


async def test_a_recipient_on_another_route_is_asked_to_come_alone(
    two_routes: Running, second_hop: ScriptedMTA
) -> None:
    client = await two_routes.client()
    await client.say("MAIL FROM:<a@town.example>", "250")
    await client.say("RCPT TO:<desk@police.example>", "250")
    await client.say("RCPT TO:<chief@fire.example>", "452 4.5.3")
    await client.say("RCPT TO:<front@police.example>", "250")
    await client.content(MESSAGE, "250")
    await client.mail("a@town.example", ["chief@fire.example"], MESSAGE, expect="250")
    assert [message.recipients for message in two_routes.next_hop.messages] == [
        ["desk@police.example", "front@police.example"]
    ]
    assert [message.recipients for message in second_hop.messages] == [["chief@fire.example"]]


async def test_a_route_whose_recipients_were_all_refused_does_not_bind_the_others(
    two_routes: Running, second_hop: ScriptedMTA
) -> None:
    two_routes.next_hop.script = lambda said, _link: "550 5.1.1 nobody" if said.startswith("RCPT") else None
    client = await two_routes.client()
    await client.say("MAIL FROM:<a@town.example>", "250")
    await client.say("RCPT TO:<desk@police.example>", "550 5.1.1")
    await client.say("RCPT TO:<chief@fire.example>", "250")
    await client.content(MESSAGE, "250")
    assert len(second_hop.messages) == 1


async def test_a_bare_postmaster_belongs_to_the_first_route(two_routes: Running, second_hop: ScriptedMTA) -> None:
    await two_routes.send("a@town.example", ["postmaster"], MESSAGE)
    assert [message.recipients for message in two_routes.next_hop.messages] == [["postmaster"]]
    assert second_hop.messages == []


async def test_ehlo_offers_what_all_next_hops_have(two_routes: Running, second_hop: ScriptedMTA) -> None:
    second_hop.drop_links()
    second_hop.keywords = ("PIPELINING", "SIZE 2000000")
    await two_routes.send("a@town.example", ["chief@fire.example"], MESSAGE)
    client = await two_routes.client(hello=None)
    await client.hear("220")
    lines = (await client.say("EHLO client.example", "250")).split("\n")
    assert not {line[4:] for line in lines} & {"SMTPUTF8", "8BITMIME"}
    assert any("SIZE 1934464" in line for line in lines)


async def test_a_next_hop_that_is_down_does_not_stop_the_other_route(
    two_routes: Running, second_hop: ScriptedMTA
) -> None:
    await second_hop.stop()
    client = await two_routes.client()
    await client.say("MAIL FROM:<a@town.example>", "250")
    await client.say("RCPT TO:<chief@fire.example>", "451 4.4.1")
    await client.say("RCPT TO:<desk@police.example>", "250")
    await client.content(MESSAGE, "250")
