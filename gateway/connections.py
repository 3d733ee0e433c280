"""Open connections, counted over all processes of a service: how many there are, in all and from each client.

The count lies in one anonymous memory, which a worker is handed by file descriptor. Each process writes to a part of
its own, so that nobody needs a lock: a cell for every connection of its, which holds a keyed hash of the client's
address. A connection is announced first and then counted over all parts, and taken back where there are too many: of
two that come at once both may be refused, never both let in (what one process writes, another sees within nanoseconds;
between announcing and counting lie microseconds). A process that was killed frees nothing by itself: its parent
vacates its part.
"""

from __future__ import annotations

import mmap
import os
from enum import Enum
from hashlib import blake2b
from typing import Self

from gateway import tokens
from gateway.errors import LiaisonError

_WIDTH = 8
"""Octets of a cell, and of a hash."""
_KEY, _CAPACITY, _PARTS, _FRONT = 2, 2, 3, 8
"""In front of the parts: the cells of the hash's key; where it stands how many connections a part holds, and how many
parts there are; where they begin."""
_OPEN, _REACH, _FIRST = 0, 1, 8
"""In a part: how many connections are open; how many cells were ever used; where the cells of connections begin."""
_NOBODY = b"\xff" * _WIDTH
"""Whose client is not known yet."""


class TooMany(Enum):
    """Why a connection can't be let in."""

    IN_ALL = "connections in all"
    FROM_CLIENT = "per client"


class Connections:
    """The connections of one process, and what all processes of its service have open."""

    def __init__(self, descriptor: int, part: int = 0) -> None:
        """Map the memory behind this file descriptor, which is the caller's to close, and count in that part of it."""
        self.descriptor = descriptor
        self._octets = mmap.mmap(descriptor, 0)
        self._cells = memoryview(self._octets).cast("q")
        self._key = self._octets[: _KEY * _WIDTH]
        self._capacity = self._cells[_CAPACITY]
        length = _FIRST + self._capacity
        self._starts = range(_FRONT, _FRONT + self._cells[_PARTS] * length, length)
        self._mine = self._starts[part]
        self._free: list[int] = []

    @classmethod
    def new(cls, capacity: int, parts: int = 1) -> Self:
        """Nobody connected. `capacity` is the most that one process may have open."""
        descriptor = os.memfd_create("liaison-connections")
        size = (_FRONT + parts * (_FIRST + capacity)) * _WIDTH
        try:
            os.ftruncate(descriptor, size)
        except OSError as error:
            os.close(descriptor)
            raise LiaisonError(
                f"there is no memory to count connections in ({error.strerror}): `ulimit -f` has to allow {size} octets"
            ) from error
        os.pwrite(descriptor, tokens.secret_key()[: _KEY * _WIDTH], 0)
        cells = memoryview(mmap.mmap(descriptor, 0)).cast("q")
        cells[_CAPACITY], cells[_PARTS] = capacity, parts
        return cls(descriptor)

    def enter(self, client: str | None, most: int, most_of_client: int) -> int | TooMany:
        """Count a connection in, unless that made too many; its place, by which it leaves.

        None stands for a client that is not known yet: it counts among all. Costs some microseconds.
        """
        hashed = _NOBODY if client is None else blake2b(client.encode(), digest_size=_WIDTH, key=self._key).digest()
        place = self._announce(hashed)
        if place is None or sum([self._cells[start + _OPEN] for start in self._starts]) > most:
            return self._take_back(place, TooMany.IN_ALL)
        if client is not None and self._open_from(hashed) > most_of_client:
            return self._take_back(place, TooMany.FROM_CLIENT)
        return place

    def leave(self, place: int) -> None:
        """The connection that stood at this place is closed."""
        self._cells[self._mine + _FIRST + place] = 0
        self._cells[self._mine + _OPEN] -= 1
        self._free.append(place)

    def vacate(self, part: int) -> None:
        """The process that counted there is gone, and so are its connections."""
        start = self._starts[part]
        reach = self._cells[start + _REACH]
        for cell in (_OPEN, _REACH, *range(_FIRST, _FIRST + reach)):
            self._cells[start + cell] = 0

    def close(self) -> None:
        """Nobody is handed the memory any more. It stays for as long as somebody counts there."""
        os.close(self.descriptor)

    def _announce(self, hashed: bytes) -> int | None:
        if self._free:
            place = self._free.pop()
        elif (place := self._cells[self._mine + _REACH]) < self._capacity:
            self._cells[self._mine + _REACH] = place + 1
        else:
            return None
        at = (self._mine + _FIRST + place) * _WIDTH
        self._octets[at : at + _WIDTH] = hashed
        self._cells[self._mine + _OPEN] += 1
        return place

    def _take_back(self, place: int | None, why: TooMany) -> TooMany:
        if place is not None:
            self.leave(place)
        return why

    def _open_from(self, hashed: bytes) -> int:
        """Hashes that are equal, of 64 bits under a key that no client knows: whoever hits another's has bad luck."""
        return sum([self._used(start).count(hashed) for start in self._starts])

    def _used(self, start: int) -> bytes:
        first = start + _FIRST
        return self._octets[first * _WIDTH : (first + self._cells[start + _REACH]) * _WIDTH]
