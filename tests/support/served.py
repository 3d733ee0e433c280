"""`liaison serve` as a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.support.dialogue import Dialogue
from tests.support.gateway import port_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path
    from typing import IO

CLEAN = b"From: resident@town.example\r\nSubject: Hello\r\n\r\nGood day.\r\n"


class Served:
    """One `liaison serve`."""

    def __init__(self, process: asyncio.subprocess.Process, ready: str) -> None:
        self.process, self.port, self.metrics = process, port_of(ready, "smtp"), port_of(ready, "metrics")

    async def send(self, expect: str = "250 2.0.0") -> None:
        client = await Dialogue.open(self.port)
        await client.mail("resident@town.example", ["desk@police.example"], CLEAN, expect=expect)
        await client.close()

    async def kill(self) -> None:
        """With all its workers, at this instant."""
        await kill_group(self.process)

    async def children(self) -> list[int]:
        found = await asyncio.create_subprocess_exec(
            "ps", "-o", "pid=", "--ppid", str(self.process.pid), stdout=asyncio.subprocess.PIPE
        )
        out, _ = await found.communicate()
        return [int(pid) for pid in out.split()]


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[Path], Awaitable[Served]]]:
    """Starts `liaison serve`; whatever still runs when the test ends is killed."""
    started: list[Served] = []

    async def start(path: Path) -> Served:
        started.append(await start_serving(path))
        return started[-1]

    yield start
    for served in started:
        if served.process.returncode is None:
            await served.kill()


async def start_serving(path: Path, *, log: int | IO[bytes] = asyncio.subprocess.DEVNULL) -> Served:
    """When it accepts."""
    process = await spawn(path, log=log)
    assert process.stdout is not None
    async with asyncio.timeout(30):
        line = (await process.stdout.readline()).decode()
    assert line.startswith("ready smtp=127.0.0.1:"), line
    return Served(process, line)


async def spawn(path: Path, *, log: int | IO[bytes] = asyncio.subprocess.DEVNULL) -> asyncio.subprocess.Process:
    """In a process group of its own, so that it can be killed with all its workers at one instant."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "serve", "--config", str(path),
        stdout=asyncio.subprocess.PIPE, stderr=log, start_new_session=True,
    )  # fmt: skip


async def kill_group(process: asyncio.subprocess.Process) -> None:
    """SIGKILL to it and to all that it has started, as a machine that loses power would end them."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


async def ended(process: asyncio.subprocess.Process) -> int:
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(30):
        return await process.wait()
