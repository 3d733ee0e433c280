"""The HTTP server of the console: uvicorn in the process's own event loop, on a socket that is handed over.

Signals are the supervisor's. A certificate that is read again holds for the next connection.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from gateway.tls import server_context

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.types import ASGIApp

STOP_WITHIN = 5
"""Seconds for the pages that are being made when the process stops."""
AT_ONCE = 200
"""Connections and requests in hand; more are answered 503."""
IDLE = 30
"""Seconds that a connection may stay between two requests."""


class ConsoleServer:
    """`serve()` once, `stop()` at the end."""

    def __init__(self, app: ASGIApp, certificate: Path | None, key: Path | None) -> None:
        self._tls = server_context(certificate, key)
        config = uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            http="h11",
            limit_concurrency=AT_ONCE,
            timeout_keep_alive=IDLE,
            timeout_graceful_shutdown=STOP_WITHIN,
        )
        config.load()
        config.ssl = self._tls
        self._server = _Server(config)
        self._serving: asyncio.Task[None] | None = None

    async def serve(self, listening: socket.socket) -> None:
        """Start answering."""
        listening.setblocking(False)  # noqa: FBT003 -- the socket's own signature
        self._serving = asyncio.get_running_loop().create_task(self._server.serve(sockets=[listening]))

    def renew(self, certificate: Path | None, key: Path | None) -> None:
        """Use this certificate from the next connection on. OSError if it can't be used."""
        if self._tls is not None and certificate is not None:
            self._tls.load_cert_chain(certificate, key)

    async def stop(self) -> None:
        """Let the pages in hand end, and close."""
        if self._serving is not None:
            self._server.should_exit = True
            await self._serving


class _Server(uvicorn.Server):
    """Without uvicorn's own handling of signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """They are the supervisor's."""
        yield
