"""A web hook's other end: an HTTP server on loopback that answers as it is told, and keeps what it was sent."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl


@dataclass
class HookServer:
    """`answer` is what it says to each request, octet for octet; None: nothing, for ever. `drip`: seconds after each octet."""

    answer: bytes | None = b"HTTP/1.1 204 No Content\r\n\r\n"
    drip: float = 0.0
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    port: int = 0
    _server: asyncio.Server | None = None

    async def start(self, tls: ssl.SSLContext | None = None) -> HookServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    @property
    def told(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.bodies]

    def phases(self, alert: str) -> list[str]:
        return [one["phase"] for one in self.told if one["alert"] == alert]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next(int(line.split(": ")[1]) for line in head.split("\r\n") if line.startswith("Content-Length"))
            body = await reader.readexactly(length)
            if self.answer is None:
                await reader.read()
                return
            self.heads.append(head)
            if self.answer.startswith(b"HTTP/1.1 2"):
                self.bodies.append(body)
            for octet in [self.answer] if not self.drip else [bytes([one]) for one in self.answer]:
                writer.write(octet)
                await writer.drain()
                await asyncio.sleep(self.drip)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
