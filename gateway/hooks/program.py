"""The program: an alert on its standard input. No shell reads its arguments; its time is bounded.

Its environment is ours without what configures the gateway, which may hold passwords.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from dataclasses import dataclass

HEARD_LIMIT = 500
"""Octets of what it complains about that are told on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One program with its arguments. `seconds` are for all that it does."""

    command: tuple[str, ...]
    seconds: float

    async def tell(self, document: bytes) -> str:
        """Why the document was not taken, "" if it was: the program ended with 0."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                env={name: value for name, value in os.environ.items() if not name.startswith("LIAISON_")},
                start_new_session=True,
            )
        except OSError as error:
            return f"it can't be run: {error.strerror}"
        try:
            async with asyncio.timeout(self.seconds):
                complaint, status = await _conversation(process, document)
        except TimeoutError:
            return f"it had not ended after {self.seconds:g} s"
        finally:
            if process.returncode is None:
                _end_all(process)
                await process.wait()
        return "" if status == 0 else f"it ended with {status}{': ' if complaint else ''}{complaint}"


async def _conversation(process: asyncio.subprocess.Process, document: bytes) -> tuple[str, int]:
    """What it complained about, and how it ended."""
    writer, reader = process.stdin, process.stderr
    if writer is None or reader is None:
        raise RuntimeError("both are pipes")
    with suppress(OSError):  # it may not want to read
        writer.write(document)
        await writer.drain()
    writer.close()
    heard = b""
    while chunk := await reader.read(4096):
        heard = (heard + chunk)[:HEARD_LIMIT]
    return " ".join(heard.decode("utf-8", "replace").split()), await process.wait()


def _end_all(process: asyncio.subprocess.Process) -> None:
    """With everything that it started: it leads a session of its own."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
