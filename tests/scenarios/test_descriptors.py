"""Open files: as many as the connections may need, whatever a process begins with."""

from __future__ import annotations

import asyncio
import resource
from contextlib import suppress
from typing import TYPE_CHECKING

from tests.support.gateway import write_configuration
from tests.support.served import ended, serve

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.support.mta import ScriptedMTA
    from tests.support.served import Served

__all__ = ["serve"]

CONNECTIONS = "max_connections = 250\nmax_connections_per_client = 250"


def limit_of(served: Served) -> int:
    return resource.prlimit(served.process.pid, resource.RLIMIT_NOFILE)[0]


async def test_a_process_that_begins_with_few_asks_for_what_its_connections_need(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, serve: Callable[..., Awaitable[Served]]
) -> None:
    path = write_configuration(tmp_path, next_hop=next_hop.port, smarthost=None, url=sqlite_url, smtp=CONNECTIONS)
    served = await serve(path, open_files=(100, 4096))
    clients = [await served.client() for _ in range(150)]
    for client in clients:
        await client.say("MAIL FROM:<a@town.example>", "250")
        await client.say("RCPT TO:<desk@police.example>", "250")
        await client.say("RSET", "250")
    assert limit_of(served) == 3 * 250 + 200
    assert "few_descriptors" not in served.log.read_text()
    assert await ended(served.process) == 0


async def test_where_the_system_allows_too_few_the_log_says_so_and_mail_passes(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, serve: Callable[..., Awaitable[Served]]
) -> None:
    path = write_configuration(tmp_path, next_hop=next_hop.port, smarthost=None, url=sqlite_url, smtp=CONNECTIONS)
    served = await serve(path, open_files=(60, 120))
    (line,) = await served.logged("few_descriptors")
    assert "allowed=120" in line
    assert "needed=950" in line
    clients = [await served.client(hello=None) for _ in range(150)]
    for client in clients:
        await client.close()
    await sent_when_there_is_room(served)
    assert await ended(served.process) == 0


async def sent_when_there_is_room(served: Served) -> None:
    """The process hangs up on whom it has no descriptor for, until it has heard that the others have left."""
    async with asyncio.timeout(20):
        while True:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                return await served.send()
            await asyncio.sleep(0.05)
