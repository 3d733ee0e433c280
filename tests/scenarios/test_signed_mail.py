"""DKIM, over the wire: what we write arrives with a signature that verifies; what somebody else wrote has none of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.clock import SystemClock
from tests.support.gateway import running_gateway, write_configuration
from tests.support.signatures import KeyPair, key_pair

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.gateway import Running
    from tests.support.mta import ScriptedMTA

__all__ = ["key_pair"]

SENDER = "liaison@mission.example"
LISTED = b"From: liaison@mission.example\r\nSubject: Request\r\n\r\n.Please send us\t the file. \r\n"
LISTED_8BIT = b"From: liaison@mission.example\r\nSubject: \xe4\xbd\xa0\r\n\r\n\xe5\xa5\xbd\r\n"


@pytest.fixture
async def gateway(
    tmp_path: Path, database_url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA, key_pair: KeyPair
) -> AsyncIterator[Running]:
    path = write_configuration(
        tmp_path, next_hop=next_hop.port, smarthost=smarthost.port, url=database_url,
        more=key_pair.write(tmp_path),
    )  # fmt: skip
    async with running_gateway(path, SystemClock(), next_hop, smarthost) as running:
        yield running


@pytest.mark.parametrize("content", [LISTED, LISTED_8BIT], ids=["ascii", "8bit"])
async def test_report_notice_and_decline_arrive_with_a_signature_that_verifies(
    gateway: Running, key_pair: KeyPair, content: bytes
) -> None:
    await gateway.send(SENDER, ["desk@police.example"], content)
    (report,) = await gateway.smarthost.arrived()
    (notice,) = await gateway.next_hop.arrived()
    (file,) = await gateway.cases()
    index = gateway.desk.rulebooks.current.index
    await gateway.desk.casework.decline(file.case.reference, index, actor="test:clerk")
    _, decline = await gateway.smarthost.arrived(2)
    recipients = [message.recipients for message in (report, notice, decline)]
    assert recipients == [["collation@ildc.example"], ["desk@police.example"], [SENDER]]
    assert [key_pair.verifies(message.content) for message in (report, notice, decline)] == [True] * 3


async def test_a_report_that_is_sent_again_has_the_same_signature(gateway: Running, key_pair: KeyPair) -> None:
    seen: list[str] = []

    def script(stage: str, _link: object) -> str | None:
        if stage == "content":
            seen.append(stage)
            return "451 4.3.0 later" if len(seen) == 1 else None
        return None

    gateway.smarthost.script = script
    await gateway.send(SENDER, ["desk@police.example"], LISTED)
    (report,) = await gateway.smarthost.arrived()
    assert len(seen) == 2
    assert report.content.count(b"DKIM-Signature:") == 1
    assert key_pair.verifies(report.content)


async def test_a_release_is_not_signed(gateway: Running) -> None:
    await gateway.send(SENDER, ["desk@police.example"], LISTED)
    await gateway.next_hop.arrived()
    (file,) = await gateway.cases()
    await gateway.desk.casework.release(file.case.reference, [], actor="test:clerk")
    _, release = await gateway.next_hop.arrived(2)
    assert release.content.endswith(LISTED.partition(b"\r\n\r\n")[2])
    assert b"DKIM-Signature" not in release.content
