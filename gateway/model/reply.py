"""An SMTP reply, given or received (RFC 5321 §4.2, enhanced codes RFC 3463)."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple


class Reply(NamedTuple):
    """`code` 200-599; `enhanced` "2.0.0", or "" when a peer gave none; `text` without either, its lines joined."""

    code: int
    enhanced: str
    text: str

    @property
    def positive(self) -> bool:
        """2yz: done (RFC 5321 §4.2.1)."""
        return 200 <= self.code < 300

    @property
    def transient(self) -> bool:
        """4yz: not now."""
        return 400 <= self.code < 500

    @property
    def permanent(self) -> bool:
        """5yz: not ever."""
        return 500 <= self.code < 600

    def __str__(self) -> str:
        """One line, as in logs and listings."""
        return _line(self)


@lru_cache(maxsize=256)
def _line(reply: Reply) -> str:
    return " ".join(part for part in (str(reply.code), reply.enhanced, reply.text.replace("\n", " / ")) if part)
