"""The parts of a MIME message, as far as a reader needs them: split at their boundary, and decoded (RFC 2045, 2046).

Total on hostile octets, and linear; how many parts are worth a look, and how deep, is for whoever asks to say.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filters.content import decode_text, header_length, parse_header

if TYPE_CHECKING:
    from collections.abc import Iterator

    from filters.content import Header

_LONGEST_VALUE = 2000
"""Octets of a field that are looked at; no honest Content-Type has more."""
_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"((?:[^"\\]|\\.)*+)"|([^\s;"]++))', re.IGNORECASE)
_CHARSET = re.compile(r';\s*charset\s*=\s*"?([A-Za-z0-9_.:-]{1,40})', re.IGNORECASE)
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_END_OF_WORD = re.compile(r"[;(\s]")


@dataclass(frozen=True, slots=True)
class Part:
    """A message or one of its parts; `body` stands as it came, without the empty line above it."""

    header: Header
    body: bytes

    @property
    def media_type(self) -> str:
        """Such as "text/plain", in lower case; "" if none is given."""
        return media_type(self.header)

    @property
    def charset(self) -> str:
        """As it is written; "" if none is given."""
        match = _CHARSET.search(_value(self.header, "content-type"))
        return match[1] if match else ""

    def parts(self, most: int) -> Iterator[Part]:
        """The parts of a multipart (RFC 2046 §5.1.1), no more than that many; what ends it may stand as one of them."""
        match = _BOUNDARY.search(_value(self.header, "content-type"))
        boundary = re.sub(r"\\(.)", r"\1", match[1] if match[1] is not None else match[2]) if match else ""
        if not boundary:
            return
        delimiter = b"--" + re.escape(boundary.encode("utf-8", "replace"))
        pieces = re.split(rb"(?:\A|\n)" + delimiter + rb"(?:--)?[ \t]*\r?(?:\n|\Z)", self.body, maxsplit=most)
        for octets in pieces[1:]:
            length = header_length(octets)
            yield Part(parse_header(octets[:length]), octets[length:].lstrip(b"\r\n"))

    def decoded(self) -> bytes:
        """The body without its transfer encoding (RFC 2045 §6), as far as it can be read."""
        match word(self.header, "content-transfer-encoding"):
            case "base64":
                whole = _NOT_BASE64.sub(b"", self.body)
                if len(whole) % 4 == 1:  # six bits are no octet: what is there ended within a group
                    whole = whole[:-1]
                return base64.b64decode(whole + b"=" * (-len(whole) % 4))
            case "quoted-printable":
                return binascii.a2b_qp(self.body)
            case _:
                return self.body


def media_type(header: Header) -> str:
    """Such as "text/plain", in lower case; "" if none is given."""
    return word(header, "content-type")


def word(header: Header, name: str) -> str:
    """The first word of the first such field, before any parameter or comment, in lower case; "" without one."""
    return _END_OF_WORD.split(_value(header, name).strip(), maxsplit=1)[0].lower()


def _value(header: Header, name: str) -> str:
    return decode_text((header.first(name) or b"")[:_LONGEST_VALUE])
