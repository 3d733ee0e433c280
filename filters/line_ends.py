"""Line ends of content: CRLF and nothing else (RFC 5321 §2.3.8), or what is made of the rest.

Whatever reads content for a decision reads it as it leaves, with its line ends made clean: what looks like no fold
here, and becomes one on the way, would hide who writes.
"""

from __future__ import annotations

from io import IncrementalNewlineDecoder


def has_bare_newline(octets: bytes) -> bool:
    """Whether there is a CR without LF or an LF without CR."""
    seen = IncrementalNewlineDecoder(None, translate=False)  # one pass for all: counting each costs three times as much
    seen.decode(octets.decode("latin-1"), final=True)
    return seen.newlines not in {None, "\r\n"}


def normalize(octets: bytes) -> bytes:
    """A bare LF becomes CRLF, a bare CR a space.

    Three passes over all octets: a step for each line end would stand still for half a minute over one large message.
    """
    return octets.replace(b"\r\n", b"\n").replace(b"\r", b" ").replace(b"\n", b"\r\n")


def with_clean_ends(octets: bytes) -> bytes:
    """The octets as they leave. No CRLF may be cut at their end."""
    return normalize(octets) if has_bare_newline(octets) else octets
