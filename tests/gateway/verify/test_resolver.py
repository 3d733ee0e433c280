"""The resolver: what name servers answer, over real packets, as values."""

from __future__ import annotations

import asyncio

from filters.authentication import DnsStatus
from gateway.settings import Endpoint
from gateway.verify.name_servers import MOST_OCTETS
from gateway.verify.resolver import Inquiry, Resolver
from tests.support.nameserver import FailingNameServer, name_server

RECORDS = {
    ("sender.example", "MX"): ["20 second.sender.example.", "10 First.Sender.example."],
    ("sender.example", "TXT"): ['"v=spf1 " "-all"', '"\\228\\189"'],
    ("closed.example", "MX"): ["0 ."],
    ("1.2.0.192.in-addr.arpa", "PTR"): ["Host.sender.example."],
    ("deep.below.example", "A"): ["192.0.2.1"],
}


def _resolver(server: FailingNameServer) -> Resolver:
    return Resolver([Endpoint("127.0.0.1", server.port)])


async def test_records_come_as_text_with_names_in_lower_case() -> None:
    async with name_server(RECORDS) as server:
        inquiry = Inquiry(_resolver(server), 5)
        assert set((await inquiry.ask("Sender.Example.", "MX")).records) == {
            "20 second.sender.example",
            "10 first.sender.example",
        }
        assert set((await inquiry.ask("sender.example", "TXT")).records) == {"v=spf1 -all", "\xe4\xbd"}
        assert (await inquiry.ask("closed.example", "MX")).records == ("0 .",)
        assert (await inquiry.ask("1.2.0.192.in-addr.arpa", "PTR")).records == ("host.sender.example",)
        assert [(answer.name, answer.kind) for answer in inquiry.answers] == [
            ("sender.example", "MX"),
            ("sender.example", "TXT"),
            ("closed.example", "MX"),
            ("1.2.0.192.in-addr.arpa", "PTR"),
        ]


async def test_a_name_without_such_records_is_told_from_a_name_that_does_not_exist() -> None:
    async with name_server(RECORDS) as server:
        inquiry = Inquiry(_resolver(server), 5)
        assert (await inquiry.ask("sender.example", "AAAA")).status is DnsStatus.EMPTY
        assert (await inquiry.ask("below.example", "A")).status is DnsStatus.EMPTY
        assert (await inquiry.ask("nobody.example", "A")).status is DnsStatus.ABSENT


async def test_servfail_and_silence_are_failures_with_a_reason() -> None:
    async with name_server(RECORDS) as server:
        server.servfail.add("sender.example")
        server.silent.add("deep.below.example")
        inquiry = Inquiry(_resolver(server), 1)
        for name, kind in (("sender.example", "MX"), ("deep.below.example", "A")):
            answer = await inquiry.ask(name, kind)
            assert answer.status is DnsStatus.FAILED
            assert answer.reason


async def test_a_server_that_is_not_there_is_a_failure() -> None:
    answer = await Resolver([Endpoint("127.0.0.1", 1)]).resolve("sender.example", "A", 0.5)
    assert answer.status is DnsStatus.FAILED


async def test_the_time_is_for_all_questions_together() -> None:
    async with name_server(RECORDS) as server:
        server.silent.update({"one.example", "two.example"})
        began = asyncio.get_running_loop().time()
        inquiry = Inquiry(_resolver(server), 0.5)
        assert (await inquiry.ask("one.example", "A")).status is DnsStatus.FAILED
        assert (await inquiry.ask("two.example", "A")).reason == "the time for questions is used up"
        assert (await inquiry.ask("sender.example", "MX")).status is DnsStatus.FAILED
        assert asyncio.get_running_loop().time() - began < 5
        assert {name for name, _ in server.asked} == {"one.example"}


async def test_each_question_is_asked_once_and_their_number_is_bounded() -> None:
    async with name_server(RECORDS) as server:
        inquiry = Inquiry(_resolver(server), 5, most=2)
        assert await inquiry.ask("sender.example", "MX") == await inquiry.ask("SENDER.example.", "MX")
        await inquiry.ask("sender.example", "TXT")
        assert (await inquiry.ask("closed.example", "MX")).reason == "2 questions were asked already"
        assert len(server.asked) == 2


async def test_an_answer_that_does_not_fit_a_datagram_comes_over_tcp_and_an_absurd_one_is_refused() -> None:
    long = {
        ("long.example", "TXT"): [f'"{letter * 250}"' for letter in "abcdefgh"],
        ("absurd.example", "TXT"): [f'"{number:03}{"a" * 240}"' for number in range(MOST_OCTETS // 240)],
    }
    async with name_server(long) as server:
        inquiry = Inquiry(_resolver(server), 5)
        assert len((await inquiry.ask("long.example", "TXT")).records) == 8
        assert "octets" in (await inquiry.ask("absurd.example", "TXT")).reason


async def test_what_is_no_domain_name_does_not_exist() -> None:
    async with name_server(RECORDS) as server:
        resolver = _resolver(server)
        for name in ("a..example", "x" * 64 + ".example", "é.example", ".".join(["x" * 60] * 5)):
            assert (await resolver.resolve(name, "A", 5)).status is DnsStatus.ABSENT
        assert server.asked == []
