"""The listener for monitoring: HTTP/1.1, one request a connection, bounded in octets, time and number.

Never shares anything with the mail's path but the event loop. A peer never sees a traceback.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

import structlog

from gateway.counters import FAULTS, count
from gateway.events import Event
from gateway.metrics.page import plain
from gateway.metrics.requests import HEAD_LIMIT, Request, read_head

if TYPE_CHECKING:
    import socket

    from gateway.metrics.page import Page

AT_ONCE = 16
"""Connections; more are closed unheard."""
HEAD_WITHIN = 5.0
"""Seconds for a request to be there whole."""
ALL_WITHIN = 15.0
"""Seconds for a connection, from its first to its last octet."""

log = structlog.get_logger()


class Site(Protocol):
    """What knows the pages."""

    async def answer(self, path: str) -> Page:
        """The page of this path."""
        ...


class Listener:
    """Serves a site on one socket; `serve()` once, `stop()` at the end."""

    def __init__(self, site: Site, *, head_within: float = HEAD_WITHIN) -> None:
        self._site = site
        self._head_within = head_within
        self._server: asyncio.Server | None = None
        self._conversations: set[asyncio.Task[None]] = set()

    async def serve(self, listening: socket.socket) -> None:
        """Start answering."""
        self._server = await asyncio.start_server(self._receive, sock=listening, limit=HEAD_LIMIT)

    async def stop(self) -> None:
        """Close everything at once."""
        if self._server is not None:
            self._server.close()
        for conversation in self._conversations:
            conversation.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)

    def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._conversations) >= AT_ONCE:
            writer.transport.abort()
            return
        conversation = asyncio.get_running_loop().create_task(self._converse(reader, writer))
        self._conversations.add(conversation)
        conversation.add_done_callback(self._conversations.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(ALL_WITHIN):
                writer.write(await self._response(reader))
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            return  # whoever asked has left, or never asked anything
        finally:
            writer.transport.abort()

    async def _response(self, reader: asyncio.StreamReader) -> bytes:
        try:
            async with asyncio.timeout(self._head_within):
                request = read_head(await reader.readuntil(b"\r\n\r\n"))
        except asyncio.LimitOverrunError:
            request = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        if isinstance(request, HTTPStatus):
            return _octets(plain(request, request.phrase))
        return _octets(await self._page(request), head_only=request.head_only)

    async def _page(self, request: Request) -> Page:
        try:
            return await self._site.answer(request.path)
        except Exception:
            count(FAULTS)
            log.exception(Event.FAULT, doing="answering monitoring")
            return plain(HTTPStatus.INTERNAL_SERVER_ERROR, "A fault of the gateway; its log has it.")


def _octets(page: Page, *, head_only: bool = False) -> bytes:
    """On the wire."""
    fields = [
        f"HTTP/1.1 {page.status.value} {page.status.phrase}",
        f"Content-Type: {page.content_type}",
        f"Content-Length: {len(page.body)}",
        "Cache-Control: no-store",
        "Connection: close",
    ]
    if page.status is HTTPStatus.METHOD_NOT_ALLOWED:
        fields.append("Allow: GET, HEAD")
    head = "\r\n".join([*fields, "", ""]).encode("ascii")
    return head if head_only else head + page.body
