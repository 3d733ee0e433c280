"""What name servers answered holds for as long as they say, over real packets; and never long, or without bound."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import dns.message
import dns.rdataclass
import dns.rrset
import pytest

from filters.authentication import DnsAnswer, DnsStatus
from gateway.demonstration.nameserver import serving
from gateway.settings import Endpoint
from gateway.verify.memory import LARGE, MANY, MOST, Memory
from gateway.verify.resolver import Inquiry, Resolver
from tests.support.nameserver import FailingNameServer, name_server

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager


RECORDS = {
    ("mission.example", "TXT"): ['"v=spf1 -all"'],
    ("alias.example", "CNAME"): ["mission.example."],
}


def resolver_of(server: FailingNameServer) -> Resolver:
    return Resolver([Endpoint("127.0.0.1", server.port)])


def found(name: str = "mission.example", octets: int = 1) -> DnsAnswer:
    return DnsAnswer(name=name, kind="TXT", status=DnsStatus.FOUND, records=("x" * octets,))


@pytest.mark.parametrize(
    ("name", "kind", "status"),
    [
        ("mission.example", "TXT", DnsStatus.FOUND),
        ("alias.example", "TXT", DnsStatus.FOUND),
        ("mission.example", "MX", DnsStatus.EMPTY),
        ("nobody.example", "TXT", DnsStatus.ABSENT),
    ],
)
async def test_an_answer_holds_for_the_messages_that_follow(name: str, kind: str, status: DnsStatus) -> None:
    async with name_server(RECORDS, ttl=60) as server:
        resolver = resolver_of(server)
        first = await Inquiry(resolver, 5).ask(name, kind)
        server.records.clear()
        assert (
            await Inquiry(resolver, 5).ask(name, kind) == await resolver.resolve(name.upper() + ".", kind, 5) == first
        )
        assert first.status is status
        assert len(server.asked) == 1


async def test_it_is_asked_for_again_when_its_time_is_over() -> None:
    async with name_server(RECORDS, ttl=1) as server:
        resolver = resolver_of(server)
        await resolver.resolve("mission.example", "TXT", 5)
        server.records["mission.example", "TXT"] = ('"v=spf1 +all"',)
        await asyncio.sleep(1.1)
        assert (await resolver.resolve("mission.example", "TXT", 5)).records == ("v=spf1 +all",)


async def test_what_holds_for_no_time_is_not_remembered() -> None:
    async with name_server(RECORDS) as server:
        resolver = resolver_of(server)
        for _ in range(2):
            await resolver.resolve("mission.example", "TXT", 5)
        assert len(server.asked) == 2


@pytest.mark.parametrize("fault", ["servfail", "silent"])
async def test_a_failure_is_not_remembered(fault: str) -> None:
    async with name_server(RECORDS, ttl=60) as server:
        resolver = resolver_of(server)
        getattr(server, fault).add("mission.example")
        assert (await resolver.resolve("mission.example", "TXT", 0.5)).status is DnsStatus.FAILED
        getattr(server, fault).clear()
        assert (await resolver.resolve("mission.example", "TXT", 5)).status is DnsStatus.FOUND


async def test_that_there_is_nothing_holds_only_where_an_soa_record_says_for_how_long() -> None:
    """RFC 2308 §5."""
    async with _changed(lambda response: response.authority.clear()) as server:
        resolver = resolver_of(server)
        for name in ("nobody.example", "mission.example"):
            for _ in range(2):
                assert (await resolver.resolve(name, "MX", 5)).status is not DnsStatus.FAILED
        assert len(server.asked) == 4


@pytest.mark.parametrize(("ttl", "minimum", "apex"), [(60, 0, "."), (0, 60, "."), (60, 60, "other.example.")])
async def test_the_soa_record_counts_that_is_above_the_name_and_its_smaller_number(
    ttl: int, minimum: int, apex: str
) -> None:
    def other(response: dns.message.Message) -> None:
        numbers = f"ns.example. . 1 3600 600 86400 {minimum}"
        response.authority[:] = [dns.rrset.from_text(apex, ttl, dns.rdataclass.IN, "SOA", numbers)]

    async with _changed(other) as server:
        resolver = resolver_of(server)
        for _ in range(2):
            assert (await resolver.resolve("mission.example", "MX", 5)).status is DnsStatus.EMPTY
        assert len(server.asked) == 2


async def test_of_a_chain_the_shortest_time_holds() -> None:
    def shorten(response: dns.message.Message) -> None:
        response.answer[0].ttl = 0

    async with _changed(shorten) as server:
        resolver = resolver_of(server)
        for _ in range(2):
            assert (await resolver.resolve("alias.example", "TXT", 5)).records == ("v=spf1 -all",)
        assert len(server.asked) == 2


async def test_who_wants_to_know_whether_the_servers_answer_asks_them() -> None:
    async with name_server(RECORDS, ttl=60) as server:
        resolver = resolver_of(server)
        await resolver.ask("Mission.example.", "TXT", 5)
        assert (await resolver.resolve("mission.example", "TXT", 0)).status is DnsStatus.FOUND
        server.servfail.add("mission.example")
        assert (await resolver.ask("mission.example", "TXT", 5)).status is DnsStatus.FAILED
        assert (await resolver.resolve("mission.example", "TXT", 5)).status is DnsStatus.FAILED


async def test_what_is_known_needs_no_time() -> None:
    async with name_server(RECORDS, ttl=60) as server:
        resolver = resolver_of(server)
        await resolver.resolve("mission.example", "TXT", 5)
        assert (await resolver.resolve("mission.example", "TXT", 0)).status is DnsStatus.FOUND


def test_nothing_is_remembered_for_long() -> None:
    memory = Memory()
    memory.keep(found(), 2.0**31, now=100)
    assert memory.recall("mission.example", "TXT", now=399) == found()
    assert memory.recall("mission.example", "TXT", now=400) is None


def test_a_later_answer_stands_in_the_place_of_the_earlier_one() -> None:
    memory = Memory()
    memory.keep(found(), 60, now=0)
    memory.keep(found(octets=2), 60, now=1)
    assert memory.recall("mission.example", "TXT", now=2) == found(octets=2)
    memory.keep(found(octets=3), 0, now=3)
    assert memory.recall("mission.example", "TXT", now=4) is None


def test_what_is_remembered_is_bounded() -> None:
    memory = Memory()
    memory.keep(found("large.example", LARGE + 1), 60, now=0)
    assert memory.recall("large.example", "TXT", now=0) is None
    many = DnsAnswer(name="many.example", kind="TXT", status=DnsStatus.FOUND, records=("x",) * (MANY + 1))
    memory.keep(many, 60, now=0)
    assert memory.recall("many.example", "TXT", now=0) is None
    for number in range(MOST + 1):
        memory.keep(found(f"m{number}.example", LARGE), 60, now=0)
    known = [memory.recall(f"m{number}.example", "TXT", now=0) for number in range(MOST + 1)]
    assert [answer is None for answer in known] == [True, *[False] * MOST]


def test_what_holds_for_no_time_takes_no_place() -> None:
    memory = Memory()
    for number in range(MOST):
        memory.keep(found(f"m{number}.example"), 60, now=0)
    memory.keep(found("brief.example"), 0, now=0)
    assert memory.recall("m0.example", "TXT", now=0) is not None


def _changed(change: Callable[[dns.message.Message], object]) -> AbstractAsyncContextManager[FailingNameServer]:
    """A name server whose answers are changed on their way."""

    class Changing(FailingNameServer):
        def answer(self, query: dns.message.Message) -> dns.message.Message | None:
            response = super().answer(query)
            if response is not None:
                change(response)
            return response

    return serving(Changing(RECORDS, ttl=60))
