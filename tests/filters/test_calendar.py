"""Organizers of invitations: found however a calendar part is dressed, and nowhere else."""

from __future__ import annotations

import base64
import quopri
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.calendar import MOST_ORGANIZERS, announces_calendar, organizers
from filters.content import fields_of_note, header_length, parse_header
from filters.mime_parts import MimeLimits

EVENT = (
    "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\n{organizer}\r\nATTENDEE:mailto:guest@other.example\r\n"
    "DESCRIPTION:write to mailto:text@other.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
CONSUL = "consul@mission.example"
LIMITS = MimeLimits(parts=200, depth=10)
TOP = "From: a@webmail.example\r\nMIME-Version: 1.0\r\n"


def found(content: str | bytes) -> list[str]:
    octets = content if isinstance(content, bytes) else content.encode()
    section = octets[: header_length(octets)]
    listed = [str(one) for one in organizers(parse_header(section), memoryview(octets), len(section), LIMITS)]
    pieces = [octets[at : at + 7] for at in range(0, len(octets), 7)]
    assert announces_calendar(fields_of_note(section), pieces) or not listed, "the cheap test overlooks nothing"
    return listed


def calendar(organizer: str = f"ORGANIZER:mailto:{CONSUL}", fields: str = "", body: bytes | None = None) -> bytes:
    head = f"Content-Type: text/calendar; charset=utf-8; method=REQUEST\r\n{fields}\r\n"
    return head.encode() + (EVENT.format(organizer=organizer).encode() if body is None else body)


def multipart(*parts: bytes, boundary: str = "b1", kind: str = "mixed") -> bytes:
    inner = b"".join(f"--{boundary}\r\n".encode() + part + b"\r\n" for part in parts)
    return (
        f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'.encode() + inner + f"--{boundary}--".encode()
    )


PLAIN = b"Content-Type: text/plain\r\n\r\nORGANIZER:mailto:text@other.example\r\n"


@pytest.mark.parametrize(
    "part",
    [
        calendar(),
        calendar(f"organizer:MAILTO:{CONSUL}"),
        calendar(f'ORGANIZER;CN="Consul: the one; x":mailto:{CONSUL}'),
        calendar(f"ORGANIZER;CN=Consul:mailto:{CONSUL}?subject=x"),
        calendar(f'ORGANIZER;SENT-BY="mailto:{CONSUL}":invalid:nomail'),
        calendar(f"ORGANIZER;EMAIL={CONSUL}:urn:uuid:1"),
        calendar("ORGANIZER:mailto:consul%40mission.example"),
        calendar("ORGANIZER;CN=Con\r\n sul:mail\r\n\tto:consul@miss\r\n ion.example"),
        calendar(fields="Content-Transfer-Encoding: base64\r\n", body=base64.encodebytes(EVENT.format(organizer=f"ORGANIZER:mailto:{CONSUL}").encode())),
        calendar(fields="Content-Transfer-Encoding: quoted-printable\r\n", body=quopri.encodestring(EVENT.format(organizer=f"ORGANIZER:mailto:{CONSUL}").encode())),
        calendar().replace(b"\r\n", b"\n"),
        calendar().replace(b"text/calendar", b"TEXT/Calendar"),
        calendar().replace(b"charset=utf-8", b"charset=nonsense"),
    ],
)  # fmt: skip
def test_the_organizer_is_found(part: bytes) -> None:
    assert found(TOP.encode() + part) == [CONSUL]
    assert found(TOP.encode() + multipart(PLAIN, part)) == [CONSUL]
    assert found(TOP.encode() + multipart(PLAIN, multipart(PLAIN, part, boundary="b2", kind="alternative"))) == [CONSUL]


@pytest.mark.parametrize("charset", ["undefined", "idna", "punycode", "rot13", "no-such", "hex", "utf-7"])
def test_a_charset_that_is_none_hides_nobody(charset: str) -> None:
    """Python has codecs that raise whatever is asked of them."""
    part = calendar(body=EVENT.format(organizer=f"ORGANIZER;CN=\xff:mailto:{CONSUL}").encode("latin-1"))
    assert found(TOP.encode() + part.replace(b"charset=utf-8", b"charset=" + charset.encode())) == [CONSUL]


def test_other_charsets_are_read() -> None:
    body = EVENT.format(organizer=f"ORGANIZER;CN=领事:mailto:{CONSUL}")
    for charset in ("gb18030", "big5", "iso-2022-jp"):
        head = TOP.encode() + f"Content-Type: text/calendar; charset={charset}\r\n\r\n".encode()
        assert found(head + body.encode(charset, "replace")) == [CONSUL]


@pytest.mark.parametrize(
    "content",
    [
        TOP.encode() + PLAIN,
        TOP.encode() + multipart(PLAIN, b"Content-Type: text/x-calendar\r\n\r\nORGANIZER:mailto:" + CONSUL.encode()),
        TOP.encode() + multipart(PLAIN, b"Content-Type: message/rfc822\r\n\r\n" + calendar()),
        TOP.encode() + calendar("X-ORGANIZER:mailto:x@y.example"),
        TOP.encode() + calendar("ORGANIZERS:mailto:x@y.example"),
        TOP.encode() + calendar("ORGANIZER:mailto:nobody"),
        b"Content-Type: text/calendar",
        b"",
    ],
)
def test_nothing_else_is_an_organizer(content: bytes) -> None:
    assert found(content) == []


def test_the_number_of_organizers_is_bounded() -> None:
    many = "\r\n".join(f"ORGANIZER:mailto:a{number}@mission.example" for number in range(200))
    assert len(found(TOP.encode() + calendar(many))) == MOST_ORGANIZERS


@given(st.binary(max_size=2000))
def test_any_octets_are_read(octets: bytes) -> None:
    found(b"Content-Type: text/calendar\r\n\r\n" + octets)
    found(b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\nContent-Type: text/calendar' + octets)


def nested(depth: int) -> bytes:
    """A calendar inside that many multiparts."""
    part = calendar()
    for level in range(depth):
        part = multipart(part, boundary=f"b{level}")
    return part


@pytest.mark.parametrize(("depth", "expected"), [(1, [CONSUL]), (10, [CONSUL]), (11, []), (1000, [])])
def test_multiparts_are_opened_as_deep_as_the_limit_says(depth: int, expected: list[str]) -> None:
    assert found(TOP.encode() + nested(depth)) == expected


@pytest.mark.parametrize(("before", "expected"), [(198, [CONSUL]), (199, []), (100_000, [])])
def test_as_many_parts_are_looked_at_as_the_limit_says(before: int, expected: list[str]) -> None:
    assert found(TOP.encode() + multipart(*[PLAIN] * before, calendar())) == expected


def test_what_a_part_says_of_itself_is_read_only_so_far() -> None:
    assert found(TOP.encode() + multipart(calendar(fields="X: " + "x" * 20_000 + "\r\n"), PLAIN)) == [CONSUL]
    content = TOP.encode() + multipart(*[b"a:\n" * 100_000] * 20, calendar())
    start = header_length(content)
    tracemalloc.start()
    assert len(organizers(parse_header(content[:start]), memoryview(content), start, LIMITS)) == 1
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 30_000_000
