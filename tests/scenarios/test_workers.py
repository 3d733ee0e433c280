"""`liaison serve` as a process of its own: its ready line, its workers, its end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.dialogue import Dialogue
from tests.support.gateway import write_configuration

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from tests.support.mta import ScriptedMTA

CLEAN = b"From: resident@town.example\r\nSubject: Hello\r\n\r\nGood day.\r\n"


class Served:
    """One `liaison serve`."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process, self.port = process, port

    async def send(self, expect: str = "250 2.0.0") -> None:
        client = await Dialogue.open(self.port)
        await client.mail("resident@town.example", ["desk@police.example"], CLEAN, expect=expect)
        await client.close()

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
        started.append(await _serve(path))
        return started[-1]

    yield start
    for served in started:
        if served.process.returncode is None:
            served.process.kill()
            await served.process.wait()


async def _serve(path: Path) -> Served:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "serve", "--config", str(path),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    async with asyncio.timeout(30):
        line = (await process.stdout.readline()).decode()
    assert line.startswith("ready smtp=127.0.0.1:"), line
    return Served(process, int(line.split()[1].rpartition(":")[2]))


async def ended(process: asyncio.subprocess.Process) -> int:
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(30):
        return await process.wait()


@pytest.mark.parametrize("workers", [1, 2])
async def test_serve_says_where_it_listens_and_ends_with_zero(
    tmp_path: Path, next_hop: ScriptedMTA, serve: Callable[[Path], Awaitable[Served]], workers: int
) -> None:
    path = write_configuration(
        tmp_path, next_hop=next_hop.port, smarthost=None, url="sqlite:///l.db", smtp=f"workers = {workers}"
    )
    served = await serve(path)
    for _ in range(6):
        await served.send()
    assert len(next_hop.messages) == 6
    assert len(await served.children()) == (workers if workers > 1 else 0)
    assert await ended(served.process) == 0


async def test_a_worker_that_dies_is_replaced_and_no_connection_is_lost(
    tmp_path: Path, next_hop: ScriptedMTA, serve: Callable[[Path], Awaitable[Served]]
) -> None:
    path = write_configuration(
        tmp_path, next_hop=next_hop.port, smarthost=None, url="sqlite:///l.db", smtp="workers = 2"
    )
    served = await serve(path)
    before = await served.children()
    os.kill(before[0], signal.SIGKILL)
    for _ in range(4):
        await served.send()
    async with asyncio.timeout(20):
        while len(set(await served.children()) - set(before)) != 1:
            await asyncio.sleep(0.2)
    await served.send()
    assert await ended(served.process) == 0


async def test_workers_do_not_outlive_their_parent(
    tmp_path: Path, next_hop: ScriptedMTA, serve: Callable[[Path], Awaitable[Served]]
) -> None:
    path = write_configuration(
        tmp_path, next_hop=next_hop.port, smarthost=None, url="sqlite:///l.db", smtp="workers = 2"
    )
    served = await serve(path)
    children = await served.children()
    served.process.kill()
    await served.process.wait()
    async with asyncio.timeout(20):
        while any(_is_alive(pid) for pid in children):
            await asyncio.sleep(0.2)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return file.read().rsplit(")", 1)[1].split()[0] != "Z"
