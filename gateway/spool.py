"""The content of one message on its way through: in memory up to 1 MiB, beyond it in an unlinked temporary file.

All messages under way share a budget of memory: when it is spent, files take over earlier. They share one of memory and
files together, too: when that is spent, large messages are not read on for a while. The content of clean mail is never
stored (decision 1): a spool lives as long as its mail transaction, and the file has no name that could
outlive the process.
"""

from __future__ import annotations

import tempfile
from contextlib import suppress
from mmap import ACCESS_READ, mmap
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MEMORY_LIMIT = 1024 * 1024
"""Octets kept in memory."""
SMALL = 16 * 1024
"""Octets that are kept in memory although the budget is spent."""
SHORT = 4096
"""Octets: what comes in shorter pieces is joined, for each would take more memory than it holds."""
CHUNK = 256 * 1024
_SHORTER = "the temporary file of a message is shorter than what was written to it"


class Memory:
    """What the messages under way may hold together, and hold now; in octets. One for all sessions of a process."""

    def __init__(self, budget: int = 32 * 1024 * 1024, most: int = 1024 * 1024 * 1024) -> None:
        """`budget` of them in memory; `most` in memory and in files."""
        self.budget = budget
        self.most = most
        self.held = 0
        self.in_flight = 0
        self._first: Spool | None = None
        """Of the large messages that found no room: it goes on, so that there will be room again."""
        self._waiting: dict[Spool, Callable[[], None]] = {}

    def allow(self, budget: int, most: int) -> None:
        """Other limits, from now on."""
        self.budget, self.most = budget, most
        self._let_in()

    @property
    def is_crowded(self) -> bool:
        """Whether somebody waits for room."""
        return bool(self._waiting)

    def must_wait(self, spool: Spool, go_on: Callable[[], None]) -> bool:
        """Whether no more of this message may be read now; `go_on` is called when it may. A small one never waits."""
        if self.in_flight <= self.most or spool.size <= MEMORY_LIMIT:
            return False
        self._first = self._first or spool
        if self._first is spool:
            return False
        self._waiting[spool] = go_on
        return True

    def leave(self, spool: Spool, size: int) -> None:
        """A message of that size is gone."""
        self.in_flight -= size
        if self._first is spool:
            self._first = None
        if self._waiting:
            self._waiting.pop(spool, None)
            self._let_in()

    def _let_in(self) -> None:
        """All who wait, while there is room; else the one that has waited longest, if none is on its way."""
        while self._waiting and (self.in_flight <= self.most or self._first is None):
            spool = next(iter(self._waiting))
            go_on = self._waiting.pop(spool)
            self._first = self._first or spool
            go_on()


class Spool:
    """Octets in, the same octets out, as often as needed."""

    __slots__ = ("_counted", "_file", "_held", "_memory", "_parts", "size", "verbatim")

    def __init__(self, memory: Memory | None = None) -> None:
        """`memory` is shared with other spools; None: a budget of its own."""
        self._memory = memory or Memory()
        self._held = self._counted = 0
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
        self._counted += len(octets)
        self._memory.in_flight += len(octets)
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
                raise OSError(_SHORTER)
            position += len(octets)
            yield octets
        self._file.seek(0, 2)

    def read(self) -> bytes:
        """All octets, in memory."""
        if self._file is not None:
            return _whole(self._file, self.size)
        if len(self._parts) > 1:
            self._parts = [b"".join(self._parts)]
        return self._parts[0] if self._parts else b""

    def view(self) -> memoryview:
        """All octets, to look around in: a file is mapped for as long as somebody has the view, not read."""
        if self._file is None:
            return memoryview(self.read())
        self._file.flush()
        return memoryview(mmap(self._file.fileno(), self.size, access=ACCESS_READ))

    def must_wait(self, go_on: Callable[[], None]) -> bool:
        """Whether no more may be written for now, because too much is under way; `go_on` is called when it may."""
        return self._memory.must_wait(self, go_on)

    def close(self) -> None:
        """Forget the content."""
        self._let_go()
        counted, self._counted = self._counted, 0
        self._memory.leave(self, counted)
        if self._file is not None:
            with suppress(OSError):  # the disk is full: the octets still in a buffer are not wanted any more
                self._file.close()
            self._file = None


def _whole(file: IO[bytes], size: int) -> bytes:
    """In one piece from the start: pieces that are joined afterwards would stand in memory twice."""
    file.seek(0)
    octets = file.read(size)
    file.seek(0, 2)
    if len(octets) < size:
        raise OSError(_SHORTER)
    return octets
