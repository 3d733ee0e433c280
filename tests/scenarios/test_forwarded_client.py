"""Behind a relay that says XFORWARD, the client that is recorded is the sender's server, not the relay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from structlog.testing import capture_logs

if TYPE_CHECKING:
    from tests.support.gateway import Running
    from tests.support.passage import Passage

DESK = ["desk@police.example"]
LISTED = b"From: liaison@mission.example\r\nTo: desk@police.example\r\nSubject: Request\r\n\r\nPlease send it.\r\n"
CLEAN = b"From: resident@town.example\r\nSubject: Hello\r\n\r\nGood day.\r\n"
TOLD = 'xclient_from = ["127.0.0.0/8"]'
SENDER = "XFORWARD ADDR=198.51.100.7 NAME=mx.mission.example HELO=mx.mission.example PROTO=ESMTP"


async def recorded(front: Running, *commands: str) -> tuple[str, str]:
    """Address and HELO in the case of a listed message before which the relay said these commands."""
    client = await front.client(hello="relay.example")
    for command in commands:
        await client.say(command, "250 2.0.0")
    await client.mail("liaison@mission.example", DESK, LISTED, expect="250 2.0.0")
    (file,) = await front.cases()
    return file.case.client_ip, file.case.helo


async def test_the_case_names_the_client_that_the_relay_told_of(passage: Passage) -> None:
    assert await recorded(await passage.open(smtp=TOLD), SENDER) == ("198.51.100.7", "mx.mission.example")


async def test_a_relay_that_does_not_know_leaves_the_address_open(passage: Passage) -> None:
    address, _ = await recorded(await passage.open(smtp=TOLD), "XFORWARD ADDR=[UNAVAILABLE] NAME=[UNAVAILABLE]")
    assert address == ""


async def test_a_client_that_tells_of_nobody_is_named_itself(passage: Passage) -> None:
    assert await recorded(await passage.open(smtp=TOLD)) == ("127.0.0.1", "relay.example")


async def test_the_log_names_the_client_of_each_mail_transaction_and_forgets_it_after(passage: Passage) -> None:
    front = await passage.open(smtp=TOLD)
    client = await front.client(hello="relay.example")
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        for command in (SENDER, "XFORWARD ADDR=[UNAVAILABLE]", "NOOP"):
            await client.say(command, "250 2.0.0")
            await client.mail("resident@town.example", DESK, CLEAN, expect="250 2.0.0")
    told = [line["client"] for line in lines if line["event"] == "transaction"]
    assert told == ["198.51.100.7", "127.0.0.1", "127.0.0.1"]
