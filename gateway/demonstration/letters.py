"""Reads the mails that arrived, octet for octet: their fields, their text, the original that a report carries.

Cuts and decodes by itself, because a parser that rewrites what it reads could prove nothing about octets. RFC 2046
§5.1.1 for multipart bodies, RFC 2045 §6 for encodings.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filters.content import decode_text, header_length, parse_header

if TYPE_CHECKING:
    from filters.content import Header

_BOUNDARY = re.compile(rb'boundary="([^"]+)"')
_FILENAME = re.compile(rb'filename="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Entity:
    """A message, or one part of it: its fields, and its body as it stands there, still encoded."""

    header: Header
    body: bytes

    def shown(self, name: str) -> str:
        """The first field of that name, unfolded and decoded for people; "" if there is none."""
        return decode_text(self.header.first(name.lower()) or b"")

    @property
    def octets(self) -> bytes:
        """The body, decoded."""
        match self.shown("Content-Transfer-Encoding").lower():
            case "base64":
                return base64.b64decode(self.body)
            case "quoted-printable":
                return binascii.a2b_qp(self.body)
            case _:
                return self.body

    @property
    def parts(self) -> tuple[Entity, ...]:
        """The parts of a multipart; none if it is none."""
        found = _BOUNDARY.search(self.header.first("content-type") or b"")
        if found is None:
            return ()
        pieces = (b"\r\n" + self.body).split(b"\r\n--" + found[1])
        return tuple(entity(piece.removeprefix(b"\r\n")) for piece in pieces[1:-1])


@dataclass(frozen=True, slots=True)
class Attached:
    """The original in a report: the attachment's name and type, and the octets of the message."""

    filename: str
    media_type: str
    octets: bytes


def entity(content: bytes) -> Entity:
    """Header section and body."""
    length = header_length(content)
    return Entity(parse_header(content[:length]), content[length:].removeprefix(b"\r\n"))


def text(mail: Entity) -> str:
    """What people read of it: its body, or the first of its parts."""
    return (mail.parts or (mail,))[0].octets.decode("utf-8", "replace").replace("\r\n", "\n").strip()


def attachments(mail: Entity) -> list[Attached]:
    """The parts that have a file name, decoded."""
    found: list[Attached] = []
    for part in mail.parts:
        named = _FILENAME.search(part.header.first("content-disposition") or b"")
        if named is not None:
            media_type = part.shown("Content-Type").partition(";")[0]
            found.append(Attached(named[1].decode("ascii", "replace"), media_type, part.octets))
    return found
