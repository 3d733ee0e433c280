"""Probing: whether servers that we depend on answer. However many ask, a server is asked twice a minute at most.

Nobody waits long: who comes before an answer is told the last one, with its time.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.model.health import Answer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import TypeAlias

    from gateway.clock import Clock

    Question: TypeAlias = Callable[[], Awaitable[str]]
    """Gives "" when the server answers as it should, else why not. Raises nothing, but may be slow."""

FRESH = 30.0
"""Seconds for which an answer is told again without a new question."""
WITHIN = 5.0
"""Seconds for a server to answer."""
PATIENCE = 0.1
"""Seconds that a page waits for it."""


class Probing:
    """The last answer of each server. One for the process, which closes it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, Answer] = {}
        self._asked_at: dict[str, float] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}

    async def answers(self, questions: Mapping[str, Question]) -> tuple[Answer, ...]:
        """The newest answer to each question, by the server's name."""
        loop = asyncio.get_running_loop()
        for name, question in questions.items():
            due = loop.time() - self._asked_at.get(name, -FRESH) >= FRESH
            if due and name not in self._asking:
                self._asked_at[name] = loop.time()
                self._asking[name] = loop.create_task(self._ask(name, question))
        waited = [self._asking[name] for name in questions if name in self._asking]
        if waited:
            await asyncio.wait(waited, timeout=PATIENCE)
        return tuple(self._known.get(name) or Answer(name=name) for name in questions)

    async def _ask(self, name: str, question: Question) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(WITHIN):
                reason = await question()
        except TimeoutError:
            reason = f"no answer within {WITHIN:.0f} s"
        finally:
            del self._asking[name]
        seconds = loop.time() - began
        self._known[name] = Answer(name=name, reason=reason, seconds=seconds, at=self._clock.now())

    async def close(self) -> None:
        """Ask no more."""
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
