"""Questions to the DNS: bounded in number and time, and every answer kept as evidence.

A failure is an answer too (`DnsStatus.FAILED`): nothing here raises for what a name server does or doesn't say.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from filters.authentication import DnsAnswer
from gateway.verify.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.settings import Endpoint
    from gateway.verify.name_servers import NameServers

MOST_QUESTIONS = 150
"""For one message; RFC 7208 §4.6.4 alone allows 10 terms with 10 mail servers each."""


class Resolver:
    """Knows whom to ask, and what they answered last. No name servers: the system's (`/etc/resolv.conf`)."""

    def __init__(self, nameservers: Sequence[Endpoint] = ()) -> None:
        self._nameservers = tuple(nameservers)
        self._asked: NameServers | None = None
        self._memory = Memory()

    async def resolve(self, name: str, kind: str, within: float) -> DnsAnswer:
        """The answer to one question, asked unless it is known; `within` is in seconds.

        `name` is ASCII, the final dot may be missing.
        """
        known = self._memory.recall(_plain(name), kind, asyncio.get_running_loop().time())
        return known or await self.ask(name, kind, within)

    async def ask(self, name: str, kind: str, within: float) -> DnsAnswer:
        """Ask one question whatever is known: that there is an answer at all says that name servers are there."""
        name = _plain(name)
        if within <= 0:
            return DnsAnswer.failed(name, kind, "the time for questions is used up")
        heard = await (await self.name_servers()).resolve(name, kind, within)
        self._memory.keep(heard.answer, heard.seconds, asyncio.get_running_loop().time())
        return heard.answer

    async def name_servers(self) -> NameServers:
        """Whom to ask. Made once; the first time may take some 100 ms, which are nobody's time for questions."""
        if self._asked is None:
            self._asked = await asyncio.to_thread(_name_servers, self._nameservers)
        return self._asked


def _plain(name: str) -> str:
    return name.lower().removesuffix(".")


def _name_servers(endpoints: tuple[Endpoint, ...]) -> NameServers:
    """At the first question, and in a thread: a node that meets no suspect never needs dnspython."""
    from gateway.verify.name_servers import NameServers

    return NameServers(endpoints)


class Inquiry:
    """All questions about one message: each asked once, `seconds` for them together, from the first one on."""

    def __init__(self, resolver: Resolver, seconds: float, most: int = MOST_QUESTIONS) -> None:
        self._resolver = resolver
        self._seconds = seconds
        self._deadline: float | None = None
        self._most = most
        self._answers: dict[tuple[str, str], DnsAnswer] = {}

    @property
    def answers(self) -> tuple[DnsAnswer, ...]:
        """What was asked and answered so far, in order."""
        return tuple(self._answers.values())

    async def ask(self, name: str, kind: str) -> DnsAnswer:
        """The answer: A, AAAA, MX, TXT or PTR records."""
        name = _plain(name)
        known = self._answers.get((name, kind))
        if known is not None:
            return known
        if len(self._answers) >= self._most:
            return DnsAnswer.failed(name, kind, f"{self._most} questions were asked already")
        self._answers[name, kind] = answer = await self._resolver.resolve(name, kind, await self._remaining())
        return answer

    async def _remaining(self) -> float:
        """Seconds that are left for this question."""
        await self._resolver.name_servers()
        now = asyncio.get_running_loop().time()
        if self._deadline is None:
            self._deadline = now + self._seconds
        return self._deadline - now
