"""The web hook, against a server that takes, refuses, hangs, drips, drops, or talks nonsense."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import socket
from typing import TYPE_CHECKING

import pytest

from gateway.hooks.webhook import Webhook
from tests.support.certificates import localhost
from tests.support.hooks import HookServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.certificates import Certificate

__all__ = ["localhost"]


@pytest.fixture
async def server() -> AsyncIterator[HookServer]:
    one = await HookServer().start()
    yield one
    await one.stop()


def hook(server: HookServer, *, secret: bytes = b"", seconds: float = 5.0, path: str = "/in?key=s3cret") -> Webhook:
    return Webhook(url=f"http://127.0.0.1:{server.port}{path}", secret=secret, seconds=seconds)


async def test_a_document_is_posted_to_its_address_as_json(server: HookServer) -> None:
    assert await hook(server).tell(b'{"a": 1}') == ""
    assert server.told == [{"a": 1}]
    (head,) = server.heads
    assert head.startswith("POST /in?key=s3cret HTTP/1.1\r\n")
    assert f"\r\nHost: 127.0.0.1:{server.port}\r\n" in head
    assert "\r\nContent-Type: application/json\r\n" in head
    assert "X-Liaison-Signature" not in head


async def test_with_a_secret_it_is_signed(server: HookServer) -> None:
    assert await hook(server, secret=b"between us").tell(b"{}") == ""
    signature = hmac.new(b"between us", b"{}", hashlib.sha256).hexdigest()
    assert f"\r\nX-Liaison-Signature: sha256={signature}\r\n" in server.heads[0]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", ""),
        (b"HTTP/1.0 202 Accepted\r\n\r\n", ""),
        (b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", ""),
        (b"HTTP/1.1 500 Internal Server Error\r\n\r\n", "HTTP status 500"),
        (b"HTTP/1.1 301 Moved Permanently\r\nLocation: http://127.0.0.1/\r\n\r\n", "HTTP status 301"),
        (b"HTTP/1.1 403\r\n\r\n", "HTTP status 403"),
        (b"", "the connection ended, or what came was no HTTP"),
        (b"220 mail.police.example ESMTP\r\n\r\n", "the connection ended, or what came was no HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20000 + b"\r\n\r\n", "the connection ended, or what came was no HTTP"),
    ],
)
async def test_it_is_taken_by_a_code_of_success_alone(server: HookServer, answer: bytes, said: str) -> None:
    server.answer = answer
    assert await hook(server).tell(b"{}") == said


@pytest.mark.parametrize(("answer", "drip"), [(None, 0.0), (b"HTTP/1.1 200 OK\r\n\r\n", 0.2)])
async def test_a_server_that_hangs_or_drips_has_no_more_than_its_time(
    server: HookServer, answer: bytes | None, drip: float
) -> None:
    server.answer, server.drip = answer, drip
    async with asyncio.timeout(5):
        assert await hook(server, seconds=0.3).tell(b"{}") == "no answer within 0.3 s"


async def test_a_server_that_is_not_there_is_said_in_words_without_the_address() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/s3cret"
        said = await Webhook(url=url, secret=b"", seconds=5).tell(b"{}")
    assert said == "Connection refused"


async def test_over_https_the_name_has_to_be_proven(localhost: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    server = await HookServer().start(localhost.server())
    url = f"https://localhost:{server.port}/"
    said = await Webhook(url=url, secret=b"", seconds=5).tell(b"{}")
    assert said.startswith("TLS failed: ")
    assert server.told == []
    monkeypatch.setenv("SSL_CERT_FILE", str(localhost.certificate))
    assert await Webhook(url=url, secret=b"", seconds=5).tell(b"{}") == ""
    assert server.told == [{}]
    await server.stop()
