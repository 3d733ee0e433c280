"""Limits of connections hold over all workers, whichever of them the kernel gives a connection to."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.dialogue import Dialogue
from tests.support.gateway import write_configuration
from tests.support.served import serve

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.support.mta import ScriptedMTA
    from tests.support.served import Served

__all__ = ["serve"]

LIMITS = {
    "in all": "max_connections = 3\nmax_connections_per_client = 50",
    "per client": "max_connections = 50\nmax_connections_per_client = 3",
}


async def admitted(port: int, tries: int) -> list[Dialogue]:
    """Of so many clients, one after the other, those that were let in; the others heard 421."""
    inside = []
    for _ in range(tries):
        client = await Dialogue.open(port, hello=None)
        reply = await client.hear()
        if reply.startswith("220"):
            inside.append(client)
        else:
            assert reply.startswith("421 4.7.0")
            await client.close()
    return inside


async def survivors(clients: list[Dialogue]) -> list[Dialogue]:
    """Those whose worker still answers."""
    alive = []
    for client in clients:
        try:
            await client.say("NOOP", "250")
        except (ConnectionError, asyncio.IncompleteReadError):
            await client.close()
        else:
            alive.append(client)
    return alive


@pytest.fixture(params=LIMITS)
async def served(
    tmp_path: Path,
    sqlite_url: str,
    next_hop: ScriptedMTA,
    serve: Callable[[Path], Awaitable[Served]],
    request: pytest.FixtureRequest,
) -> Served:
    smtp = f"workers = 2\n{LIMITS[request.param]}"
    path = write_configuration(tmp_path, next_hop=next_hop.port, smarthost=None, url=sqlite_url, smtp=smtp)
    return await serve(path)


async def test_two_workers_let_in_no_more_than_one_would_and_a_worker_that_is_killed_frees_its_connections(
    served: Served,
) -> None:
    inside = await admitted(served.port, 20)
    assert len(inside) == 3
    await inside.pop().close()
    await asyncio.sleep(0.2)
    inside += await admitted(served.port, 10)
    assert len(inside) == 3

    for victim in await served.children():
        os.kill(victim, signal.SIGKILL)
        async with asyncio.timeout(30):
            while victim in (now := await served.children()) or len(now) < 2:
                await asyncio.sleep(0.1)
        inside = await survivors(inside)
        inside += await admitted(served.port, 10)
        assert len(inside) == 3
    for client in inside:
        await client.close()


async def test_clients_that_all_come_at_once_are_never_more_than_the_limit(served: Served) -> None:
    for _ in range(5):
        clients = await asyncio.gather(*(Dialogue.open(served.port, hello=None) for _ in range(20)))
        replies = await asyncio.gather(*(client.hear() for client in clients))
        assert sum(reply.startswith("220") for reply in replies) <= 3
        for client in clients:
            await client.close()
    await asyncio.sleep(0.2)
    late = await admitted(served.port, 10)
    assert len(late) == 3
    for client in late:
        await client.close()
