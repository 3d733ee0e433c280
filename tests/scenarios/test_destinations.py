"""The clause of the hard gate that the DNS answers, and delivery by MX: what a name server says decides what leaves."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from gateway.clock import SystemClock
from gateway.errors import RefusedError
from gateway.model.outbox import OutboxState, Purpose
from tests.scenarios.test_outbox import LISTED, SENDER, decline, settled
from tests.support.gateway import running_gateway, write_configuration
from tests.support.nameserver import PUBLIC_IPV4, name_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from gateway.model.outbox import OutboxItem
    from tests.support.gateway import Running
    from tests.support.mta import ScriptedMTA
    from tests.support.nameserver import FailingNameServer

OPEN = {("mission.example", "MX"): ["10 mail.mission.example."], ("mail.mission.example", "A"): [PUBLIC_IPV4]}
PATIENCE = 15


@asynccontextmanager
async def asking(
    directory: Path,
    next_hop: ScriptedMTA,
    smarthost: ScriptedMTA,
    records: Mapping[tuple[str, str], Sequence[str]],
    *,
    by_mx: bool = False,
) -> AsyncIterator[tuple[Running, FailingNameServer]]:
    """A gateway with a name server of its own, and one flagged message in it."""
    async with name_server(records) as names:
        path = write_configuration(
            directory,
            next_hop=next_hop.port,
            smarthost=None if by_mx else smarthost.port,
            url="sqlite:///l.db",
            name_server=names.port,
            more="[outbound]\nmx = true\nretry = [1]\n" if by_mx else "",
        )
        async with running_gateway(path, SystemClock(), next_hop, smarthost) as gateway:
            await gateway.send(SENDER, ["desk@police.example"], LISTED)
            yield gateway, names


async def asked(gateway: Running, purpose: Purpose, words: str) -> OutboxItem:
    """The item, once its last reply holds the words."""
    async with asyncio.timeout(PATIENCE):
        while True:
            for item in await gateway.items():
                if item.purpose is purpose and words in item.last_reply:
                    return item
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ({("mission.example", "MX"): ["0 ."]}, "null MX"),
        ({("mission.example", "A"): ["127.0.0.1"]}, "public address"),
        ({}, "does not exist"),
    ],
)
async def test_nobody_can_decline_to_a_domain_that_takes_no_mail(
    tmp_path: Path,
    next_hop: ScriptedMTA,
    smarthost: ScriptedMTA,
    records: Mapping[tuple[str, str], Sequence[str]],
    words: str,
) -> None:
    async with asking(tmp_path, next_hop, smarthost, records) as (gateway, _):
        with pytest.raises(RefusedError, match=words):
            await decline(gateway)
        assert Purpose.DECLINE not in {item.purpose for item in await gateway.items()}


async def test_what_has_become_wrong_since_the_click_stops_a_decline(
    tmp_path: Path, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> None:
    async with asking(tmp_path, next_hop, smarthost, OPEN) as (gateway, names):
        await gateway.desk.outboxkeeping.pause("a test", actor="test:clerk")
        await decline(gateway)
        names.records[("mission.example", "MX")] = ("0 .",)
        await gateway.desk.outboxkeeping.resume(actor="test:clerk")
        item = await asked(gateway, Purpose.DECLINE, "null MX")
        assert item.state is OutboxState.FAILED
        assert all(SENDER not in message.recipients for message in smarthost.messages)


async def test_a_dns_that_does_not_answer_leaves_the_decline_to_the_smarthost(
    tmp_path: Path, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> None:
    async with asking(tmp_path, next_hop, smarthost, OPEN) as (gateway, names):
        names.servfail.add("mission.example")
        await decline(gateway)
        await settled(gateway, Purpose.DECLINE, OutboxState.SENT)


async def test_by_mx_mail_waits_while_the_dns_does_not_answer_and_fails_where_nobody_takes_it(
    tmp_path: Path, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> None:
    """The report's domain is looked up like any other; neither is ever sent to a loopback address."""
    records = {**OPEN, ("ildc.example", "MX"): ["10 localhost.ildc.example."]}
    async with asking(tmp_path, next_hop, smarthost, records, by_mx=True) as (gateway, names):
        report = await asked(gateway, Purpose.REPORT, "public address")
        assert report.state is OutboxState.FAILED
        names.servfail.add("mission.example")
        await decline(gateway)
        item = await asked(gateway, Purpose.DECLINE, "does not say")
        assert (item.state, item.attempts) == (OutboxState.WAITING, 0)
    assert smarthost.messages == []
