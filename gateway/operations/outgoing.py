"""What leaves for the next hop: the content as it came in, behind our fields and without the forged ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from filters.content import header_length
from gateway.model.trace import as_it_leaves, continues
from gateway.relay.wire import FINAL_DOT, encode, ended

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.model.trace import Forged
    from gateway.spool import Spool


@dataclass(frozen=True, slots=True)
class Outgoing:
    """`trace` is our Received field; `forged` are the fields of the header section that are left out."""

    trace: bytes
    header_section: bytes
    forged: tuple[Forged, ...]
    content: Spool

    def on_the_wire(self, flag: bytes = b"") -> Iterator[bytes]:
        """The DATA octets; `flag` are the fields that flagged mail gets besides. Only the last chunk has the dot."""
        chunks = self._chunks(flag)
        return ended(chunks) if self.content.verbatim else encode(chunks)

    def at_once(self) -> bytes:
        """`on_the_wire()` in one piece, for content that is in memory."""
        if self.content.verbatim and not self._changed:
            return b"".join((self.trace, self.content.read(), FINAL_DOT))
        return b"".join(self.on_the_wire())

    @property
    def _changed(self) -> bool:
        """Behind our fields the header section stands otherwise than it came."""
        return bool(self.forged) or continues(self.header_section)

    def _chunks(self, flag: bytes) -> Iterator[bytes]:
        if not self._changed:
            chunks = self.content.chunks()
            yield b"".join((self.trace, flag, next(chunks, b"")))
        else:
            # As received it is no longer than with clean line ends.
            received = header_length(self.content.head(len(self.header_section) + 2))
            chunks = self.content.chunks(received)
            header = as_it_leaves(self.header_section, self.forged)
            yield b"".join((self.trace, flag, header, next(chunks, b"")))
        yield from chunks
