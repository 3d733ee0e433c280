"""What leaves for the next hop: the content as it came in, behind our fields and without the forged ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.model.trace import without

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

    def chunks(self, flag: bytes = b"") -> Iterator[bytes]:
        """The octets to send; `flag` are the fields that flagged mail gets besides."""
        header = without(self.header_section, self.forged)
        body = self.content.chunks(len(self.header_section))
        yield b"".join((self.trace, flag, header, next(body, b"")))
        yield from body
