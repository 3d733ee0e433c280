"""Parameters of Content-Type and Content-Disposition, read leniently: continued, encoded, or as mailers write them.

RFC 2045 §5.1 and RFC 2231, and encoded-words inside quotes, which RFC 2047 §5 forbids and everybody reads. Total on
hostile octets; what it returns is not filtered.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote_to_bytes

from filters.content import text_of, unfolded
from filters.encoded_words import codec_of, decode_words

if TYPE_CHECKING:
    from filters.content import Header

_LONGEST_FIELD = 8_000
"""Octets of a field that are looked at."""
_PARAMETER = re.compile(
    r';\s*+([^\s;=*"]{1,40}+)(?:\*(\d{1,3}))?(\*)?\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)"?|([^\s;]*+))', re.DOTALL
)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)


def parameter(header: Header, field: str, name: str) -> str:
    """The value of a parameter of the first such field; "" without one. An encoded one goes before a plain one."""
    value = unfolded((header.first(field) or b"")[:_LONGEST_FIELD])
    pieces = [
        _Piece(int(number) if number else -1, bool(encoded), _QUOTED_PAIR.sub(r"\1", quoted) or token)
        for found, number, encoded, quoted, token in _PARAMETER.findall(value)
        if found.lower() == name
    ]
    extended = sorted(piece for piece in pieces if piece.number >= 0 or piece.encoded)
    if extended:
        return _assembled(extended)
    return decode_words(pieces[0].text) if pieces else ""


class _Piece(NamedTuple):
    """A section of a continued value (RFC 2231 §3); `number` is -1 where it isn't continued."""

    number: int
    encoded: bool
    text: str


def _assembled(pieces: list[_Piece]) -> str:
    """The octets are joined before they are decoded (RFC 2231 §4.1), as a character may be split between sections."""
    charset, mark, rest = pieces[0].text.partition("'") if pieces[0].encoded else ("", "", "")
    first = rest.partition("'")[2] if mark else pieces[0].text
    texts = [(pieces[0].encoded, first), *((piece.encoded, piece.text) for piece in pieces[1:])]
    octets = b"".join(unquote_to_bytes(text) if encoded else text.encode("utf-8", "replace") for encoded, text in texts)
    codec = codec_of(charset)
    return octets.decode(codec, "replace") if codec else text_of(octets)
