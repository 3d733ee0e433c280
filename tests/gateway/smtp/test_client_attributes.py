"""XCLIENT and XFORWARD attributes: xtext is decoded, forms are checked, nothing that could harm a log line gets in."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.reply import Reply
from gateway.smtp.client_attributes import XCLIENT, XFORWARD, read_attributes


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"XCLIENT ADDR=192.0.2.1", {"ADDR": "192.0.2.1"}),
        (b"xclient addr=IPv6:2001:DB8::1 port=0", {"ADDR": "2001:db8::1", "PORT": "0"}),
        (b"XCLIENT ADDR=2001:db8::1", {"ADDR": "2001:db8::1"}),
        (b"XCLIENT ADDR=IPV6:::ffff:192.0.2.1", {"ADDR": "192.0.2.1"}),
        (b"XCLIENT  NAME=[UNAVAILABLE]  ADDR=[unavailable]", {"NAME": "", "ADDR": ""}),
        (b"XCLIENT NAME=[TEMPUNAVAIL]", {"NAME": ""}),
        (b"XCLIENT HELO=a+2Bb+3Dc+20d", {"HELO": "a+b=c d"}),
        (b"XCLIENT HELO=a=b", {"HELO": "a=b"}),
        (b"XCLIENT HELO=[192.0.2.1]", {"HELO": "[192.0.2.1]"}),
        (b"XCLIENT HELO=+C3+A9.example", {"HELO": "é.example"}),
        (b"XCLIENT PROTO=esmtp LOGIN=joe DESTADDR=192.0.2.2 DESTPORT=25",
         {"PROTO": "ESMTP", "LOGIN": "joe", "DESTADDR": "192.0.2.2", "DESTPORT": "25"}),
    ],
)  # fmt: skip
def test_attributes_are_decoded(line: bytes, expected: dict[str, str]) -> None:
    assert read_attributes(line, XCLIENT) == expected


@pytest.mark.parametrize(
    "words",
    [
        b"", b"ADDR", b"ADDR=", b"=x", b"SOURCE=LOCAL", b"ADDR=mail.example", b"ADDR=192.0.2", b"ADDR=192.0.2.1 ADDR=192.0.2.2",
        b"ADDR=IPV6:", b"ADDR=IPV6:192.0.2.1.9", b"PORT=65536", b"PORT=-1", b"PORT=1e3", b"PORT=+D9+A1", b"PROTO=HTTP", b"HELO=a+", b"HELO=a+2",
        b"HELO=a+zz", b"HELO=a+0D+0Ab", b"HELO=a+00", b"HELO=+FF", b"HELO=\xe9", b"HELO=" + b"a" * 256, b"NAME=+E2+80+AE", b"ADDR=192.0.2.1 HELO",
    ],
)  # fmt: skip
def test_what_is_no_attribute_is_refused_with_501(words: bytes) -> None:
    refusal = read_attributes(b"XCLIENT " + words, XCLIENT)
    assert isinstance(refusal, Reply)
    assert (refusal.code, refusal.enhanced) == (501, "5.5.4")


@given(st.lists(st.tuples(st.sampled_from([*XFORWARD, "LOGIN", ""]), st.one_of(st.binary(max_size=20), st.from_regex(rb"[+0-9A-Fa-f:.\[\]]{0,12}"))), max_size=4))  # fmt: skip
def test_hostile_octets_become_printable_values_or_a_refusal(words: list[tuple[str, bytes]]) -> None:
    line = b"XFORWARD " + b" ".join(name.encode() + b"=" + value for name, value in words)
    found = read_attributes(line, XFORWARD)
    if isinstance(found, Reply):
        assert found.code == 501
        return
    assert set(found) <= set(XFORWARD)
    assert all(value.isprintable() and len(value.encode()) <= 255 for value in found.values())


@given(st.text(min_size=1, max_size=60))
def test_every_printable_name_survives_xtext(text: str) -> None:
    encoded = b"".join(b"+%02X" % octet for octet in text.encode("utf-8", "ignore"))
    with suppress(UnicodeEncodeError):
        text.encode()
        found = read_attributes(b"XCLIENT HELO=" + encoded, XCLIENT)
        assert isinstance(found, Reply) == (not text.isprintable())
