"""The PROXY protocol's header, versions 1 and 2: octets in, the client's endpoint out (HAProxy's proxy-protocol.txt).

Strict: an octet that can't belong to a header ends the connection at once, because whoever is let in without one
would pass for the proxy. aiosmtpd has a reader of its own, but it wants a stream to wait on, and leaves the log to
the standard library; here a header is a function of the octets that have come.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.model.networks import plain_address

if TYPE_CHECKING:
    from typing import Literal

V1_LIMIT = 107
"""Octets of a version 1 header, its CRLF included (§2.1)."""
V2_LIMIT = 4096
"""Octets after a version 2 header's fixed part. Addresses take 216 at most, the rest are TLVs that are not read."""

_V1_MARK = b"PROXY "
_V2_MARK = b"\r\n\r\n\x00\r\nQUIT\n"
_V2_FIXED = 16
_V1 = re.compile(
    rb"PROXY (?:UNKNOWN(?: [ -~]*)?|TCP([46]) ([0-9A-Fa-f.:]{2,45}) ([0-9A-Fa-f.:]{2,45}) (\d{1,5}) (\d{1,5}))\Z"
)
_ADDRESS_OCTETS = {4: 12, 6: 36}


class ProxyHeaderError(Exception):
    """The octets are no PROXY header; the message says why."""


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """A whole header: its length in octets, and the client's address and port.

    `address` is "" when the proxy names no client: a connection of its own (LOCAL, a health check), or one whose
    client it doesn't know (UNKNOWN, UNSPEC) or that has no IP address. The real endpoints hold then (§2.1, §2.2).
    """

    length: int
    address: str = ""
    port: str = ""
    local: bool = False
    """The proxy speaks for itself: a health check."""


def read_proxy_header(octets: bytes) -> ProxyHeader | None:
    """The header at the front of what has come so far, or None while more must come.

    ProxyHeaderError as soon as it can't become a header.
    """
    if octets.startswith(_V2_MARK):
        return _read_v2(octets)
    if octets.startswith(_V1_MARK):
        return _read_v1(octets)
    if _V2_MARK.startswith(octets) or _V1_MARK.startswith(octets):
        return None
    raise ProxyHeaderError("no PROXY header")


def _read_v1(octets: bytes) -> ProxyHeader | None:
    end = octets.find(b"\r\n", 0, V1_LIMIT)
    if end < 0:
        if len(octets) >= V1_LIMIT or b"\n" in octets:
            raise ProxyHeaderError("an endless PROXY line")
        return None
    found = _V1.match(octets[:end])
    if found is None:
        raise ProxyHeaderError("a malformed PROXY line")
    if found[1] is None:
        return ProxyHeader(end + 2)
    version: Literal[4, 6] = 4 if found[1] == b"4" else 6
    source, _destination = (_address(one.decode("ascii"), version) for one in (found[2], found[3]))
    return ProxyHeader(end + 2, source, _port(int(found[4]), int(found[5])))


def _address(text: str, version: Literal[4, 6]) -> str:
    try:
        ipaddress.IPv4Address(text) if version == 4 else ipaddress.IPv6Address(text)
    except ValueError:
        raise ProxyHeaderError("a malformed address in the PROXY line") from None
    return plain_address(text)


def _port(source: int, destination: int) -> str:
    if max(source, destination) > 0xFFFF:
        raise ProxyHeaderError("a malformed port in the PROXY line")
    return str(source)


def _read_v2(octets: bytes) -> ProxyHeader | None:
    if len(octets) < _V2_FIXED:
        return None
    version, command = octets[12] >> 4, octets[12] & 0x0F
    size = int.from_bytes(octets[14:16])
    if version != 2 or command > 1:
        raise ProxyHeaderError("a PROXY header of an unknown version or command")
    if size > V2_LIMIT:
        raise ProxyHeaderError("an endless PROXY header")
    if len(octets) < _V2_FIXED + size:
        return None
    if not command:
        return ProxyHeader(_V2_FIXED + size, local=True)
    return _proxied(octets[13], octets[_V2_FIXED : _V2_FIXED + size])


def _proxied(family: int, block: bytes) -> ProxyHeader:
    """The PROXY command: only TCP names a client that an SMTP server can have (§2.2: others are as UNSPEC)."""
    length = _V2_FIXED + len(block)
    version = {0x11: 4, 0x21: 6}.get(family)
    if version is None:
        return ProxyHeader(length)
    if len(block) < _ADDRESS_OCTETS[version]:
        raise ProxyHeaderError("a PROXY header too short for its addresses")
    octets, ports = (4, 8) if version == 4 else (16, 32)
    address = str(ipaddress.ip_address(block[:octets]))
    return ProxyHeader(length, plain_address(address), str(int.from_bytes(block[ports : ports + 2])))
