"""Who SPF may be asked about, after all that the connection, a proxy and a relay said."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest

from filters.envelope import Client
from gateway.model.reply import Reply
from gateway.settings import Smtp
from gateway.smtp.client_identity import ClientIdentity, Peer

if TYPE_CHECKING:
    from filters.envelope import Origin

RELAY = Peer("192.0.2.25", "40001")


def identity(peer: Peer = RELAY, *, internal: tuple[str, ...] | None = None) -> ClientIdentity:
    told = (ip_network("192.0.2.0/24"), ip_network("10.0.0.0/8"))
    if internal is None:
        return ClientIdentity(peer, Smtp(xclient_from=told))
    return ClientIdentity(peer, Smtp(xclient_from=told, internal_networks=tuple(ip_network(one) for one in internal)))


def told(client: ClientIdentity, *lines: str) -> Origin:
    for line in lines:
        obey = client.xclient if line.startswith("XCLIENT") else client.xforward
        answer = obey(line.encode())
        assert not isinstance(answer, Reply) or answer.positive, answer
    return client.origin("relay.example", "ESMTPS", "TLSv1.3")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], ("192.0.2.25", "relay.example")),
        (["XCLIENT ADDR=198.51.100.7 HELO=town.example"], ("198.51.100.7", "town.example")),
        (["XCLIENT ADDR=198.51.100.7"], ("198.51.100.7", "relay.example")),
        (["XCLIENT ADDR=10.1.2.3 HELO=town.example"], None),
        (["XCLIENT ADDR=[UNAVAILABLE]"], None),
        (["XFORWARD ADDR=198.51.100.7 HELO=town.example"], ("198.51.100.7", "town.example")),
        (["XFORWARD NAME=a ADDR=198.51.100.7", "XFORWARD HELO=town.example"], ("198.51.100.7", "town.example")),
        (["XFORWARD ADDR=IPV6:2001:DB8::1"], ("2001:db8::1", "")),
        (["XFORWARD ADDR=192.168.1.1"], None),
        (["XFORWARD ADDR=IPV6:::ffff:192.168.1.1"], None),
        (["XFORWARD ADDR=[UNAVAILABLE] HELO=town.example"], None),
        (["XFORWARD HELO=town.example"], None),
        (["XFORWARD ADDR=198.51.100.7 SOURCE=LOCAL"], None),
        (["XFORWARD ADDR=198.51.100.7 SOURCE=REMOTE"], ("198.51.100.7", "")),
        (["XCLIENT ADDR=198.51.100.7", "XFORWARD ADDR=198.51.100.9"], ("198.51.100.9", "")),
        (["XFORWARD ADDR=198.51.100.9", "XCLIENT ADDR=198.51.100.7"], ("198.51.100.7", "relay.example")),
    ],
)
def test_spf_is_asked_about_the_first_client_outside(lines: list[str], expected: tuple[str, str] | None) -> None:
    client = told(identity(), *lines).outside
    assert (client and (client.address, client.helo)) == expected


def test_a_connection_from_inside_has_nobody_outside_unless_a_relay_tells_of_one() -> None:
    inside = Peer("10.0.0.1", "40001")
    assert told(identity(inside)).outside is None
    assert told(identity(inside, internal=())).outside is not None
    client = told(identity(inside), "XFORWARD ADDR=198.51.100.7 HELO=town.example").outside
    assert client == Client(address="198.51.100.7", helo="town.example")


def test_a_proxy_that_hides_its_client_leaves_spf_nothing_to_ask() -> None:
    hidden = Peer("192.0.2.25", "40001", hidden=True)
    assert told(identity(hidden)).outside is None
    assert told(identity(hidden), "XCLIENT HELO=town.example").outside is None
    assert told(identity(hidden), "XCLIENT ADDR=198.51.100.7").outside is not None


def test_a_peer_that_has_left_has_nobody_outside() -> None:
    assert told(identity(Peer())).outside is None


def test_the_session_s_client_stays_in_the_origin_whatever_xforward_says() -> None:
    client = identity()
    origin = told(client, "XFORWARD ADDR=198.51.100.7 PORT=4000 HELO=town.example PROTO=SMTP")
    assert (origin.client_ip, origin.helo, origin.protocol, origin.tls) == (
        "192.0.2.25", "relay.example", "ESMTPS", "TLSv1.3",
    )  # fmt: skip
    assert origin.client == Client(address="198.51.100.7", helo="town.example", port="4000", protocol="SMTP")
    client.forget_forwarded()
    assert told(client).client == Client(address="192.0.2.25", helo="relay.example", port="40001", protocol="ESMTP")


def test_another_address_has_not_the_name_and_the_port_of_the_one_before() -> None:
    origin = told(identity(), "XCLIENT NAME=a.example ADDR=198.51.100.7 PORT=1", "XCLIENT ADDR=198.51.100.8")
    assert (origin.client_ip, origin.client_name, origin.client_port) == ("198.51.100.8", "", "")


def test_all_that_was_told_is_forgotten_when_tls_begins() -> None:
    client = identity()
    told(client, "XCLIENT ADDR=198.51.100.7 HELO=town.example", "XFORWARD ADDR=198.51.100.9")
    client.begin_again()
    assert told(client) == told(identity())


def test_a_mapped_address_is_in_the_networks_of_the_address_it_maps() -> None:
    assert identity(Peer("::ffff:192.0.2.25")).keywords()
    assert not identity(Peer("203.0.113.1")).keywords()
