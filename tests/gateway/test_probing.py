"""Asking servers: seldom, briefly, and never so that a page waits for one that hangs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.operations.probing import Probing
from tests.support.clocks import NOON

if TYPE_CHECKING:
    from tests.support.clocks import StoppedClock


class Server:
    """Answers when it is let, and counts who asked."""

    def __init__(self, reason: str = "") -> None:
        self.reason = reason
        self.asked = 0
        self.open = asyncio.Event()
        self.open.set()

    async def ask(self) -> str:
        self.asked += 1
        await self.open.wait()
        return self.reason


async def test_twenty_who_ask_at_once_are_one_question(clock: StoppedClock) -> None:
    server, probing = Server(), Probing(clock)
    answers = await asyncio.gather(*(probing.answers({"hop": server.ask}) for _ in range(20)))
    assert server.asked == 1
    assert {(one.name, one.well, one.at) for (one,) in answers} == {("hop", True, NOON)}
    await probing.close()


async def test_why_a_server_does_not_answer_is_told(clock: StoppedClock) -> None:
    probing = Probing(clock)
    (answer,) = await probing.answers({"hop": Server("can't be reached").ask})
    assert (answer.well, answer.reason) == (False, "can't be reached")
    await probing.close()


async def test_a_server_that_hangs_holds_up_nobody_and_is_not_asked_twice(clock: StoppedClock) -> None:
    server, probing = Server(), Probing(clock)
    server.open.clear()
    for _ in range(2):
        async with asyncio.timeout(2):
            (answer,) = await probing.answers({"hop": server.ask})
        assert (answer.at, answer.well, server.asked) == (None, False, 1)
    server.open.set()
    (answer,) = await probing.answers({"hop": server.ask})
    assert answer.well
    await probing.close()


async def test_a_question_that_is_open_ends_with_the_process(clock: StoppedClock) -> None:
    server, probing = Server(), Probing(clock)
    server.open.clear()
    await probing.answers({"hop": server.ask})
    await probing.close()
    assert probing._asking == {}
