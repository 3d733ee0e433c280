"""What is attached to a message: its name, declared type, size and digest. Nothing attached is ever opened."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filters.content import header_length, parse_header
from filters.mime_parts import word
from gateway.preview.fields import value_of
from gateway.preview.invisible import line_segments
from gateway.preview.parameters import parameter

if TYPE_CHECKING:
    from filters.mime_parts import Part
    from gateway.preview.invisible import Segments

_LONGEST_NAME = 255
_LONGEST_TYPE = 100
_MESSAGES = frozenset({"message/rfc822", "message/global", "message/news"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedMessage:
    """What the header of a message in a message says."""

    sender: Segments
    date: Segments
    subject: Segments


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """`size` in octets, and `sha256` in hexadecimal, are of what a person would save: without transfer encoding.

    `number` finds it in its message again.
    """

    number: int
    name: Segments
    media_type: Segments
    size: int
    sha256: str
    message: AttachedMessage | None
    """Given for a message that is attached whole."""


def attachment(part: Part, number: int) -> Attachment:
    """A part as a row of the list."""
    octets = part.decoded()
    return Attachment(
        number=number,
        name=line_segments(file_name(part)[:_LONGEST_NAME]),
        media_type=line_segments((part.media_type or "text/plain")[:_LONGEST_TYPE]),
        size=len(octets),
        sha256=hashlib.sha256(octets).hexdigest(),
        message=_message(octets) if is_message(part) else None,
    )


def file_name(part: Part) -> str:
    """As the sender gives it (RFC 2183 §2.3), else as older mailers do; "" without one. It may be anything."""
    named = parameter(part.header, "content-disposition", "filename")
    return (named or parameter(part.header, "content-type", "name")).strip()


def is_attached(part: Part) -> bool:
    """Whether its sender calls it an attachment, or gives it the name of a file."""
    return word(part.header, "content-disposition") == "attachment" or bool(file_name(part))


def is_message(part: Part) -> bool:
    """Whether it is a message in the message (RFC 2046 §5.2.1)."""
    return part.media_type in _MESSAGES


def _message(octets: bytes) -> AttachedMessage:
    content = octets.lstrip(b"\r\n")
    header = parse_header(content[: header_length(content)])
    return AttachedMessage(
        sender=value_of(header, "from"), date=value_of(header, "date"), subject=value_of(header, "subject")
    )
