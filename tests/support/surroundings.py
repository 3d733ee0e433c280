"""What stands around gateways that are killed, and lives on: next hop, smarthost, name server, a person at the desk.

The gateways are `liaison serve`, processes of their own, as many as a test starts. `accounted()` waits until they have
nothing at hand any more, and judges.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from gateway.clock import SystemClock
from gateway.desk import open_desk
from gateway.errors import RefusedError, StoreError
from gateway.model.case import DeliveryState
from gateway.settings import load
from tests.support.accounting import Account, account, gather_evidence, is_quiet
from tests.support.gateway import write_configuration
from tests.support.mta import ScriptedMTA
from tests.support.nameserver import name_server
from tests.support.postings import RECORDS, posting, postings
from tests.support.senders import Senders
from tests.support.served import Served, start_serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from gateway.desk import Desk
    from tests.support.accounting import Evidence, Release
    from tests.support.nameserver import FailingNameServer
    from tests.support.postings import Kind

NO_LIMIT = 1_000_000
QUIET_WITHIN = 100.0
"""Seconds: a claim of a node that never comes back is free after 60."""
_LIMITS = f"daily_limit = {NO_LIMIT}\ndomain_daily_limit = {NO_LIMIT}"


@dataclass(kw_only=True)
class Surroundings:
    """`configuration` is the file that every gateway here is started with; `nodes` are those that were started."""

    configuration: Path
    next_hop: ScriptedMTA
    smarthost: ScriptedMTA
    names: FailingNameServer
    dice: random.Random
    senders: Senders = field(init=False)
    numbers: Iterator[int] = field(default_factory=count)
    """Of the postings, each given once."""
    nodes: list[Served] = field(default_factory=list)
    released: set[Release] = field(default_factory=set)
    """What a person released; the operation said that it is on record."""
    kills: int = 0

    def __post_init__(self) -> None:
        self.senders = Senders(self.dice, self.port)

    async def start(self, configuration: Path | None = None) -> Served:
        """One more gateway."""
        self.nodes.append(await start_serving(configuration or self.configuration))
        return self.nodes[-1]

    async def kill(self, node: Served) -> None:
        """With all its workers, at this instant."""
        self.nodes.remove(node)
        await node.kill()
        self.kills += 1

    def port(self) -> int:
        """Of any gateway that runs."""
        if not self.nodes:
            raise ConnectionRefusedError("no gateway runs now")
        return self.dice.choice(self.nodes).port

    @asynccontextmanager
    async def desk(self) -> AsyncIterator[Desk]:
        """As a command opens it, and closed again: SQLite's file is nobody's while no gateway runs."""
        async with open_desk(load(self.configuration, {}), SystemClock()) as desk:
            yield desk

    async def send(self, *kinds: Kind) -> None:
        """One posting of each of these kinds, side by side, until they are taken."""
        sent = [posting(next(self.numbers), kind, self.dice) for kind in kinds]
        await self.senders.send(iter(sent), at_once=len(sent))

    async def go_on_sending(self) -> None:
        """A mixture of postings, about forty a second, until the senders have `enough`."""
        await self.senders.send(postings(self.dice, self.numbers), pause=0.15)

    async def release_some(self, share: float = 0.5) -> None:
        """A person goes through the held mail and releases some of it."""
        with suppress(StoreError):
            async with self.desk() as desk:
                for file in await desk.casework.files():
                    for delivery in file.deliveries:
                        if delivery.state is DeliveryState.HELD and self.dice.random() < share:
                            await self._release(desk, file.case.reference, delivery.recipient)

    async def _release(self, desk: Desk, reference: str, recipient: str) -> None:
        with suppress(RefusedError):  # it is on its way already
            await desk.casework.release(reference, [recipient], actor="test:clerk")
        self.released.add((reference, recipient))

    async def accounted(self, within: float = QUIET_WITHIN) -> Account:
        """Judge everything until now, when nothing is at hand any more; a gateway must run."""
        judged = account(await self.evidence(within))
        return Account(broken=(*judged.broken, *self._faults()), figures={"kills": self.kills, **judged.figures})

    async def evidence(self, within: float = QUIET_WITHIN) -> Evidence:
        """What is to be seen when it is quiet, or when that has taken too long: the account tells what still waits."""
        async with self.desk() as desk:
            with suppress(TimeoutError):
                async with asyncio.timeout(within):
                    while not await is_quiet(desk.store):
                        await asyncio.sleep(0.1)
            return await gather_evidence(
                desk.store,
                self.senders.records,
                at_next_hop=self.next_hop.messages,
                at_smarthost=self.smarthost.messages,
                released=self.released,
            )

    def _faults(self) -> list[str]:
        """Exceptions of the gateway's own machinery, which only its log tells."""
        return [
            f"in {log.name}: {line[:2000]}"
            for log in sorted(self.configuration.parent.rglob("*.log"))
            for line in log.read_text(encoding="utf-8", errors="replace").splitlines()
            if '"event":"fault"' in line or "Traceback" in line
        ]


@asynccontextmanager
async def surroundings(
    directory: Path, url: str, *, seed: int, smtp: str = "", more: str = ""
) -> AsyncIterator[Surroundings]:
    """`url` names the database, `smtp` and `more` are more of the configuration. What runs at the end is killed."""
    next_hop, smarthost = await ScriptedMTA().start(), await ScriptedMTA().start()
    async with name_server(RECORDS) as names:
        path = write_configuration(
            directory,
            next_hop=next_hop.port,
            smarthost=smarthost.port,
            url=url,
            name_server=names.port,
            smtp=f"internal_networks = []\n{smtp}",  # the senders here are the missions' own servers
            collation=_LIMITS,
            more=f'[decline]\n{_LIMITS}\n[log]\nformat = "json"\n{more}',
        )
        around = Surroundings(
            configuration=path, next_hop=next_hop, smarthost=smarthost, names=names, dice=random.Random(seed)
        )
        try:
            yield around
        finally:
            for node in around.nodes:
                await node.kill()
            await next_hop.stop()
            await smarthost.stop()
