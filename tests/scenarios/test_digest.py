"""The digest: once a day, on one node, when something waits."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gateway.clock import SystemClock
from gateway.errors import RefusedError
from gateway.model.lateness import Patience
from gateway.model.outbox import OutboxState, Purpose
from gateway.operations.digests import Digests
from tests.scenarios.test_outbox import LISTED, SENDER, settled
from tests.support.clocks import NOON, StoppedClock
from tests.support.gateway import running_gateway, write_configuration
from tests.support.records import a_delivery, record

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.store.unit_of_work import Store
    from tests.support.gateway import Running
    from tests.support.mta import ScriptedMTA


def nodes(store: Store, clock: StoppedClock, count: int = 1, hour: int = 11) -> list[Digests]:
    to = "records@police.example"
    return [Digests(store=store, clock=clock, recipient=to, hour=hour, patience=Patience()) for _ in range(count)]


async def test_of_several_nodes_one_writes_the_digest_of_a_day(store: Store, clock: StoppedClock) -> None:
    async with store.begin() as work:
        await record(work)
    written = await asyncio.gather(*(node.write_if_due() for node in nodes(store, clock, 4)))
    assert sum(item is not None for item in written) == 1
    clock.advance(86400)
    (node,) = nodes(store, clock)
    assert await node.write_if_due() is not None
    assert await node.write_if_due() is None


async def test_before_its_hour_there_is_no_digest(store: Store, clock: StoppedClock) -> None:
    async with store.begin() as work:
        await record(work)
    (early,) = nodes(store, clock, hour=13)
    assert await early.write_if_due() is None
    clock.advance(3600)
    assert await early.write_if_due() is not None


async def test_when_nothing_waits_there_is_no_digest(store: Store, clock: StoppedClock) -> None:
    (node,) = nodes(store, clock)
    assert await node.write_if_due() is None
    with pytest.raises(RefusedError, match="Nothing waits"):
        await node.write(actor="test:clerk")


async def test_it_counts_what_is_open(store: Store) -> None:
    async with store.begin() as work:
        first = await record(work)
        await record(work, None, b"From: a@b.example\r\n\r\nother\r\n", a_delivery("x@police.example"), a_delivery())
        await work.limits.refuse(Purpose.REPORT, NOON.date())
        digest = await work.digests.digest(NOON, Patience())
    assert (digest.held, digest.open_cases, digest.declines, digest.reports) == (2, 2, 2, 0)
    assert (digest.reports_past, digest.oldest) == (1, first.received_at)
    assert digest.references[0] == first.reference
    assert not replace(digest, held=0, declines=0).says_something


async def test_the_digest_arrives_at_the_records_mailbox(
    tmp_path: Path, database_url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> None:
    path = write_configuration(
        tmp_path, next_hop=next_hop.port, smarthost=smarthost.port, url=database_url,
        more='[digest]\nto = "records@police.example"\nhour = 23',
    )  # fmt: skip
    async with running_gateway(path, SystemClock(), next_hop, smarthost) as gateway:
        await _digest_of_one_case(gateway)
        (digest,) = [one for one in next_hop.messages if one.recipients == ["records@police.example"]]
    assert digest.reverse_path == "liaison@police.example"
    assert b"Auto-Submitted: auto-generated\r\n" in digest.content
    assert LISTED.split(b"\r\n")[1].partition(b": ")[2] not in digest.content
    assert SENDER.encode() not in digest.content


async def _digest_of_one_case(gateway: Running) -> None:
    await gateway.send(SENDER, ["desk@police.example"], LISTED)
    await settled(gateway, Purpose.NOTICE, OutboxState.SENT)
    await gateway.desk.digests.write(actor="test:clerk")
    await settled(gateway, Purpose.DIGEST, OutboxState.SENT)
