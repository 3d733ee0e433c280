"""What the gateway tells a service manager, heard at a datagram socket as systemd has one."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from gateway.supervisor.systemd import Systemd
from tests.support.gateway import write_configuration
from tests.support.served import Served, ended, serve

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from tests.support.mta import ScriptedMTA

__all__ = ["serve"]


class Hearing:
    """The manager's end."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.setblocking(False)

    async def next(self) -> list[str]:
        """The words of the next datagram."""
        async with asyncio.timeout(20):
            return (await asyncio.get_running_loop().sock_recv(self._socket, 4096)).decode().split("\n")

    async def next_but_signs_of_life(self) -> list[str]:
        while (words := await self.next()) == ["WATCHDOG=1"]:
            pass
        return words

    def close(self) -> None:
        self._socket.close()


@contextmanager
def hearing(address: str) -> Iterator[Hearing]:
    manager = Hearing(address)
    try:
        yield manager
    finally:
        manager.close()


@pytest.fixture(params=[1, 2], ids=["one process", "two workers"])
def path(request: pytest.FixtureRequest, tmp_path: Path, sqlite_url: str, next_hop: ScriptedMTA) -> Path:
    smtp = f"workers = {request.param}"
    return write_configuration(tmp_path, next_hop=next_hop.port, smarthost=None, url=sqlite_url, smtp=smtp)


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hearing]:
    with hearing(str(tmp_path / "notify")) as heard:
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield heard


async def test_the_manager_hears_once_of_each_ready_reload_and_stop_and_that_the_old_configuration_stays(
    path: Path, manager: Hearing, serve: Callable[[Path], Awaitable[Served]]
) -> None:
    served = await serve(path)
    ready, status = await manager.next()
    assert ready == "READY=1"
    assert status.startswith(f"STATUS=ready smtp=127.0.0.1:{served.port}")

    whole = path.read_text()
    for text in (whole, whole.replace('mode = "auto"', 'mode = "sometimes"')):
        path.write_text(text)
        served.process.send_signal(signal.SIGHUP)
        reloading, since = await manager.next()
        assert reloading == "RELOADING=1"
        assert since.removeprefix("MONOTONIC_USEC=").isdecimal()
        assert await manager.next() == ["READY=1"]
    await served.logged("configuration_refused")

    assert await ended(served.process) == 0
    assert await manager.next() == ["STOPPING=1"]


async def test_a_watchdog_gets_signs_of_life_for_as_long_as_the_gateway_runs(
    path: Path, manager: Hearing, monkeypatch: pytest.MonkeyPatch, serve: Callable[[Path], Awaitable[Served]]
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "200000")
    served = await serve(path)
    for _ in range(4):
        while await manager.next() != ["WATCHDOG=1"]:
            pass
    served.process.send_signal(signal.SIGTERM)
    assert await manager.next_but_signs_of_life() == ["STOPPING=1"]
    await served.process.wait()


async def test_a_socket_in_the_abstract_namespace_is_found() -> None:
    with hearing(f"\0liaison-{os.getpid()}") as heard:
        Systemd({"NOTIFY_SOCKET": f"@liaison-{os.getpid()}"}).stopping()
        assert await heard.next() == ["STOPPING=1"]


@pytest.mark.parametrize(
    ("environment", "watched"),
    [
        ({}, False),
        ({"WATCHDOG_USEC": "30000000"}, True),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, True),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, False),
        ({"WATCHDOG_USEC": "soon"}, False),
    ],
)
def test_a_watchdog_that_means_another_process_is_not_ours(environment: dict[str, str], watched: bool) -> None:
    assert Systemd(environment).watches is watched


def test_a_manager_that_is_not_there_holds_up_nobody(tmp_path: Path) -> None:
    Systemd({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).ready("ready")
