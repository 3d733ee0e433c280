"""A command at a terminal: what it shows, and what a person types."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WITHIN = 30.0
"""Seconds for something to be shown: no more than a bound against hanging."""


@dataclass
class Terminal:
    """The person's side. `shown` is everything that was on the screen so far."""

    process: subprocess.Popen[bytes]
    master: int
    shown: str = ""
    _read_to: int = 0

    def expect(self, text: str) -> None:
        """Wait until this is shown, behind what was waited for before."""
        while (found := self.shown.find(text, self._read_to)) < 0:
            assert self._read(), f"{text!r} was never shown, but {self.shown[self._read_to :]!r}"
        self._read_to = found + len(text)

    def type(self, line: str) -> None:
        os.write(self.master, line.encode() + b"\n")

    def answer(self, asks: str, line: str = "") -> None:
        """Wait for the question, and answer it."""
        self.expect(asks)
        self.type(line)

    def interrupt(self) -> None:
        """Ctrl-C: the terminal would send it to who stands in front."""
        self.process.send_signal(signal.SIGINT)

    def end(self) -> int:
        """Read to the end; the exit code."""
        while self._read():
            pass
        return self.process.wait(timeout=WITHIN)

    def _read(self) -> bool:
        ready, _, _ = select.select([self.master], [], [], WITHIN)
        try:
            octets = os.read(self.master, 65536) if ready else b""
        except OSError:  # the other side is closed
            octets = b""
        self.shown += octets.decode("utf-8", "replace")
        return bool(octets)


@contextmanager
def at_terminal(command: Sequence[str]) -> Iterator[Terminal]:
    """The command, in a session of its own: the pseudo-terminal is all that it has."""
    master, slave = pty.openpty()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("LIAISON_")}
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, env=environ | {"COLUMNS": "200"}
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)
