"""The store is away, or screening fails: listed mail is never taken unrecorded, everybody else's flows on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from filters.disposition import Mode, Tier
from gateway.clock import SystemClock
from gateway.model.case import DeliveryState
from tests.support.gateway import running_gateway, write_configuration

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.databases import PostgresServer
    from tests.support.gateway import Running
    from tests.support.mta import ScriptedMTA

LISTED = b"From: liaison@mission.example\r\nSubject: Request\r\n\r\nPlease send us the file.\r\n"
CLEAN = b"From: resident@town.example\r\nSubject: Hello\r\n\r\nGood day.\r\n"
SENDER = "liaison@mission.example"


@pytest.fixture
def gateway(on_postgres: Running) -> Running:
    return on_postgres


async def test_listed_mail_is_told_to_come_back_and_clean_mail_flows(
    gateway: Running, postgres: PostgresServer, postgres_database: str
) -> None:
    postgres.shut(postgres_database)
    await gateway.send("resident@town.example", ["desk@police.example"], CLEAN, expect="250 2.0.0")
    await gateway.send(SENDER, ["desk@police.example"], LISTED, expect="451 4.3.0")
    postgres.reopen(postgres_database)
    await gateway.send(SENDER, ["desk@police.example"], LISTED, expect="250 2.0.0")
    assert len(await gateway.cases()) == 1
    assert [message.behind_received for message in gateway.next_hop.messages[:1]] == [CLEAN]


async def test_emergency_recipients_are_served_once_although_the_store_is_away(
    gateway: Running, postgres: PostgresServer, postgres_database: str
) -> None:
    postgres.shut(postgres_database)
    recipients = ["dispatch@police.example", "desk@police.example"]
    await gateway.send(SENDER, recipients, LISTED, expect="451 4.3.0")
    await gateway.send(SENDER, recipients, LISTED, expect="451 4.3.0")
    assert [message.recipients for message in gateway.next_hop.messages] == [["dispatch@police.example"]]
    postgres.reopen(postgres_database)
    await gateway.send(SENDER, recipients, LISTED, expect="250 2.0.0")
    (file,) = await gateway.cases()
    assert {one.recipient: one.state for one in file.deliveries} == {
        "dispatch@police.example": DeliveryState.RELAYED,
        "desk@police.example": DeliveryState.HELD,
    }
    assert sum(b"Please send us" in message.content for message in gateway.next_hop.messages) == 1


async def test_observe_never_refuses_for_the_store(
    gateway: Running, postgres: PostgresServer, postgres_database: str
) -> None:
    await gateway.desk.modes.set(Mode.OBSERVE, actor="test:admin")
    await gateway.desk.rulebooks.load()
    postgres.shut(postgres_database)
    await gateway.send(SENDER, ["desk@police.example"], LISTED, expect="250 2.0.0")
    postgres.reopen(postgres_database)
    assert [message.behind_received for message in gateway.next_hop.messages] == [LISTED]


async def test_the_outbox_goes_on_when_the_store_is_back(
    gateway: Running, postgres: PostgresServer, postgres_database: str
) -> None:
    gateway.smarthost.script = lambda stage, _link: "451 4.7.1 later" if stage.startswith("MAIL") else None
    await gateway.send(SENDER, ["desk@police.example"], LISTED)
    postgres.shut(postgres_database)
    gateway.smarthost.script = lambda _stage, _link: None
    postgres.reopen(postgres_database)
    await gateway.smarthost.arrived()


async def test_an_emergency_tier_stands_in_the_record(gateway: Running) -> None:
    await gateway.send(SENDER, ["dispatch@police.example"], LISTED)
    (file,) = await gateway.cases()
    assert file.deliveries[0].tier is Tier.EMERGENCY


async def test_a_database_file_may_have_any_name(tmp_path: Path, next_hop: ScriptedMTA, smarthost: ScriptedMTA) -> None:
    place = tmp_path / "a b%41?c"
    place.mkdir()
    path = write_configuration(place, next_hop=next_hop.port, smarthost=None, url="sqlite:///l%20.db")
    async with running_gateway(path, SystemClock(), next_hop, smarthost):
        assert (place / "l%20.db").exists()
