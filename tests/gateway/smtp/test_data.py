"""DATA is read in chunks; wherever the chunks are cut, the same message comes out."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.trace import continues
from gateway.operations.outgoing import Outgoing
from gateway.relay.wire import encode
from gateway.settings import BareNewlines, Screening, Smtp
from gateway.smtp import replies
from gateway.smtp.data import DataReader

READING = Screening()
HEADER_TOO_LARGE = replies.header_too_large(READING.max_header_size, READING.max_header_fields)
BIG = 10_000_000


def read(wire: bytes, *cuts: int, reject: bool = False, max_size: int = BIG) -> tuple[DataReader, bytes, bool]:
    """The reader, what follows the message, and whether it saw the end; `cuts` are where segments end."""
    newlines = BareNewlines.REJECT if reject else BareNewlines.NORMALIZE
    reader, rest = DataReader(Smtp(max_message_size=max_size, bare_newlines=newlines), READING), None
    edges = [0, *sorted(cuts), len(wire)]
    for start, end in itertools.pairwise(edges):
        rest = reader.feed(wire[start:end]) if rest is None else rest + wire[start:end]
    return reader, rest or b"", rest is not None


WIRE = b"Subject: x\r\n\r\n..one\r\n..\r\ntwo\r\n.\r\nQUIT\r\n"
CONTENT = b"Subject: x\r\n\r\n.one\r\n.\r\ntwo\r\n"


@pytest.mark.parametrize("cut", range(1, len(WIRE)))
def test_a_message_is_the_same_wherever_a_segment_ends(cut: int) -> None:
    reader, rest, done = read(WIRE, cut)
    assert (done, reader.refusal, reader.spool.read(), rest) == (True, None, CONTENT, b"QUIT\r\n")


def test_a_message_is_the_same_octet_by_octet() -> None:
    reader, rest, done = read(WIRE, *range(1, len(WIRE)))
    assert (done, reader.spool.read(), rest) == (True, CONTENT, b"QUIT\r\n")


@given(st.lists(st.sampled_from([b"a", b".", b"\r\n", b"\r", b"\n", b"..", b"\0"]), max_size=30), st.data())
def test_only_crlf_dot_crlf_ends_the_data(pieces: list[bytes], data: st.DataObject) -> None:
    content = b"".join(pieces) + b"\r\n"
    stuffed = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]
    wire = stuffed + b".\r\n"
    cuts = data.draw(st.lists(st.integers(0, len(wire)), max_size=4))
    reader, rest, done = read(wire, *cuts)
    assert done
    assert rest == b""
    assert reader.refusal in (None, replies.HIDDEN_DOT)
    if reader.refusal is None:
        assert reader.spool.read() == content


@pytest.mark.parametrize(
    "end",
    [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\r\n\0.\r\n", b"\n\n.\r\n", b"\r\r\n.\n"],
)
def test_no_other_line_end_ends_the_data(end: bytes) -> None:
    reader, _, done = read(b"Subject: x\r\n\r\nhello" + end + b"MAIL FROM:<a@b.example>\r\n")
    assert not done
    assert reader.refusal in (None, replies.HIDDEN_DOT)


def test_an_empty_message_is_empty() -> None:
    reader, rest, done = read(b".\r\nNOOP\r\n")
    assert (done, reader.spool.read(), reader.header_section, rest) == (True, b"", b"", b"NOOP\r\n")


def test_the_header_section_ends_before_the_empty_line() -> None:
    reader, _, _ = read(b"A: 1\r\nB: 2\r\n\r\nbody\r\n.\r\n")
    assert reader.header_section == b"A: 1\r\nB: 2\r\n"


@pytest.mark.parametrize("chunk", [1000, 65536, 300_000, 5_000_000])
def test_a_long_line_is_taken_up_to_the_limit_and_refused_beyond(chunk: int) -> None:
    most = Smtp().max_text_line
    for length, refusal in ((1_000_000, None), (most + 1, replies.text_line_too_long(most))):
        wire = b"Subject: x\r\n\r\n" + b"x" * length + b"\r\nend\r\n.\r\n"
        reader, _, done = read(wire, *range(chunk, len(wire), chunk))
        assert done
        assert reader.refusal == refusal


def test_too_large_a_message_is_read_to_its_end_and_refused() -> None:
    wire = b"Subject: x\r\n\r\n" + b"x\r\n" * 1000 + b".\r\nRSET\r\n"
    reader, rest, done = read(wire, 100, 200, max_size=500)
    assert (done, reader.refusal, rest) == (True, replies.MESSAGE_TOO_LARGE, b"RSET\r\n")


def test_a_message_of_exactly_the_limit_is_taken() -> None:
    content = b"Subject: x\r\n\r\nhello\r\n"
    assert read(content + b".\r\n", max_size=len(content))[0].refusal is None
    assert read(content + b".\r\n", max_size=len(content) - 1)[0].refusal == replies.MESSAGE_TOO_LARGE


@pytest.mark.parametrize(
    ("header", "refusal"),
    [
        (b"X: " + b"x" * (READING.max_header_size - 5) + b"\r\n", None),
        (b"X: " + b"x" * READING.max_header_size + b"\r\n", HEADER_TOO_LARGE),
        (b"X: y\r\n" * READING.max_header_fields, None),
        (b"X: y\r\n" * (READING.max_header_fields + 1), HEADER_TOO_LARGE),
        (b"Received: y\r\n" * READING.max_received, None),
        (b"received : y\r\n" * (READING.max_received + 1), replies.loop(100)),
    ],
)
def test_the_header_section_has_limits(header: bytes, refusal: object) -> None:
    assert read(header + b"\r\nbody\r\n.\r\n")[0].refusal == refusal


def test_a_body_is_not_counted_as_header() -> None:
    assert read(b"A: b\r\n\r\n" + b"Received: y\r\n" * 2000 + b".\r\n")[0].refusal is None


@pytest.mark.parametrize("before", [b"", b"A: b\r\n\r\nx\r\n"])
def test_a_dot_hidden_behind_nul_is_refused_and_no_other_line(before: bytes) -> None:
    for length in range(1, 6):
        for octets in itertools.product(b"\0.x", repeat=length):
            line = bytes(octets)
            stuffed = b"." + line if line.startswith(b".") else line
            hidden = b"\0" in line and line.replace(b"\0", b"") == b"."
            reader, _, _ = read(before + stuffed + b"\r\ny\r\n.\r\n")
            assert reader.refusal == (replies.HIDDEN_DOT if hidden else None), line


@pytest.mark.parametrize("octets", [b"a\nb", b"a\rb", b"a\n\rb"])
def test_bare_newlines_are_refused_only_when_asked(octets: bytes) -> None:
    wire = b"A: b\r\n\r\n" + octets + b"\r\n.\r\n"
    assert read(wire)[0].refusal is None
    assert read(wire, reject=True)[0].refusal == replies.BARE_NEWLINE


@given(st.lists(st.sampled_from([b"a", b".", b"\r\n", b"\r", b"\n", b".b\r\n"]), max_size=30), st.data())
def test_what_goes_on_as_it_came_is_what_encoding_it_anew_would_give(pieces: list[bytes], data: st.DataObject) -> None:
    content = b"".join(pieces) + b"\r\n"
    wire = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"
    reader, _, done = read(wire, *data.draw(st.lists(st.integers(0, len(wire)), max_size=4)))
    assert done
    spool = reader.spool
    clean = not re.search(rb"(?<!\r)\n|\r(?!\n)", content) and not re.search(rb"(?:\A|\r\n)\.", content)
    assert spool.verbatim is clean
    sent = b"".join(Outgoing(b"Received: here\r\n", reader.header_section, (), spool).on_the_wire(b"X-Flag: 1\r\n"))
    apart = b"\r\n" if continues(reader.header_section) else b""
    assert sent == b"".join(encode([b"Received: here\r\nX-Flag: 1\r\n" + apart, content]))
