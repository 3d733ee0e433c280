"""A body's canonical form does not depend on the pieces that it comes in, and takes no more memory than they do."""

from __future__ import annotations

import itertools
import re
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.dkim import PIECE, canonical_body

PARTS = st.lists(st.sampled_from([b" ", b"\t", b"\r\n", b"a", b"  \r\n", b"\r\n\r\n", b"bc"]), max_size=14)


def at_once(body: bytes, canonicalization: str) -> bytes:
    """RFC 6376 §3.4.3 and §3.4.4, word for word, on the whole body."""
    if canonicalization == "relaxed":
        body = re.sub(rb"[ \t]+", b" ", re.sub(rb"[ \t]+(?=\r\n|\Z)", b"", body))
    body = re.sub(rb"(?:\r\n)+\Z", b"", body)
    if not body:
        return b"" if canonicalization == "relaxed" else b"\r\n"
    return body + b"\r\n"


@pytest.mark.parametrize("canonicalization", ["simple", "relaxed"])
@given(parts=PARTS, cuts=st.lists(st.integers(0, 30), max_size=5))
def test_it_is_the_same_wherever_the_pieces_end(canonicalization: str, parts: list[bytes], cuts: list[int]) -> None:
    body = b"".join(parts)
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    pieces = [body[start:end] for start, end in itertools.pairwise(edges)]
    assert b"".join(canonical_body(pieces, canonicalization)) == at_once(body, canonicalization)


@pytest.mark.parametrize("unit", [b" x", b"\t ", b"\r\n", b" \r\n", b"x"])
def test_a_large_body_takes_no_large_memory(unit: bytes) -> None:
    pieces = [*[unit * (PIECE * 4 // len(unit))] * 40, b"end"]
    tracemalloc.start()
    size = sum(map(len, canonical_body(pieces, "relaxed")))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size <= sum(map(len, pieces)) + 2
    assert peak < 3_000_000
