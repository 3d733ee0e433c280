"""The console as a part of `serve`: its role, its address, its certificate."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.support.certificates import self_signed
from tests.support.gateway import port_of, write_configuration
from tests.support.served import ended, spawn

if TYPE_CHECKING:
    from pathlib import Path


async def ready(path: Path, *arguments: str, log: Path) -> tuple[asyncio.subprocess.Process, str]:
    process = await spawn(path, log, None, *arguments)
    assert process.stdout is not None
    async with asyncio.timeout(30):
        return process, (await process.stdout.readline()).decode()


async def test_a_process_can_be_the_console_alone(tmp_path: Path, sqlite_url: str) -> None:
    path = write_configuration(
        tmp_path, next_hop=2526, smarthost=None, url=sqlite_url, console='listen = "127.0.0.1:0"'
    )
    process, line = await ready(path, "--role", "console", log=tmp_path / "log")
    assert "smtp=" not in line
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{port_of(line, 'console')}/")
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert await ended(process) == 0


@pytest.mark.parametrize("role", ["smtp", "dispatch"])
async def test_other_parts_show_no_pages(tmp_path: Path, sqlite_url: str, role: str) -> None:
    path = write_configuration(
        tmp_path, next_hop=2526, smarthost=None, url=sqlite_url, console='listen = "127.0.0.1:0"'
    )
    process, line = await ready(path, "--role", role, log=tmp_path / "log")
    assert "console=" not in line
    assert await ended(process) == 0


async def test_an_address_that_was_asked_for_and_is_taken_refuses_the_start(tmp_path: Path, sqlite_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        path = write_configuration(
            tmp_path, next_hop=2526, smarthost=None, url=sqlite_url, console=f'listen = "127.0.0.1:{port}"'
        )
        process, line = await ready(path, log=tmp_path / "log")
        assert line == ""
        assert await process.wait() == 2
        assert f"console.listen: 127.0.0.1:{port} can't be listened on" in (tmp_path / "log").read_text()


async def test_pages_come_over_tls_and_a_renewed_certificate_is_shown_after_a_reload(
    tmp_path: Path, sqlite_url: str
) -> None:
    pair = self_signed(tmp_path, "mx.police.example")
    path = write_configuration(
        tmp_path,
        next_hop=2526,
        smarthost=None,
        url=sqlite_url,
        smtp=f'tls_certificate = "{pair.certificate}"\ntls_key = "{pair.key}"',
        console='listen = "127.0.0.1:0"',
    )
    process, line = await ready(path, log=tmp_path / "log")
    port = port_of(line, "console")
    before = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port))
    async with httpx.AsyncClient(verify=False) as client:  # noqa: S501 -- a certificate of the test's own
        answer = await client.get(f"https://127.0.0.1:{port}/sign-in")
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
    self_signed(tmp_path, "mx.police.example")
    process.send_signal(1)
    async with asyncio.timeout(20):
        while await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port)) == before:
            await asyncio.sleep(0.1)
    assert await ended(process) == 0
