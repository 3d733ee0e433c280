"""The content of one message on its way through: in memory up to 1 MiB, beyond it in an unlinked temporary file.

All messages under way share a budget of memory: when it is spent, files take over earlier. The content of clean mail
is never stored (decision 1): a spool lives as long as its mail transaction, and the file has no name that could
outlive the process.
"""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMORY_LIMIT = 1024 * 1024
"""Octets kept in memory."""
SMALL = 16 * 1024
"""Octets that are kept in memory although the budget is spent."""
SHORT = 4096
"""Octets: what comes in shorter pieces is joined, for each would take more memory than it holds."""
CHUNK = 256 * 1024


@dataclass(slots=True)
class Memory:
    """What the messages under way may hold in memory together, and hold now; in octets."""

    budget: int = 32 * 1024 * 1024
    held: int = 0


class Spool:
    """Octets in, the same octets out, as often as needed."""

    __slots__ = ("_file", "_held", "_memory", "_parts", "size", "verbatim")

    def __init__(self, memory: Memory | None = None) -> None:
        """`memory` is shared with other spools; None: a budget of its own."""
        self._memory = memory or Memory()
        self._held = 0
        self._parts: list[bytes] = []
        self._file: IO[bytes] | None = None
        self.size = 0
        self.verbatim = False
        """Known to be lines that end with CRLF, none of which begins with a dot: it leaves as it is."""

    @classmethod
    def of(cls, content: bytes) -> Spool:
        """A spool that holds `content`."""
        spool = cls()
        spool.write(content)
        return spool

    def write(self, octets: bytes) -> None:
        """Append. OSError when the disk is full."""
        self.size += len(octets)
        if self._file is not None:
            self._file.write(octets)
            return
        if self._parts and len(self._parts[-1]) < SHORT:
            self._parts[-1] += octets
        else:
            self._parts.append(octets)
        self._held += len(octets)
        self._memory.held += len(octets)
        if self.size > (MEMORY_LIMIT if self._memory.held <= self._memory.budget else SMALL):
            self._roll_over()

    @property
    def in_memory(self) -> bool:
        """All of it, in one piece: no file is read."""
        return self._file is None

    def _roll_over(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="liaison-")  # noqa: SIM115 -- closed by close()
        self._file.write(b"".join(self._parts))
        self._let_go()

    def _let_go(self) -> None:
        self._memory.held -= self._held
        self._held = 0
        self._parts = []

    def head(self, length: int) -> bytes:
        """The first `length` octets, or all if there are fewer."""
        if self._file is None:
            whole = self.read()
            return whole if len(whole) <= length else whole[:length]
        self._file.seek(0)
        octets = self._file.read(length)
        self._file.seek(0, 2)
        return octets

    def chunks(self, start: int = 0) -> Iterator[bytes]:
        """The octets from `start` on, in chunks."""
        if self._file is None:
            whole = self.read()
            yield whole[start:] if start else whole
            return
        position = start
        while position < self.size:
            self._file.seek(position)
            octets = self._file.read(CHUNK)
            if not octets:
                raise OSError("the temporary file of a message is shorter than what was written to it")
            position += len(octets)
            yield octets
        self._file.seek(0, 2)

    def read(self) -> bytes:
        """All octets, in memory."""
        if self._file is not None:
            return b"".join(self.chunks())
        if len(self._parts) > 1:
            self._parts = [b"".join(self._parts)]
        return self._parts[0] if self._parts else b""

    def close(self) -> None:
        """Forget the content."""
        self._let_go()
        if self._file is not None:
            with suppress(OSError):  # the disk is full: the octets still in a buffer are not wanted any more
                self._file.close()
            self._file = None
