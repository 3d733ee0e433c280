"""Trouble in our own machinery: the client is asked to come again, and learns nothing of what broke."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.clock import SystemClock

if TYPE_CHECKING:
    from datetime import datetime

    from tests.support.passage import Passage

MESSAGE = b"From: a@town.example\r\n\r\nGood day.\r\n"
DESK = ["desk@police.example"]


class BreakingClock(SystemClock):
    """Tells the time until it is broken."""

    broken = False

    def now(self) -> datetime:
        if self.broken:
            raise RuntimeError("the clock at /etc/secret has stopped")
        return super().now()


async def test_an_exception_is_a_451_without_a_traceback_and_the_session_goes_on(passage: Passage) -> None:
    clock = BreakingClock()
    front = await passage.open(clock=clock)
    client = await front.client()
    clock.broken = True
    reply = await client.mail("a@town.example", DESK, MESSAGE)
    clock.broken = False
    assert reply == "451 4.3.0 A problem here, please try again later"
    await client.say("DATA", "503 5.5.1")
    await client.mail("b@town.example", DESK, MESSAGE, expect="250 2.0.0")
    assert [message.reverse_path for message in front.next_hop.messages] == ["b@town.example"]
    link = next(link for link in front.next_hop.links if any(line.startswith("DATA") for line in link.commands))
    verbs = [line.split()[0] for line in link.commands if not line.startswith(("EHLO", "RCPT"))]
    assert verbs == ["MAIL", "RSET", "MAIL", "DATA"], "the transaction that failed was not reset"
