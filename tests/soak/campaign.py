"""One campaign: a minute of load on one database, kills of every sort among it, and the account at its end."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.locks import Lock
from tests.support.stalls import STEPS, go_on, some_step, stall
from tests.support.surroundings import surroundings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.accounting import Account
    from tests.support.served import Served
    from tests.support.surroundings import Surroundings

_TABLES = ("cases", "deliveries", "outbox_items", "audit_head", "messages")
_MISSIONS = {"proven.mission.example", "mission.example"}


@dataclass(kw_only=True)
class Campaign:
    """`progress` is told the kills and the messages so far; `peak` is the most that one process held, in KiB."""

    directory: Path
    url: str
    seed: int
    workers: int
    seconds: float
    progress: Callable[[Surroundings], None]
    peak: int = 0
    kinds: dict[str, int] = field(default_factory=lambda: {"whole gateways": 0, "workers": 0, "parents": 0})
    """Kills, by what was killed."""

    async def run(self) -> Account:
        """Load and kills for those seconds, then one more life in which everything must come to rest."""
        smtp = f"workers = {self.workers}"
        async with surroundings(self.directory, self.url, seed=self.seed, smtp=smtp) as around:
            sending = asyncio.ensure_future(around.go_on_sending())
            end = asyncio.get_running_loop().time() + self.seconds
            while asyncio.get_running_loop().time() < end:
                await self._life(around, await around.start())
                self.progress(around)
            await around.start()
            around.senders.enough.set()
            await sending
            judged = await around.accounted()
            for node in around.nodes:
                await self._weigh(node)
            return judged

    async def _life(self, around: Surroundings, node: Served) -> None:
        """Some seconds, with a worker's death or a stall in some, and a person at work in some; then its end."""
        dice = around.dice
        await asyncio.sleep(dice.choice((dice.uniform(0, 0.3), dice.uniform(0, 2), dice.uniform(0, 5))))
        if dice.random() < 0.4:
            await around.release_some(0.1)
        if self.workers > 1 and dice.random() < 0.5:
            await self._kill_a_worker(around, node)
        lock = Lock(self.url, dice.choice(_TABLES))
        with lock:
            await self._trouble(around, lock)
            if dice.random() < 0.85:
                await self._kill(around, node)
        around.names.silent.clear()
        go_on(around.next_hop, around.smarthost)
        if node in around.nodes:  # it has outlived its trouble
            await asyncio.sleep(dice.uniform(0, 1))
            await self._kill(around, node)

    async def _trouble(self, around: Surroundings, lock: Lock) -> None:
        """Something stalls for a while; or it is only waited for a certain step, to kill right then."""
        dice = around.dice
        match dice.randrange(8):
            case 0:
                stall(dice.choice(STEPS), around.next_hop)
            case 1:
                stall(dice.choice(STEPS), around.smarthost)
            case 2:
                around.names.silent |= _MISSIONS
            case 3:
                lock.take()
            case _:
                await some_step(dice, around.next_hop, around.smarthost)
                return
        await asyncio.sleep(dice.uniform(0.1, 1.5))

    async def _kill(self, around: Surroundings, node: Served) -> None:
        await self._weigh(node)
        if self.workers > 1 and around.dice.random() < 0.3:
            around.nodes.remove(node)
            node.process.kill()
            await node.process.wait()
            self.kinds["parents"] += 1
            return
        await around.kill(node)
        self.kinds["whole gateways"] += 1

    async def _kill_a_worker(self, around: Surroundings, node: Served) -> None:
        workers = await node.children()
        if workers:
            os.kill(around.dice.choice(workers), signal.SIGKILL)
            self.kinds["workers"] += 1
            await asyncio.sleep(around.dice.uniform(0, 2))

    async def _weigh(self, node: Served) -> None:
        for pid in (node.process.pid, *await node.children()):
            self.peak = max(self.peak, _most_resident(pid))


def _most_resident(pid: int) -> int:
    """The most memory that the process ever had resident, in KiB; 0 if it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")), 0)
