"""What leaves has clean line ends and stuffed dots, however its source was cut."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.line_ends import has_bare_newline, normalize
from gateway.relay.wire import encode

PIECES = st.lists(st.sampled_from([b"a", b".", b"\r\n", b"\r", b"\n", b"\0", b""]), max_size=25)


def unstuff(wire: bytes) -> bytes:
    """What an exact receiver makes of it."""
    assert wire.endswith(b"\r\n.\r\n") or wire == b".\r\n"
    return (b"\r\n" + wire[: -len(b".\r\n")]).replace(b"\r\n.", b"\r\n")[2:]


@given(PIECES)
def test_a_receiver_gets_the_normalized_content_back(pieces: list[bytes]) -> None:
    content = b"".join(pieces)
    wire = b"".join(encode(pieces))
    expected = normalize(content)
    if expected and not expected.endswith(b"\r\n"):
        expected += b"\r\n"
    assert unstuff(wire) == expected


@given(PIECES)
def test_nothing_leaves_with_a_bare_cr_or_lf_or_an_early_end(pieces: list[bytes]) -> None:
    wire = b"".join(encode(pieces))
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", wire)
    assert (b"\r\n" + wire).find(b"\r\n.\r\n") == len(wire) - 3


@given(PIECES)
def test_only_the_last_chunk_carries_the_final_dot(pieces: list[bytes]) -> None:
    *before, last = encode(pieces)
    assert last.endswith(b".\r\n")
    assert b"\r\n.\r\n" not in b"".join(before)


@pytest.mark.parametrize(
    ("content", "wire"),
    [
        (b"", b".\r\n"),
        (b"a\r\n", b"a\r\n.\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b".\r\n", b"..\r\n.\r\n"),
        (b"a\n.\nb\r\n", b"a\r\n..\r\nb\r\n.\r\n"),
        (b"a\rb\r\n", b"a b\r\n.\r\n"),
        (b"a\r\r\nb\n\n\r\n", b"a \r\nb\r\n\r\n\r\n.\r\n"),
        (b"a\n\rb\r\n", b"a\r\n b\r\n.\r\n"),
    ],
)
def test_content_on_the_wire(content: bytes, wire: bytes) -> None:
    assert b"".join(encode([content])) == wire


@given(PIECES)
def test_a_bare_newline_is_a_cr_or_an_lf_without_the_other(pieces: list[bytes]) -> None:
    octets = b"".join(pieces)
    assert has_bare_newline(octets) is bool(re.search(rb"(?<!\r)\n|\r(?!\n)", octets))
