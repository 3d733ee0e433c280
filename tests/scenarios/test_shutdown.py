"""SIGTERM: mail transactions in hand end within a set time, everybody else is told 421 (RFC 5321 §3.8)."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.support.gateway import write_configuration
from tests.support.served import CLEAN, serve

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.support.dialogue import Dialogue
    from tests.support.mta import ScriptedMTA
    from tests.support.served import Served

__all__ = ["serve"]


@pytest.fixture(params=[1, 2], ids=["one process", "two workers"])
def path(request: pytest.FixtureRequest, tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA) -> Path:
    smtp = f"workers = {request.param}\nstop_timeout = 2"
    return write_configuration(tmp_path, next_hop=next_hop.port, smarthost=None, url=sqlite_url, smtp=smtp)


async def in_content(served: Served) -> Dialogue:
    client = await served.client()
    for line in ("MAIL FROM:<a@town.example>", "RCPT TO:<desk@police.example>", "DATA"):
        await client.say(line)
    client.send(CLEAN)
    return client


async def nobody_listens(port: int, within: float = 10) -> None:
    """The parent closes its sockets when it hears of the signal, which may be after its workers did."""
    async with asyncio.timeout(within):
        with suppress(OSError):
            while True:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.transport.abort()
                await asyncio.sleep(0.02)


async def ends(served: Served, within: float) -> int:
    async with asyncio.timeout(within):
        return await served.process.wait()


async def test_what_is_in_hand_ends_and_everybody_else_is_told_421(
    path: Path, next_hop: ScriptedMTA, serve: Callable[[Path], Awaitable[Served]]
) -> None:
    path.write_text(path.read_text().replace("stop_timeout = 2", "stop_timeout = 20"))  # it is looked at meanwhile
    served = await serve(path)
    busy = await in_content(served)
    idle = [await served.client() for _ in range(3)]
    served.process.send_signal(signal.SIGTERM)
    for client in idle:
        await client.hear("421 4.3.2")
        assert await client.closed() == b""
    await nobody_listens(served.port)
    busy.send(b".\r\n")
    await busy.hear("250 2.0.0")
    await busy.hear("421 4.3.2")
    assert await busy.closed() == b""
    assert await ends(served, 20) == 0
    assert [message.behind_received for message in next_hop.messages] == [CLEAN]


async def test_who_does_not_end_in_time_is_told_421_and_nothing_half_is_delivered(
    path: Path, next_hop: ScriptedMTA, serve: Callable[[Path], Awaitable[Served]]
) -> None:
    served = await serve(path)
    slow = await in_content(served)
    served.process.send_signal(signal.SIGTERM)
    await slow.hear("421 4.3.2", within=10)
    assert await slow.closed() == b""
    assert await ends(served, 20) == 0
    assert next_hop.messages == []


async def test_an_answer_that_the_next_hop_owes_is_waited_for_no_longer_than_that(
    path: Path, next_hop: ScriptedMTA, serve: Callable[[Path], Awaitable[Served]]
) -> None:
    next_hop.script = lambda stage, _link: "hang" if stage == "content" else None
    served = await serve(path)
    client = await in_content(served)
    client.send(b".\r\n")
    await asyncio.sleep(0.3)
    served.process.send_signal(signal.SIGTERM)
    await client.hear("421 4.3.2", within=10)
    assert await ends(served, 20) == 0


async def test_a_second_signal_changes_nothing(path: Path, serve: Callable[[Path], Awaitable[Served]]) -> None:
    served = await serve(path)
    busy = await in_content(served)
    for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        served.process.send_signal(number)
        await asyncio.sleep(0.05)
    busy.send(b".\r\n")
    await busy.hear("250 2.0.0")
    assert await ends(served, 20) == 0


async def test_a_backlog_outlives_the_worker_that_should_have_taken_it(
    tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA, serve: Callable[[Path], Awaitable[Served]]
) -> None:
    """Connections that nobody has accepted are the socket's, and the parent keeps that."""
    path = write_configuration(tmp_path, next_hop=next_hop.port, smarthost=None, url=sqlite_url, smtp="workers = 2")
    served = await serve(path)
    for pid in await served.children():
        _send(pid, signal.SIGSTOP)
    waiting = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(20)]
    for pid in await served.children():
        _send(pid, signal.SIGKILL)
    async with asyncio.timeout(20):
        for reader, writer in waiting:
            assert (await reader.readline()).startswith(b"220 ")
            writer.close()
    assert await ends_with_sigterm(served) == 0


async def ends_with_sigterm(served: Served) -> int:
    served.process.send_signal(signal.SIGTERM)
    return await ends(served, 20)


def _send(pid: int, number: signal.Signals) -> None:
    os.kill(pid, number)
