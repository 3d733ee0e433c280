"""What name servers answered holds for a while, in all parts of a process; whether they answer is asked anew."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.clock import SystemClock
from gateway.model.outbox import OutboxState, Purpose
from gateway.operations.probing import Probing
from tests.scenarios.test_health import office
from tests.scenarios.test_outbox import LISTED, SENDER, settled
from tests.support.gateway import running_gateway, write_configuration
from tests.support.nameserver import PUBLIC_IPV4, name_server

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.mta import ScriptedMTA

RECORDS = {
    ("mission.example", "TXT"): ['"v=spf1 mx ip4:127.0.0.1 -all"'],
    ("mission.example", "MX"): ["10 mail.mission.example."],
    ("mail.mission.example", "A"): [PUBLIC_IPV4],
    ("mx.police.example", "A"): [PUBLIC_IPV4],
}

TO_DESK = b"To: desk@police.example\r\n" + LISTED


async def test_a_mission_that_writes_again_is_not_asked_about_again(
    tmp_path: Path, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> None:
    async with name_server(RECORDS, ttl=60) as names:
        path = write_configuration(
            tmp_path, next_hop=next_hop.port, smarthost=smarthost.port, url="sqlite:///l.db", name_server=names.port,
            smtp="internal_networks = []",
        )  # fmt: skip
        async with running_gateway(path, SystemClock(), next_hop, smarthost) as gateway:
            await gateway.send(SENDER, ["desk@police.example"], TO_DESK)
            await settled(gateway, Purpose.DECLINE, OutboxState.SENT)
            about = [one for one in names.asked if one[0].endswith("mission.example")]
            assert len(about) == len(set(about))  # the verification, the gate and the last look share what is known
            await gateway.send(SENDER, ["desk@police.example"], TO_DESK + b"And another one.\r\n")
            assert [one for one in names.asked if one[0].endswith("mission.example")] == about


async def test_whether_the_name_servers_answer_is_asked_whatever_is_known(
    tmp_path: Path, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> None:
    async with name_server(RECORDS, ttl=60) as names:
        path = write_configuration(
            tmp_path, next_hop=next_hop.port, smarthost=smarthost.port, url="sqlite:///l.db", name_server=names.port
        )
        async with running_gateway(path, SystemClock(), next_hop, smarthost) as gateway:
            status = office(gateway).status
            assert (await status.report()).dns.well
            names.servfail.add("mx.police.example")
            async with asyncio.timeout(20):
                while (await replace(status, probing=Probing(SystemClock())).report()).dns.well:
                    await asyncio.sleep(0.05)
