"""A database that takes connections and says nothing: the most patient of all failures, and nobody waits for its end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from gateway.clock import SystemClock
from tests.support.gateway import running_gateway, write_configuration
from tests.support.mta import ScriptedMTA
from tests.support.stalling import StallingWay

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.databases import PostgresServer
    from tests.support.gateway import Running

pytestmark = pytest.mark.xdist_group("kills")
CLEAN = b"From: resident@town.example\r\nSubject: Hello\r\n\r\nGood day.\r\n"
SENDER, DESK, DISPATCH = "liaison@mission.example", "desk@police.example", "dispatch@police.example"
ANSWER_WITHIN = 90.0
"""Seconds for the answer to the final dot, whatever happens."""


@pytest.fixture
async def way(postgres: PostgresServer) -> AsyncIterator[StallingWay]:
    way = await StallingWay(postgres.directory / ".s.PGSQL.5432").start()
    yield way
    await way.stop()


@pytest.mark.timeout(150)
async def test_listed_mail_is_told_to_come_back_in_time_and_all_other_mail_flows(
    tmp_path: Path, way: StallingWay, postgres_database: str
) -> None:
    next_hop, smarthost = await ScriptedMTA().start(), await ScriptedMTA().start()
    url = f"postgresql://postgres@127.0.0.1:{way.port}/{postgres_database}"
    path = write_configuration(tmp_path, next_hop=next_hop.port, smarthost=smarthost.port, url=url)
    async with running_gateway(path, SystemClock(), next_hop, smarthost) as gateway:
        assert await answer(gateway, 0, DESK) == "250 2.0.0 Message accepted"
        way.stall()
        stuck = [asyncio.ensure_future(answer(gateway, 1, DESK, DISPATCH)) for _ in range(8)]
        for _ in range(20):
            await gateway.send("resident@town.example", [DESK], CLEAN)
        assert not any(one.done() for one in stuck)
        assert {reply[:9] for reply in await asyncio.gather(*stuck)} == {"451 4.3.0"}
        await gateway.send("resident@town.example", [DESK], CLEAN)
        way.flow()
        await taken(gateway, 1, DESK, DISPATCH)
        assert len(await gateway.cases()) == 2
        await smarthost.arrived(2)
        assert len([message for message in next_hop.messages if b"Message-ID: <1@" in message.content]) >= 1
    await next_hop.stop()
    await smarthost.stop()


async def taken(gateway: Running, number: int, *recipients: str) -> None:
    """The sender tries again, as senders do."""
    async with asyncio.timeout(30):
        while not (await answer(gateway, number, *recipients)).startswith("250"):
            await asyncio.sleep(0.2)


async def answer(gateway: Running, number: int, *recipients: str) -> str:
    """The answer to the final dot of a listed message."""
    client = await gateway.client()
    await client.say(f"MAIL FROM:<{SENDER}>", "250")
    for recipient in recipients:
        await client.say(f"RCPT TO:<{recipient}>", "250")
    await client.say("DATA", "354")
    client.send(f"From: {SENDER}\r\nMessage-ID: <{number}@mission.example>\r\n\r\nWe ask.\r\n.\r\n".encode())
    return await client.hear(within=ANSWER_WITHIN)
