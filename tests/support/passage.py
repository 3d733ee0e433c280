"""A gateway in front of next hops of the test's own making, configured by the test, on a migrated SQLite file."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from gateway.clock import SystemClock
from tests.support.gateway import PACK, Running, running_gateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from gateway.clock import Clock
    from tests.support.mta import ScriptedMTA


class Passage:
    """Opens gateways that are closed when the test ends."""

    def __init__(self, stack: AsyncExitStack, directory: Path, url: str, next_hop: ScriptedMTA) -> None:
        self._stack, self._directory, self._url = stack, directory, url
        self.next_hop = next_hop

    async def open(
        self,
        *,
        smtp: str = "",
        route: str = "timeout = 5",
        routes: str = "",
        hops: str = "",
        clock: Clock | None = None,
    ) -> Running:
        """`smtp` and `route` are lines of those tables, `routes` whole tables behind them, `hops` the next hops."""
        (self._directory / "pack.toml").write_text(PACK, encoding="utf-8")
        path = self._directory / "gateway.toml"
        path.write_text(
            f"""
[smtp]
hostname = "mx.police.example"
listen = ["127.0.0.1:0"]
{smtp}
[[route]]
domains = ["police.example", "other.police.example"]
next_hop = [{hops or f'"127.0.0.1:{self.next_hop.port}"'}]
{route}
{routes}
[senders]
packs = ["pack.toml"]
[emergency]
recipients = ["dispatch@police.example"]
[store]
url = "{self._url}"
[metrics]
listen = "127.0.0.1:0"
""",
            encoding="utf-8",
        )
        service = running_gateway(path, clock or SystemClock(), self.next_hop, self.next_hop)
        return await self._stack.enter_async_context(service)


@pytest.fixture
async def passage(tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA) -> AsyncIterator[Passage]:
    """To open a gateway with a configuration of the test's own."""
    async with AsyncExitStack() as stack:
        yield Passage(stack, tmp_path, sqlite_url, next_hop)


@pytest.fixture
async def front(passage: Passage) -> Running:
    """A gateway in front of the scripted next hop, with the usual limits."""
    return await passage.open()
