"""`liaison serve` as a process of its own: its ready line, its workers, its end."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.gateway import write_configuration
from tests.support.served import ended, serve

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.support.mta import ScriptedMTA
    from tests.support.served import Served

__all__ = ["serve"]


@pytest.mark.parametrize("workers", [1, 2])
async def test_serve_says_where_it_listens_and_ends_with_zero(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, serve: Callable[[Path], Awaitable[Served]], workers: int
) -> None:
    path = write_configuration(
        tmp_path, next_hop=next_hop.port, smarthost=None, url=sqlite_url, smtp=f"workers = {workers}"
    )
    served = await serve(path)
    for _ in range(6):
        await served.send()
    assert len(next_hop.messages) == 6
    assert len(await served.children()) == (workers if workers > 1 else 0)
    assert await ended(served.process) == 0


async def test_a_worker_that_dies_is_replaced_and_no_connection_is_lost(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, serve: Callable[[Path], Awaitable[Served]]
) -> None:
    path = write_configuration(tmp_path, next_hop=next_hop.port, smarthost=None, url=sqlite_url, smtp="workers = 2")
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
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, serve: Callable[[Path], Awaitable[Served]]
) -> None:
    path = write_configuration(tmp_path, next_hop=next_hop.port, smarthost=None, url=sqlite_url, smtp="workers = 2")
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
