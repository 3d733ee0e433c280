"""The parts of a MIME message, as far as a reader needs them: split at their boundary, and decoded (RFC 2045, 2046).

Total on hostile octets, and linear; how many parts are worth a look, and how deep, is for whoever asks to say.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, replace
from itertools import chain, islice, pairwise
from typing import TYPE_CHECKING
from urllib.parse import unquote

from filters.content import body_start, decode_text, header_length, parse_header

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from filters.content import Header

_LONGEST_VALUE = 2000
"""Octets of a field that are looked at; no honest Content-Type has more."""
_BOUNDARY = re.compile(r';\s*boundary(?:(\*(?:0\*)?)|\*0)?\s*=\s*(?:"((?:[^"\\]|\\.)*+)"|([^\s;"]++))', re.IGNORECASE)
"""RFC 2231 §3 and §4 too: continued, whose first piece is taken for all of it, or extended."""
_CHARSET = re.compile(r';\s*charset\s*=\s*"?([A-Za-z0-9_.:-]{1,40})', re.IGNORECASE)
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_END_OF_WORD = re.compile(r"[;(\s]")
_COMMENT = re.compile(r"\((?:[^()\\]|\\.)*+\)")
_TYPE = re.compile(r"\s*+([^\s;/]++)\s*+/\s*+([^\s;]++)")


_CR = 13
_LONGEST_HEADER = 16_384
"""Octets of a part's header section; what stands behind them is taken for its body."""


@dataclass(frozen=True, slots=True)
class MimeLimits:
    """How many parts are looked at, in all, and how many multiparts inside each other are opened."""

    parts: int
    depth: int


@dataclass(frozen=True, slots=True)
class Part:
    """A message or one of its parts: its header, and where its body stands in the content of the whole message.

    The body is without the empty line above it. Nothing is copied before it is asked for.
    """

    header: Header
    content: memoryview
    start: int
    end: int

    @classmethod
    def whole(cls, header: Header, content: memoryview, start: int) -> Self:
        """A message whose body begins at `start`."""
        return cls(header, content, start, len(content))

    @property
    def body(self) -> bytes:
        """As it came."""
        return bytes(self.content[self.start : self.end])

    def cut(self, most: int) -> Self:
        """With no more of its body than that many octets."""
        return replace(self, end=min(self.end, self.start + most))

    @property
    def media_type(self) -> str:
        """Such as "text/plain", in lower case; "" if none is given."""
        return media_type(self.header)

    @property
    def charset(self) -> str:
        """As it is written; "" if none is given."""
        match = _CHARSET.search(_value(self.header, "content-type"))
        return match[1] if match else ""

    def in_charset(self, octets: bytes) -> str:
        """Octets of it, as text."""
        try:
            return octets.decode(self.charset or "utf-8", "replace")
        except (LookupError, UnicodeError):  # no charset, or one of Python's codecs that refuse to replace
            return octets.decode("utf-8", "replace")

    def parts(self, most: int) -> Iterator[Part]:
        """The parts of a multipart (RFC 2046 §5.1.1), no more than that many; what ends it may stand as one of them."""
        boundary = _boundary(_value(self.header, "content-type"))
        if not boundary:
            return
        # It begins with what is always the same, for the search is as fast as that is long.
        delimiter = re.escape(b"\n--" + boundary.encode("utf-8", "replace"))
        delimiters = re.compile(delimiter + rb"(?:--)?[ \t\r]*+(?:\n|\Z)")  # a bare CR becomes a space
        found = islice(delimiters.finditer(self.content, max(self.start - 1, 0), self.end), most)
        edges = [(self._line_end(delimiter.start()), delimiter.end()) for delimiter in found]
        for (_, start), (end, _) in pairwise([*edges, (self.end, self.end)]):
            yield self._part(start, max(start, end))

    def _line_end(self, newline: int) -> int:
        """Where the line end begins whose LF this is: all of it is the delimiter's (RFC 2046 §5.1.1)."""
        return newline - 1 if newline > 0 and self.content[newline - 1] == _CR else newline

    def _part(self, start: int, end: int) -> Part:
        head = bytes(self.content[start : min(end, start + _LONGEST_HEADER)])
        length = header_length(head)
        return Part(parse_header(head[:length]), self.content, start + body_start(head, length), end)

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


def walk(message: Part, limits: MimeLimits) -> Iterator[tuple[Part, bool]]:
    """The message and each of its parts, in order, at whatever depth; and whether it is opened, so that its own follow.

    A multipart is opened where it has a boundary that stands in it, and is no deeper than the limit. No more than one
    part of each multipart is known at a time.
    """
    opened: list[Iterator[Part]] = [iter((message,))]
    looked_at = 0
    while opened and looked_at < limits.parts:
        part = next(opened[-1], None)
        if part is None:
            opened.pop()
            continue
        looked_at += 1
        within = _opened(part, limits) if len(opened) <= limits.depth else None
        yield part, within is not None
        if within is not None:
            opened.append(within)


def _opened(part: Part, limits: MimeLimits) -> Iterator[Part] | None:
    """The parts of a multipart, none for anything else, and for one in which its boundary never stands."""
    if not part.media_type.startswith("multipart/"):
        return None
    parts = part.parts(limits.parts)
    first = next(parts, None)
    return None if first is None else chain((first,), parts)


def _boundary(content_type: str) -> str:
    match = _BOUNDARY.search(content_type)
    if match is None:
        return ""
    extended, quoted, bare = match.groups()
    if extended is not None:
        return unquote((quoted or bare or "").rpartition("'")[2])
    return re.sub(r"\\(.)", r"\1", quoted if quoted is not None else bare)


def media_type(header: Header) -> str:
    """Such as "text/plain", in lower case, comments and white space apart (RFC 2045 §5.1); "" if none is given."""
    value = _COMMENT.sub("", _value(header, "content-type"))
    match = _TYPE.match(value)
    return f"{match[1]}/{match[2]}".lower() if match is not None else word(header, "content-type")


def word(header: Header, name: str) -> str:
    """The first word of the first such field, before any parameter or comment, in lower case; "" without one."""
    return _END_OF_WORD.split(_value(header, name).strip(), maxsplit=1)[0].lower()


def _value(header: Header, name: str) -> str:
    return decode_text((header.first(name) or b"")[:_LONGEST_VALUE])
