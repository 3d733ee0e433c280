"""The lines of DATA: how long they may be, and dots that NUL hides, wherever the chunks are cut."""

from __future__ import annotations

import pytest

from gateway.settings import Screening, Smtp
from gateway.smtp import replies
from gateway.smtp.data import DataReader

MOST = 1000
CHUNK = 64 * 1024


def read(content: bytes, *, chunk: int = CHUNK) -> DataReader:
    """A reader that had the content, and its final dot, in chunks of that size."""
    reader = DataReader(Smtp(max_text_line=MOST), Screening())
    wire = b"A: b\r\n\r\n" + content + b".\r\n"
    ends = [reader.feed(wire[start : start + chunk]) for start in range(0, len(wire), chunk)]
    assert ends[-1] == b""
    return reader


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("before", [b"", b"x\r\n" * 500])
@pytest.mark.parametrize("chunk", [1, 7, 999, 1001, CHUNK])
def test_a_line_may_have_as_many_octets_as_the_limit_says_before_its_line_end(
    chunk: int, before: bytes, end: bytes
) -> None:
    for length, refusal in ((MOST, None), (MOST + 1, replies.text_line_too_long(MOST))):
        reader = read(before + b"x" * length + end + b"y\r\n", chunk=chunk)
        assert reader.refusal == refusal


@pytest.mark.parametrize("hidden", [b"\0.", b".\0", b"\0\0.\0", b".\0\0"])
@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("before", [b"", b"x\r\n", b"\0\n"])
def test_a_dot_hidden_among_nul_is_found_wherever_a_segment_ends(before: bytes, end: bytes, hidden: bytes) -> None:
    stuffed = b"." + hidden if hidden.startswith(b".") and not before.endswith(b"\0\n") else hidden
    content = before + stuffed + end + b"y\r\n"
    assert {read(content, chunk=size).refusal for size in range(1, len(content) + 12)} == {replies.HIDDEN_DOT}


@pytest.mark.parametrize("line", [b"\0..\0", b"\0. \0", b"x\0.", b"\0.x", b"\0", b"\0\0"])
def test_a_line_with_more_than_a_dot_and_nul_passes_wherever_a_segment_ends(line: bytes) -> None:
    content = b"\0\r\n" + line + b"\r\n\0x\r\n"
    assert {read(content, chunk=size).refusal for size in range(1, len(content) + 12)} == {None}
