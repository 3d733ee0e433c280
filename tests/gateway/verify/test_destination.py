"""Where mail for a domain goes, and where none may be sent."""

from __future__ import annotations

import pytest

from gateway.settings import Endpoint
from gateway.verify.destination import Destination, Destinations, MailHost, Reach, is_public
from gateway.verify.resolver import Resolver
from tests.support.nameserver import PUBLIC_IPV4, PUBLIC_IPV6, name_server

RECORDS = {
    ("mission.example", "MX"): ["20 second.mission.example.", "10 first.mission.example."],
    ("first.mission.example", "A"): [PUBLIC_IPV4, "10.0.0.1"],
    ("second.mission.example", "AAAA"): [PUBLIC_IPV6, "::1"],
    ("implicit.example", "A"): [PUBLIC_IPV4],
    ("null.example", "MX"): ["0 ."],
    ("null.example", "A"): [PUBLIC_IPV4],
    ("mixed.example", "MX"): ["0 .", "10 first.mission.example."],
    ("private.example", "MX"): ["10 private.example."],
    ("private.example", "A"): ["127.0.0.1", "192.168.1.1"],
    ("private.example", "AAAA"): ["::ffff:9.9.9.10", "fe80::1"],
    ("nowhere.example", "MX"): ["10 gone.example."],
    ("ours.example", "MX"): ["10 mx.police.example."],
    ("nothing.example", "TXT"): ['"only words"'],
}


async def _of(domain: str, *, servfail: str = "") -> Destination:
    async with name_server(RECORDS) as server:
        server.servfail.add(servfail)
        resolver = Resolver([Endpoint("127.0.0.1", server.port)])
        return await Destinations(resolver=resolver, seconds=3, hostname="MX.police.example").of(domain)


async def test_mail_servers_stand_in_the_order_of_their_preference_with_public_addresses_only() -> None:
    found = await _of("Mission.Example")
    assert found.reach is Reach.PUBLIC
    assert found.hosts == (
        MailHost("first.mission.example", (PUBLIC_IPV4,)),
        MailHost("second.mission.example", (PUBLIC_IPV6,)),
    )
    assert (found.answers[0].name, found.answers[0].kind) == ("mission.example", "MX")


async def test_one_public_address_is_enough_to_say_that_a_domain_takes_mail() -> None:
    async with name_server(RECORDS) as server:
        destinations = Destinations(resolver=Resolver([Endpoint("127.0.0.1", server.port)]), seconds=3, hostname="mx")
        found = await destinations.of("mission.example", every_host=False)
        nowhere = await destinations.of("private.example", every_host=False)
    assert found.hosts == (MailHost("first.mission.example", (PUBLIC_IPV4,)),)
    assert [(answer.name, answer.kind) for answer in found.answers] == [
        ("mission.example", "MX"), ("first.mission.example", "A"),
    ]  # fmt: skip
    assert nowhere.reach is Reach.CLOSED
    assert [answer.kind for answer in nowhere.answers] == ["MX", "A", "AAAA"]


async def test_a_domain_without_mx_records_is_its_own_mail_server() -> None:
    assert (await _of("implicit.example")).hosts == (MailHost("implicit.example", (PUBLIC_IPV4,)),)


async def test_a_null_mx_among_others_is_overlooked() -> None:
    assert (await _of("mixed.example")).hosts == (MailHost("first.mission.example", (PUBLIC_IPV4,)),)


@pytest.mark.parametrize(
    ("domain", "words"),
    [
        ("null.example", "null MX"),
        ("private.example", "public address"),
        ("nowhere.example", "public address"),
        ("nothing.example", "public address"),
        ("absent.example", "does not exist"),
        ("ours.example", "loop"),
        ("[192.0.2.1]", "names no domain"),
        ("", "names no domain"),
    ],
)
async def test_nobody_may_write_to_a_domain_that_takes_no_mail(domain: str, words: str) -> None:
    found = await _of(domain)
    assert found.reach is Reach.CLOSED
    assert found.hosts == ()
    assert words in found.reason


@pytest.mark.parametrize(
    ("domain", "broken"),
    [
        ("mission.example", "mission.example"),
        ("implicit.example", "implicit.example"),
        ("nowhere.example", "gone.example"),
    ],
)
async def test_a_dns_that_does_not_answer_leaves_it_open(domain: str, broken: str) -> None:
    found = await _of(domain, servfail=broken)
    assert found.reach is Reach.UNKNOWN
    assert broken in found.reason


async def test_one_mail_server_that_is_known_is_enough() -> None:
    assert (await _of("mission.example", servfail="first.mission.example")).hosts == (
        MailHost("second.mission.example", (PUBLIC_IPV6,)),
    )


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "192.0.2.1", "::", "::1", "fe80::1", "fd00::1", "ff02::1", "2001:db8::1", "::ffff:8.8.8.8",
        "64:ff9b::7f00:1", "2002:7f00:1::1", "2001:0:7f00:1::1",
    ],
)  # fmt: skip
def test_these_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", [PUBLIC_IPV4, PUBLIC_IPV6, "1.1.1.1", "2606:4700::1111"])
def test_these_addresses_are_public(address: str) -> None:
    assert is_public(address)
