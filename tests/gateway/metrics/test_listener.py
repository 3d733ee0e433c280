"""The HTTP of monitoring, over real sockets: what it answers, and what nobody can do to it."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest

from gateway.metrics.listener import AT_ONCE, Listener
from gateway.metrics.page import Page, plain
from gateway.metrics.requests import HEAD_LIMIT
from tests.support.monitoring import ask, exchange

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Site:
    """One page, and one that raises."""

    async def answer(self, path: str) -> Page:
        if path == "/fault":
            raise ValueError("secret")
        return plain(HTTPStatus.OK, f"this is {path}")


@asynccontextmanager
async def listening(head_within: float = 5.0) -> AsyncIterator[int]:
    taken = socket.create_server(("127.0.0.1", 0))
    listener = Listener(Site(), head_within=head_within)
    await listener.serve(taken)
    yield taken.getsockname()[1]
    await listener.stop()
    taken.close()


async def test_a_page_is_answered_and_the_connection_closed() -> None:
    async with listening() as port:
        answer = await ask(port, "/page")
    assert (answer.status, answer.body) == (200, "this is /page\n")
    assert answer.fields["Content-Length"] == "14"
    assert answer.fields["Connection"] == "close"


async def test_head_is_answered_with_the_same_fields_and_no_body() -> None:
    async with listening() as port:
        whole, head = await ask(port, "/page"), await ask(port, "/page", method="HEAD")
    assert (head.status, head.fields, head.body) == (whole.status, whole.fields, "")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_other_methods_are_told_which_there_are(method: str) -> None:
    async with listening() as port:
        answer = await ask(port, "/page", method=method)
    assert (answer.status, answer.fields["Allow"]) == (405, "GET, HEAD")


async def test_a_fault_is_a_sentence() -> None:
    async with listening() as port:
        answer = await ask(port, "/fault")
        assert (await ask(port, "/page")).status == 200
    assert (answer.status, answer.body) == (500, "A fault of the gateway; its log has it.\n")


@pytest.mark.parametrize(
    "octets",
    [
        b"\r\n\r\n",
        b"\0" * 100 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /page HTTP/1.1\n\n\r\n\r\n",
        b"EHLO client.example\r\n\r\n",
        b"GET /" + b"\xff" * 100 + b" HTTP/1.1\r\n\r\n",
    ],
)
async def test_hostile_octets_are_a_bad_request(octets: bytes) -> None:
    async with listening() as port:
        heard = await exchange(port, octets)
        assert (await ask(port, "/page")).status == 200
    assert heard.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"Traceback" not in heard


async def test_a_head_that_is_too_long_is_refused() -> None:
    async with listening() as port:
        heard = await exchange(port, b"GET /page HTTP/1.1\r\nX: " + b"x" * HEAD_LIMIT + b"\r\n\r\n")
        assert (await ask(port, "/page")).status == 200
    assert heard.startswith(b"HTTP/1.1 431 ")


async def test_a_head_without_end_is_cut_off() -> None:
    async with listening() as port:
        heard = await exchange(port, b"GET /page HTTP/1.1\r\n" + b"X: y\r\n" * 1_000_000)
        assert (await ask(port, "/page")).status == 200
    assert heard == b"" or heard.startswith(b"HTTP/1.1 431 ")


async def test_who_says_nothing_is_closed() -> None:
    async with listening(head_within=0.2) as port:
        assert await exchange(port, b"GET /page HTTP/1.1\r\nHost:", within=3) == b""


async def test_who_leaves_in_mid_request_leaves_no_trace(caplog: pytest.LogCaptureFixture) -> None:
    async with listening() as port:
        for octets in (b"", b"GET", b"GET /page HTTP/1.1\r\n"):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(octets)
            writer.close()
        assert (await ask(port, "/page")).status == 200
    assert caplog.records == []


async def test_only_so_many_are_heard_at_once_and_one_that_leaves_makes_room() -> None:
    async with listening() as port:
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(AT_ONCE)]
        await asyncio.sleep(0.1)
        assert await exchange(port, b"GET /page HTTP/1.1\r\n\r\n") == b""
        silent[0][1].close()
        await asyncio.sleep(0.1)
        assert (await ask(port, "/page")).status == 200
        for _, writer in silent:
            writer.close()


async def test_stopping_closes_every_connection() -> None:
    async with asyncio.timeout(3), listening() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.sleep(0.1)
    try:
        async with asyncio.timeout(3):
            assert await reader.read() == b""
    except ConnectionError:
        pass
    writer.close()
