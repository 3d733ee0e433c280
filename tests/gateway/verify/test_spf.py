"""SPF besides the public suite: who is asked about, and records that are made to hurt."""

from __future__ import annotations

import pytest

from filters.address import NULL_PATH, parse_path
from filters.authentication import MethodResult, Result
from gateway.settings import Endpoint
from gateway.verify.resolver import Inquiry, Resolver
from gateway.verify.spf import check_spf
from tests.support.nameserver import FailingNameServer, name_server

SENDER = "office@mission.example"


async def checked(
    records: dict[tuple[str, str], list[str]],
    *,
    client_ip: str = "192.0.2.1",
    sender: str = SENDER,
    helo: str = "mail.mission.example",
    servfail: str = "",
) -> tuple[MethodResult, FailingNameServer]:
    async with name_server(records) as server:
        server.servfail.add(servfail)
        inquiry = Inquiry(Resolver([Endpoint("127.0.0.1", server.port)]), 4)
        path = parse_path(sender) if sender else NULL_PATH
        result = await check_spf(inquiry, client_ip=client_ip, helo=helo, reverse_path=path)
    assert result.reason
    return result, server


def txt(text: str) -> dict[tuple[str, str], list[str]]:
    return {("mission.example", "TXT"): [" ".join(f'"{text[at : at + 250]}"' for at in range(0, len(text), 250))]}


async def test_the_reason_names_the_mechanism_and_the_record() -> None:
    result, _ = await checked(txt("v=spf1 ip4:192.0.2.0/24 -all"))
    assert (result.result, result.domain) == (Result.PASS, "mission.example")
    assert result.reason == "192.0.2.1 matches 'ip4:192.0.2.0/24' in the SPF record of mission.example."


async def test_an_unknown_client_proves_nothing_and_asks_nobody() -> None:
    result, server = await checked(txt("v=spf1 +all"), client_ip="")
    assert result.result is Result.NONE
    assert server.asked == []


async def test_a_null_path_is_checked_by_helo() -> None:
    records = {("mail.mission.example", "TXT"): ['"v=spf1 a -all"'], ("mail.mission.example", "A"): ["192.0.2.1"]}
    result, _ = await checked(records, sender="")
    assert (result.result, result.domain) == (Result.PASS, "mail.mission.example")


async def test_an_ipv4_client_on_an_ipv6_socket_is_an_ipv4_client() -> None:
    result, _ = await checked(txt("v=spf1 ip4:192.0.2.1 -all"), client_ip="::ffff:192.0.2.1")
    assert result.result is Result.PASS


@pytest.mark.parametrize(
    "records",
    [
        txt("v=spf1 include:mission.example -all"),
        txt("v=spf1 redirect=mission.example"),
        txt("v=spf1 " + "a:no.example " * 30 + "-all"),
        txt("v=spf1 " + "exists:%{ir}.%{l1r-}.none.example " * 20),
        txt("v=spf1 mx -all") | {("mission.example", "MX"): [f"{n} m{n}.mission.example." for n in range(100)]},
        txt("v=spf1 " + "ip4:192.0.2.1" * 200),
        txt("v=spf1 " + "moo " * 1500),
    ],
)
async def test_what_costs_too_much_is_an_error_after_few_questions(records: dict[tuple[str, str], list[str]]) -> None:
    result, server = await checked(records)
    assert result.result is Result.PERMERROR, result.reason
    assert len(server.asked) <= 12


@pytest.mark.parametrize("broken", ["mission.example", "one.example"])
async def test_a_dns_that_does_not_answer_is_a_state_of_its_own(broken: str) -> None:
    result, _ = await checked(txt("v=spf1 a:one.example -all"), servfail=broken)
    assert result.result is Result.TEMPERROR
    assert broken in result.reason
