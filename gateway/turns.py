"""Turns: as many messages stand whole in memory at a time as a budget of octets allows; the others wait, in order.

A message that is larger than the budget has its turn too, alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Turns:
    """One for all sessions of a process."""

    def __init__(self, most: int) -> None:
        """`most` octets at a time."""
        self._most = self._left = most
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    def has_room(self, octets: int) -> bool:
        """Whether a message of that size would have its turn at once."""
        return not self._waiting and min(octets, self._most) <= self._left

    @asynccontextmanager
    async def of(self, octets: int) -> AsyncIterator[None]:
        """The turn of a message of that size, once there is room for it."""
        share = min(octets, self._most)
        await self._begin(share)
        try:
            yield
        finally:
            self._end(share)

    async def _begin(self, share: int) -> None:
        if not self._waiting and share <= self._left:
            self._left -= share
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((share, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it had come just then
                self._end(share)
            self._let_in()
            raise

    def _end(self, share: int) -> None:
        self._left += share
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting and (self._waiting[0][1].done() or self._waiting[0][0] <= self._left):
            share, turn = self._waiting.popleft()
            if not turn.done():  # else it was cancelled
                self._left -= share
                turn.set_result(None)
