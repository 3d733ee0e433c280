"""A name server that can also fail in every way that a test wants."""

from __future__ import annotations

import asyncio
from functools import cache
from threading import Thread
from typing import TYPE_CHECKING

import dns.message
import dns.rcode

from gateway.demonstration.nameserver import NameServer, asked, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

PUBLIC_IPV4 = "9.9.9.10"
PUBLIC_IPV6 = "2620:fe::10"
"""Addresses that count as public; nothing in a test connects to them."""


class FailingNameServer(NameServer):
    """`servfail` and `silent` are names that get an error, or nothing; `asked` is every question."""

    def __init__(self, records: Mapping[tuple[str, str], Sequence[str]], *, ttl: int = 0) -> None:
        super().__init__(records, ttl=ttl)
        self.asked: list[tuple[str, str]] = []
        self.servfail: set[str] = set()
        self.silent: set[str] = set()
        self.answered: Callable[[], object] = lambda: None
        """Called at each question."""

    def answer(self, query: dns.message.Message) -> dns.message.Message | None:
        name, kind = asked(query)
        self.asked.append((name, kind))
        self.answered()
        if name in self.silent:
            return None
        if name in self.servfail:
            response = dns.message.make_response(query)
            response.set_rcode(dns.rcode.SERVFAIL)
            return response
        return super().answer(query)


def name_server(
    records: Mapping[tuple[str, str], Sequence[str]], *, ttl: int = 0
) -> AbstractAsyncContextManager[FailingNameServer]:
    """A running one."""
    return serving(FailingNameServer(records, ttl=ttl))


STANDING_RECORDS = {
    ("mission.example", "MX"): ["10 mail.mission.example."],
    ("mail.mission.example", "A"): [PUBLIC_IPV4],
    ("flagged.example", "A"): [PUBLIC_IPV4],
    ("webmail.example", "A"): [PUBLIC_IPV4],
}


@cache
def standing_port() -> int:
    """The port of a name server that every gateway of a test run may ask, in a thread of its own: no test asks ours."""
    server = NameServer(STANDING_RECORDS)
    loop = asyncio.new_event_loop()
    Thread(target=loop.run_forever, name="name server", daemon=True).start()
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(timeout=10)
    return server.port
