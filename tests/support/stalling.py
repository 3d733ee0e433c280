"""A way to a server that can stall: the connections stand, new ones are taken, and nothing is heard any more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class StallingWay:
    """Listens on a port of loopback and passes octets on to the server behind `socket`, a file, until it stalls."""

    def __init__(self, socket: Path) -> None:
        self.port = 0
        self.connections = 0
        """How many were taken."""
        self._socket = socket
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> StallingWay:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def stall(self) -> None:
        """From now on nothing gets through, in either direction, and nobody is told."""
        self._flowing.clear()

    def flow(self) -> None:
        """The way is open again; what was kept back is passed on."""
        self._flowing.set()

    async def stop(self) -> None:
        """Close every connection."""
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers = [writer]
        try:
            await self._flowing.wait()
            behind, onwards = await asyncio.open_unix_connection(str(self._socket))
            writers.append(onwards)
            await asyncio.gather(self._pass(reader, onwards), self._pass(behind, writer))
        except OSError:
            pass
        finally:
            for one in writers:
                one.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while octets := await reader.read(65536):
            await self._flowing.wait()
            writer.write(octets)
            await writer.drain()
        writer.transport.abort()
