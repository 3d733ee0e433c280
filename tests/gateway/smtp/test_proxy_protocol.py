"""PROXY headers: the whole of one is read, part of one is waited for, everything else is refused."""

from __future__ import annotations

import ipaddress
import socket
import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.smtp.proxy_protocol import ProxyHeader, ProxyHeaderError, read_proxy_header

MARK = b"\r\n\r\n\x00\r\nQUIT\n"
V4 = b"\xc6\x33\x64\x07\x7f\0\0\1" + struct.pack("!HH", 40001, 25)
V6 = socket.inet_pton(socket.AF_INET6, "2001:db8::7") * 2 + struct.pack("!HH", 40001, 25)
MAPPED = socket.inet_pton(socket.AF_INET6, "::ffff:198.51.100.7") * 2 + struct.pack("!HH", 1, 2)


def v2(family: int, block: bytes, command: int = 0x21) -> bytes:
    return MARK + bytes([command, family]) + struct.pack("!H", len(block)) + block


WHOLE = {
    b"PROXY TCP4 198.51.100.7 127.0.0.1 40001 25\r\n": ("198.51.100.7", "40001"),
    b"PROXY TCP6 2001:DB8:0::7 ::1 40001 25\r\n": ("2001:db8::7", "40001"),
    b"PROXY TCP6 ::ffff:198.51.100.7 ::1 1 25\r\n": ("198.51.100.7", "1"),
    b"PROXY UNKNOWN\r\n": ("", ""),
    b"PROXY UNKNOWN ffff:f...f ::1 1 2\r\n": ("", ""),
    v2(0x11, V4): ("198.51.100.7", "40001"),
    v2(0x11, V4 + b"\x04\0\x03abc"): ("198.51.100.7", "40001"),
    v2(0x21, V6): ("2001:db8::7", "40001"),
    v2(0x21, MAPPED): ("198.51.100.7", "1"),
    v2(0x00, b""): ("", ""),
    v2(0x31, b"/run/socket".ljust(216, b"\0")): ("", ""),
    v2(0x12, V4): ("", ""),
}


@pytest.mark.parametrize("octets", WHOLE)
def test_a_whole_header_names_the_client(octets: bytes) -> None:
    assert read_proxy_header(octets + b"EHLO") == ProxyHeader(len(octets), *WHOLE[octets])


@pytest.mark.parametrize("octets", WHOLE)
def test_every_beginning_of_a_header_is_waited_for(octets: bytes) -> None:
    assert {read_proxy_header(octets[:end]) for end in range(len(octets))} == {None}


@pytest.mark.parametrize("block", [b"", V4, b"\xff" * 100])
def test_a_health_check_has_no_client(block: bytes) -> None:
    octets = v2(0x11 if block == V4 else 0, block, command=0x20)
    assert read_proxy_header(octets) == ProxyHeader(len(octets), local=True)


@pytest.mark.parametrize(
    "octets",
    [
        b"EHLO client.example\r\n",
        b"proxy TCP4 198.51.100.7 127.0.0.1 1 2\r\n",
        b"PROXY\r\n",
        b"PROXY TCP4 198.51.100.7 127.0.0.1 1\r\n",
        b"PROXY TCP4  198.51.100.7 127.0.0.1 1 2\r\n",
        b"PROXY TCP4 198.51.100.7 127.0.0.1 1 2 \r\n",
        b"PROXY TCP4 198.51.100.7 127.0.0.1 65536 2\r\n",
        b"PROXY TCP4 198.51.100.7 127.0.0.1 1 65536\r\n",
        b"PROXY TCP4 198.51.100.07 127.0.0.1 1 2\r\n",
        b"PROXY TCP4 2001:db8::7 ::1 1 2\r\n",
        b"PROXY TCP6 198.51.100.7 127.0.0.1 1 2\r\n",
        b"PROXY TCP4 198.51.100.7 300.0.0.1 1 2\r\n",
        b"PROXY UDP4 198.51.100.7 127.0.0.1 1 2\r\n",
        b"PROXY TCP4 198.51.100.7 127.0.0.1 1 2\n",
        b"PROXY UNKNOWN \x00\r\n",
        b"PROXY UNKNOWN " + b"x" * 92 + b"\r\n",
        b"PROXY " + b"x" * 200,
        b"\r\n\r\n\x00\r\nQUIX\n",
        v2(0x11, V4, command=0x11),
        v2(0x11, V4, command=0x22),
        v2(0x11, V4[:-1]),
        v2(0x21, V6[:-1]),
        MARK + b"\x21\x11\xff\xff",
    ],
)
def test_what_is_no_header_is_refused(octets: bytes) -> None:
    with pytest.raises(ProxyHeaderError):
        read_proxy_header(octets)


PIECES = st.sampled_from([MARK, MARK[:5], b"PROXY ", b"TCP4 ", b"TCP6 ", b"UNKNOWN", b"1.2.3.4 ", b"::1 ", b"25", b"\r\n", b"\x21\x11\x00\x0c", b"\x20\0\0\0", V4, V6])  # fmt: skip


@given(st.one_of(st.binary(max_size=300), st.lists(st.one_of(PIECES, st.binary(max_size=9)), max_size=8).map(b"".join)))
@example(b"")
def test_no_octets_are_more_than_a_header_part_of_one_or_none(octets: bytes) -> None:
    try:
        header = read_proxy_header(octets)
    except ProxyHeaderError:
        return
    if header is None:
        assert len(octets) < 16 + 4096
        return
    assert header.length <= len(octets)
    assert read_proxy_header(octets[: header.length]) == header
    assert header.address in {"", str(ipaddress.ip_address(header.address or "::"))}
