"""Content on its way out: clean line ends, dot-stuffing, the final dot (RFC 5321 §4.5.2).

What leaves here never contains a bare CR or LF: a next hop that takes one for a line end can't be smuggled to.
Sources come as chunks so that a large message never stands in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from filters.line_ends import with_clean_ends

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PIECE = 256 * 1024
FINAL_DOT = b".\r\n"
"""After a line end."""


def pieces(content: bytes) -> Iterator[bytes]:
    """Content that is in memory, in chunks: what is made of each must not stand there whole a second time."""
    return (content[start : start + PIECE] for start in range(0, max(len(content), 1), PIECE))


def ended(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The DATA octets for content that is known to need no change; only the last one carries the final dot."""
    held = b""
    for chunk in chunks:
        if held:
            yield held
        held = chunk
    yield held + FINAL_DOT


def encode(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The DATA octets for these content chunks; the last one yielded, and only it, carries the final dot."""
    held, at_line_start = b"", True
    for line_end_safe in _uncut(chunks):
        if held:
            yield held
        clean = with_clean_ends(line_end_safe)
        held = clean.replace(b"\n.", b"\n..") if b"\n." in clean else clean
        if at_line_start and held.startswith(b"."):
            held = b"." + held
        at_line_start = clean.endswith(b"\n")
    yield held + (b"" if at_line_start else b"\r\n") + FINAL_DOT


def _uncut(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same octets in chunks that no CRLF is cut by."""
    pending = b""
    for chunk in chunks:
        octets = pending + chunk
        pending = b"\r" if octets.endswith(b"\r") else b""
        if whole := octets.removesuffix(pending):
            yield whole
    if pending:
        yield pending
