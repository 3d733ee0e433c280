"""Zstandard (RFC 8878): octets in, octets out. Where nothing is sealed or opened, nobody imports this."""

from __future__ import annotations

import io

import zstandard

_LARGEST_WINDOW = 8 * 1024 * 1024
"""What a decoder must support (RFC 8878 §3.1.1.1.2); a forged frame can't make us reserve more."""


def compress(content: bytes) -> bytes:
    """One frame."""
    return zstandard.ZstdCompressor().compress(content)


def decompress(frame: bytes, size: int) -> bytes | None:
    """At most `size` + 1 octets, whatever the frame says about itself; None for one that is damaged."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW)
    try:
        with decompressor.stream_reader(io.BytesIO(frame)) as reader:
            return reader.read(size + 1)
    except zstandard.ZstdError:
        return None
