"""IP addresses as peers and protocols write them, and the networks that the configuration names."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
    IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


@lru_cache(maxsize=4096)
def parse_address(text: str) -> IPAddress | None:
    """The address, or None when it is none. A mapped IPv4 address (RFC 4291 §2.5.5.2) is the IPv4 address it maps."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if address.version == 6 else address


@lru_cache(maxsize=4096)
def plain_address(text: str) -> str:
    """The address in its usual spelling, without a scope; as it is given when it is no address."""
    address = parse_address(text.partition("%")[0])
    return text if address is None else str(address)


def is_within(text: str, networks: Sequence[IPNetwork]) -> bool:
    """Whether the address lies in one of the networks; what is no address lies in none."""
    address = parse_address(text.partition("%")[0]) if networks else None
    return address is not None and any(address in network for network in networks)
