"""Replies out of the octets that a server sends, however they are cut (RFC 5321 §4.2)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from gateway.model.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

_REPLY_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?\Z", re.DOTALL)
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s+|\Z)")
_REPLY_LIMIT = 64 * 1024
"""Octets of unfinished replies; no honest server sends more (RFC 5321 §4.5.3.1.5 allows 512 a line)."""
_REMEMBERED_LENGTH = 512
"""Octets: servers say the same few things all day, in few words."""


class ReplyReader:
    """What one server says, from its banner on."""

    __slots__ = ("_lines", "_rest", "fault")

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[bytes] = []
        self.fault = ""
        """What is wrong with what the server said last: "sent ..."; "" while it speaks SMTP."""

    @property
    def unfinished(self) -> bool:
        """A reply has begun and not ended."""
        return bool(self._rest or self._lines)

    def read(self, octets: bytes) -> Sequence[Reply]:
        """The replies that end in these octets; look at `fault` afterwards."""
        if not self._rest and not self._lines and len(octets) <= _REMEMBERED_LENGTH:
            whole = _whole_replies(octets)
            if whole:
                return whole
        return self._read_lines(octets)

    def _read_lines(self, octets: bytes) -> list[Reply]:
        *lines, self._rest = (self._rest + octets).split(b"\n")
        replies: list[Reply] = []
        for line in lines:
            parsed = _REPLY_LINE.match(line.rstrip(b"\r"))
            if parsed is None:
                self.fault = "sent a line that is no SMTP reply"
                break
            self._lines.append(parsed[3] or b"")
            if parsed[2] != b"-":
                replies.append(_reply(int(parsed[1]), self._lines))
                self._lines = []
        if len(self._rest) > _REPLY_LIMIT or sum(map(len, self._lines)) + len(self._lines) > _REPLY_LIMIT:
            self.fault = "sent an endless reply"
        return replies


@lru_cache(maxsize=256)
def _whole_replies(octets: bytes) -> tuple[Reply, ...]:
    """The replies, if the octets are nothing but whole ones; else none."""
    reader = ReplyReader()
    replies = reader._read_lines(octets)  # noqa: SLF001 -- a reader of our own, for these octets alone
    return () if reader.unfinished or reader.fault else tuple(replies)


def _reply(code: int, lines: list[bytes]) -> Reply:
    """From the wire: the enhanced code of the last line, if any; text kept printable."""
    texts = [_printable(line) for line in lines]
    found = _ENHANCED.match(texts[-1])
    enhanced = found[1] if found and found[1][0] == str(code)[0] else ""
    if enhanced:
        texts = [text.removeprefix(enhanced).lstrip() for text in texts]
    return Reply(code, enhanced, "\n".join(texts))


def _printable(line: bytes) -> str:
    text = line.decode("utf-8", "replace")
    return text if text.isprintable() else "".join(char if char.isprintable() else "?" for char in text)
