"""Sinks that stall: whoever comes to one step of the dialogue hears nothing more, and who it was is known."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from tests.support.mta import HANG, TAKE_AND_HANG
from tests.support.postings import DISPATCH

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from tests.support.mta import Link, ScriptedMTA

STEPS = ("connect", "EHLO", "MAIL", "RCPT", "DATA", "octets", "content", "taken")
"""In the order of the dialogue: "content" is the final dot, unanswered; at "taken" the message was taken besides."""


class Stall:
    """A script for a `ScriptedMTA`: every connection stalls at this step. `of` names those that do.

    Not `silent`, it only looks on: everybody is answered as usual.
    """

    def __init__(self, step: str, *, silent: bool = True) -> None:
        self._step = step
        self._silent = silent
        self.of: list[str] = []
        self._more = asyncio.Event()

    def __call__(self, stage: str, link: Link) -> str | None:
        wanted = "content" if self._step == "taken" else self._step
        if not stage.startswith(wanted):
            return None
        self.of.append(whose(link))
        self._more.set()
        if not self._silent:
            return None
        return TAKE_AND_HANG if self._step == "taken" else HANG

    async def reached(self, enough: Callable[[list[str]], bool], within: float = 15.0) -> None:
        """Until those who stall are enough."""
        async with asyncio.timeout(within):
            while not enough(self.of):
                self._more.clear()
                await self._more.wait()


def whose(link: Link) -> str:
    """What a connection is about, by its last MAIL and RCPT: "decline", "report", "notice", "held", "mail", or "?"."""
    mail = next((line for line in reversed(link.commands) if line.startswith("MAIL")), "")
    recipient = next((line for line in reversed(link.commands) if line.startswith("RCPT")), "")
    if not mail:
        return "?"
    if "<liaison@police.example>" in mail:
        return "report"
    if "<>" in mail:
        return "decline" if "mission.example" in recipient else "notice"
    held = "mission.example" in mail and DISPATCH not in recipient
    return "held" if held else "mail"


def stall(step: str, *sinks: ScriptedMTA) -> list[Stall]:
    """From now on these sinks stall at this step; connections that were past it are closed."""
    stalls = [Stall(step) for _ in sinks]
    for sink, script in zip(sinks, stalls, strict=True):
        sink.script = script
        sink.drop_links()
    return stalls


async def some_step(dice: random.Random, *sinks: ScriptedMTA, within: float = 1.5) -> None:
    """Until somebody comes to a step that the dice choose, and some milliseconds more; or until that takes too long."""
    sink = dice.choice(sinks)
    sink.script = looking_on = Stall(dice.choice(STEPS), silent=False)
    with suppress(TimeoutError):
        await looking_on.reached(bool, within)
    sink.script = lambda _stage, _link: None
    await asyncio.sleep(dice.uniform(0, 0.02))


def go_on(*sinks: ScriptedMTA) -> None:
    """They answer again."""
    for sink in sinks:
        sink.script = lambda _stage, _link: None
        sink.drop_links()
