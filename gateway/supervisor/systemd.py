"""What a service manager that asks for it is told: ready, reloading, stopping, and that this process is still alive.

One datagram for each word, to the socket that $NOTIFY_SOCKET names, as sd_notify(3) describes. Who was started by
something else tells nobody.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PATIENCE = 1.0
"""Seconds for the manager to take a datagram."""


class Systemd:
    """Whoever started this process, by the environment that it gave."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._socket = environment.get("NOTIFY_SOCKET", "")
        self._period = _period(environment)

    def ready(self, status: str) -> None:
        """Mail is accepted; `status` is what `systemctl status` shows."""
        self._tell("READY=1", f"STATUS={status}")

    @contextmanager
    def reloading(self) -> Iterator[None]:
        """The configuration is read again. At the end one is in force: the new one, or still the old one."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        try:
            yield
        finally:
            self._tell("READY=1")

    def stopping(self) -> None:
        """From now on nothing is accepted."""
        self._tell("STOPPING=1")

    @property
    def watches(self) -> bool:
        """Whether it ends a process that says nothing for too long (WatchdogSec=)."""
        return self._period > 0

    async def keep_alive(self) -> None:
        """Say that the event loop turns, twice in the time after which it would be taken for dead."""
        while True:
            self._tell("WATCHDOG=1")
            await asyncio.sleep(self._period / 2)

    def _tell(self, *words: str) -> None:
        """A manager that doesn't listen holds up no mail: it says itself for which word it waited."""
        if not self._socket:
            return
        address = "\0" + self._socket[1:] if self._socket.startswith("@") else self._socket
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.settimeout(_PATIENCE)
            manager.sendto("\n".join(words).encode(), address)


def _period(environment: Mapping[str, str]) -> float:
    """Seconds of silence that are allowed to this process, by sd_watchdog_enabled(3); 0 for any."""
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0.0
    microseconds = environment.get("WATCHDOG_USEC", "0")
    return int(microseconds) / 1_000_000 if microseconds.isdecimal() else 0.0


NOBODY = Systemd({})
"""For a process that nobody watches."""
