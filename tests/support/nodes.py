"""Several gateways on one PostgreSQL: each with a configuration file of its own, and nothing shared but the database."""

from __future__ import annotations

import asyncio
import shutil
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.clock import SystemClock
from gateway.supervisor import Role
from tests.support.gateway import running_gateway, write_configuration

if TYPE_CHECKING:
    from contextlib import AsyncExitStack
    from datetime import datetime

    from gateway.clock import Clock
    from gateway.model.outbox import OutboxItem, OutboxState, Purpose
    from tests.support.gateway import Running
    from tests.support.mta import ScriptedMTA


class SkewedClock:
    """The system's, so many seconds ahead."""

    def __init__(self, ahead: float) -> None:
        self._ahead = timedelta(seconds=ahead)

    def now(self) -> datetime:
        return SystemClock().now() + self._ahead


class Nodes:
    """Opens nodes that are closed when the test ends; they have one next hop and one smarthost."""

    def __init__(
        self, stack: AsyncExitStack, directory: Path, url: str, next_hop: ScriptedMTA, smarthost: ScriptedMTA
    ) -> None:
        self.next_hop, self.smarthost = next_hop, smarthost
        self.more = ""
        """More of every node's configuration."""
        self._stack, self._directory, self._url = stack, directory, url
        self._number = 0

    def configure(self, *, collation: str = "", name_server: int | None = None) -> Path:
        """The configuration file of one more node, in a directory of its own: that is the node's name."""
        self._number += 1
        directory = self._directory / f"node-{self._number}"
        directory.mkdir()
        return write_configuration(
            directory,
            next_hop=self.next_hop.port,
            smarthost=self.smarthost.port,
            url=self._url,
            smtp="internal_networks = []",  # the test's own client is the sender's server
            collation=collation,
            name_server=name_server,
            more=self.more,
        )

    async def open(
        self,
        *,
        role: Role = Role.ALL,
        clock: Clock | None = None,
        collation: str = "",
        name_server: int | None = None,
    ) -> Running:
        """One more node, in the test's own process."""
        path = self.configure(collation=collation, name_server=name_server)
        service = running_gateway(path, clock or SystemClock(), self.next_hop, self.smarthost, role=role)
        return await self._stack.enter_async_context(service)


def copy_of(configuration: Path, name: str) -> Path:
    """The same configuration as another node's: its file is another, so the node has another name."""
    directory = configuration.parent / name
    directory.mkdir()
    shutil.copy(configuration.with_name("pack.toml"), directory)
    return Path(shutil.copy(configuration, directory))


async def settled(node: Running, purpose: Purpose, state: OutboxState, number: int = 1) -> list[OutboxItem]:
    """The items of this purpose, when so many are in this state and none waits."""
    async with asyncio.timeout(20):
        while True:
            items = [item for item in await node.items() if item.purpose is purpose]
            if sum(item.state is state for item in items) == number:
                return items
            await asyncio.sleep(0.05)
