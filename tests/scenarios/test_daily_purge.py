"""The daily purge of a running gateway, where it is switched on."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gateway.clock import SystemClock
from gateway.model.case import Disposal
from gateway.store.sealing import Seal
from gateway.store.unit_of_work import Store
from tests.support.gateway import running_gateway, write_configuration
from tests.support.records import record

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.mta import ScriptedMTA


@pytest.mark.parametrize("automatic", ["true", "false"])
async def test_the_gateway_disposes_of_what_is_due_only_where_it_is_told_to(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA, automatic: str
) -> None:
    store = Store.open(sqlite_url, Seal(), SystemClock())
    async with store.begin() as work:
        case = await record(work)
        await work.cases.close(case.stored_id, Disposal.HANDLED, SystemClock().now() - timedelta(days=31))
    await store.close()
    config = write_configuration(
        tmp_path,
        next_hop=next_hop.port,
        smarthost=smarthost.port,
        url=sqlite_url,
        more=f"[retention]\nhandled = 30\nautomatic = {automatic}\n",
    )
    async with running_gateway(config, SystemClock(), next_hop, smarthost) as gateway:
        async with asyncio.timeout(20):
            while automatic == "true" and not any(run.document for run in await gateway.desk.purging.runs()):
                await asyncio.sleep(0.05)
        await gateway.send("somebody@elsewhere.example", ["desk@police.example"], b"Subject: hello\r\n\r\nhello\r\n")
        assert len(await gateway.cases()) == (0 if automatic == "true" else 1)
