"""Fixtures of the stories: next hop, smarthost, and a gateway between them on either database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.clock import SystemClock
from tests.support.certificates import localhost, somebody_else
from tests.support.gateway import Running, running_gateway, write_configuration
from tests.support.mta import ScriptedMTA
from tests.support.passage import front, passage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.databases import PostgresServer

__all__ = ["front", "gateway", "localhost", "next_hop", "passage", "smarthost", "somebody_else"]


@pytest.fixture
async def next_hop() -> AsyncIterator[ScriptedMTA]:
    mta = await ScriptedMTA().start()
    yield mta
    await mta.stop()


@pytest.fixture
async def smarthost() -> AsyncIterator[ScriptedMTA]:
    mta = await ScriptedMTA().start()
    yield mta
    await mta.stop()


@pytest.fixture
async def gateway(
    tmp_path: Path, database_url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> AsyncIterator[Running]:
    """A gateway with the usual configuration; SQLite and PostgreSQL in turn."""
    path = write_configuration(tmp_path, next_hop=next_hop.port, smarthost=smarthost.port, url=database_url)
    async with running_gateway(path, SystemClock(), next_hop, smarthost) as running:
        yield running


@pytest.fixture
async def on_postgres(
    tmp_path: Path, postgres: PostgresServer, postgres_database: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> AsyncIterator[Running]:
    """On PostgreSQL, which a test may shut."""
    url = postgres.url(postgres_database)
    path = write_configuration(tmp_path, next_hop=next_hop.port, smarthost=smarthost.port, url=url)
    async with running_gateway(path, SystemClock(), next_hop, smarthost) as running:
        yield running
