"""`liaison serve` as a process of its own."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
from contextlib import suppress
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

import pytest

from tests.support.dialogue import Dialogue
from tests.support.gateway import port_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

_numbers = count(1)
CLEAN = b"From: resident@town.example\r\nSubject: Hello\r\n\r\nGood day.\r\n"


class Served:
    """One `liaison serve`."""

    def __init__(self, process: asyncio.subprocess.Process, ready: str, log: Path) -> None:
        self.process, self.port, self.metrics = process, port_of(ready, "smtp"), port_of(ready, "metrics")
        self.log = log
        """The file with its log lines."""
        self.dialogues: list[Dialogue] = []

    async def client(self, *, hello: str | None = "client.example") -> Dialogue:
        """A connection that is closed when the test ends."""
        self.dialogues.append(await Dialogue.open(self.port, hello=hello))
        return self.dialogues[-1]

    async def logged(self, event: str, times: int = 1, within: float = 20) -> list[str]:
        """The log lines with this event, once there are so many."""
        async with asyncio.timeout(within):
            while len(lines := [line for line in self.log.read_text().splitlines() if f" {event} " in line]) < times:
                await asyncio.sleep(0.05)
        return lines

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

    async def start(path: Path, *, open_files: tuple[int, int] | None = None) -> Served:
        started.append(await start_serving(path, open_files))
        return started[-1]

    yield start
    for served in started:
        for dialogue in served.dialogues:
            await dialogue.close()
        if served.process.returncode is None:
            await served.kill()


async def start_serving(path: Path, open_files: tuple[int, int] | None = None) -> Served:
    """When it accepts. `open_files` are the soft and the hard limit that the process begins with."""
    log = path.with_suffix(f".{next(_numbers)}.log")
    process = await spawn(path, log, open_files)
    assert process.stdout is not None
    async with asyncio.timeout(30):
        line = (await process.stdout.readline()).decode()
    assert line.startswith("ready smtp=127.0.0.1:"), line
    return Served(process, line, log)


async def spawn(
    path: Path, log: Path, open_files: tuple[int, int] | None = None, *arguments: str
) -> asyncio.subprocess.Process:
    """In a process group of its own, so that it can be killed with all its workers at one instant."""
    limit = partial(resource.setrlimit, resource.RLIMIT_NOFILE, open_files) if open_files else None
    with log.open("ab") as stderr:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", "serve", "--config", str(path), *arguments,
            stdout=asyncio.subprocess.PIPE, stderr=stderr, preexec_fn=limit, start_new_session=True,
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
