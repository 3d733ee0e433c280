"""A backup taken by the command while mail comes in, restored in another directory, and taken into use there."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from gateway.clock import SystemClock
from gateway.store.consistency import check_consistency
from tests.support.checkout import ROOT
from tests.support.gateway import running_gateway, write_configuration

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.gateway import Running
    from tests.support.mta import ScriptedMTA


FIRST = 5


async def liaison(config: Path, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "--config", str(config), *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def references(gateway: Running) -> set[str]:
    return {file.case.reference for file in await gateway.cases()}


async def test_a_backup_under_way_of_mail_is_restored_elsewhere_and_takes_mail(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> None:
    config = write_configuration(tmp_path, next_hop=next_hop.port, smarthost=None, url=sqlite_url)
    there = tmp_path / "there"
    there.mkdir()
    other = write_configuration(
        there, next_hop=next_hop.port, smarthost=smarthost.port, url=f"sqlite:///{there}/var/liaison.db"
    )
    async with running_gateway(config, SystemClock(), next_hop, smarthost) as gateway:
        for number in range(FIRST):
            await _arrives(gateway, number)
        copying = asyncio.get_running_loop().create_task(liaison(config, "db", "backup", str(tmp_path / "copy")))
        later = 100
        while not copying.done():
            await _arrives(gateway, later := later + 1)
        assert "SHA-256" in copying.result()
        said = await liaison(other, "db", "restore", str(tmp_path / "copy"))
        assert "The outbox is paused" in said
        await _arrives(gateway, 99)
        known = await references(gateway)
        assert len(known) == FIRST + later - 100 + 1
    async with running_gateway(other, SystemClock(), next_hop, smarthost) as restored:
        found = await references(restored)
        assert found < known
        assert len(found) >= FIRST
        await _arrives(restored, 0)  # a retry of what the copy has finds its case
        assert await references(restored) == found
        await _arrives(restored, 99)  # and what came after the copy is a case again, under the same reference
        assert await references(restored) - found <= known
        assert smarthost.messages == []
        await restored.desk.outboxkeeping.resume(actor="test")
        await smarthost.arrived(FIRST)
        assert await check_consistency(restored.desk.store) == []


async def _arrives(gateway: Running, number: int) -> None:
    content = f"From: <consul@mission.example>\r\nSubject: {number}\r\n\r\nWe would like to meet.\r\n".encode()
    await gateway.send("consul@mission.example", ["desk@police.example"], content)
