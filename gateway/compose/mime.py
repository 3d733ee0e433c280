"""MIME parts: text, the report's JSON, the original exactly as received, and the multipart around them.

It never re-encodes an original in place: what a hop would not carry unchanged travels in base64 as an opaque file.
RFC 2045 §2.7-2.9, §6; RFC 2046 §4.1, §5.1, §5.2.1; RFC 2183; RFC 5322 §2.1.1.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

from gateway.compose.headers import field

_LONGEST_LINE = 998

RFC822 = "message/rfc822"
JSON = "application/json"
OPAQUE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Part:
    """A MIME entity: its fields, CRLF ended; its body; its media type; whether the body has octets above 127."""

    fields: bytes
    content: bytes
    media_type: str
    eightbit: bool = False

    def octets(self) -> bytes:
        """The entity as it stands in a message."""
        return self.fields + b"\r\n" + self.content


def text_part(text: str) -> Part:
    """Plain text (LF line ends) in UTF-8, quoted-printable: it survives every hop, in lines of at most 76 octets."""
    fields = field("Content-Type", "text/plain;", "charset=utf-8")
    return _quoted_printable(fields, text, "text/plain")


def json_part(document: str, filename: str) -> Part:
    """A JSON document (RFC 8259 §8.1: UTF-8) as an attachment."""
    fields = field("Content-Type", f"{JSON};", f'name="{filename}"') + _attachment(filename)
    return _quoted_printable(fields, document, JSON)


def original_part(original: bytes, *, filename: str, eightbit: bool) -> Part:
    """The original, octet for octet. `eightbit`: the hop that takes it offers 8BITMIME (RFC 6152).

    `message/rfc822` where its lines survive as they are; base64 is not allowed in one (RFC 2046 §5.2.1), so
    anything else goes as `application/octet-stream`.
    """
    if _survives(original, eightbit=eightbit):
        encoding = "7bit" if original.isascii() else "8bit"
        fields = field("Content-Type", RFC822) + _attachment(filename) + field("Content-Transfer-Encoding", encoding)
        return Part(fields, original, RFC822, eightbit=not original.isascii())
    return octets_part(original, filename=filename, media_type=OPAQUE)


def octets_part(content: bytes, *, filename: str, media_type: str) -> Part:
    """A file, octet for octet, in base64."""
    fields = field("Content-Type", f"{media_type};", f'name="{filename}"') + _attachment(filename)
    encoded = base64.encodebytes(content).replace(b"\n", b"\r\n")
    return Part(fields + field("Content-Transfer-Encoding", "base64"), encoded, media_type)


def multipart(parts: tuple[Part, ...]) -> Part:
    """The parts in a multipart/mixed, whose boundary occurs in none of them (RFC 2046 §5.1.1)."""
    boundary = _boundary(parts)
    eightbit = any(part.eightbit for part in parts)
    fields = field("Content-Type", "multipart/mixed;", f'boundary="{boundary}"')
    fields += field("Content-Transfer-Encoding", "8bit" if eightbit else "7bit")
    delimiter = f"--{boundary}".encode()
    entities = [delimiter + b"\r\n" + part.octets() + b"\r\n" for part in parts]
    return Part(fields, b"".join((*entities, delimiter, b"--\r\n")), "multipart/mixed", eightbit)


def _quoted_printable(fields: bytes, text: str, media_type: str) -> Part:
    canonical = text.replace("\r\n", "\n").replace("\n", "\r\n").encode()
    encoded = binascii.b2a_qp(canonical, istext=True)
    return Part(fields + field("Content-Transfer-Encoding", "quoted-printable"), encoded, media_type)


def _attachment(filename: str) -> bytes:
    return field("Content-Disposition", "attachment;", f'filename="{filename}"')


def _survives(original: bytes, *, eightbit: bool) -> bool:
    """Whether every hop from here must carry it unchanged: 7bit, or 8bit under an ASCII header (RFC 6532 §3.7)."""
    header, _, _ = original.partition(b"\r\n\r\n")
    lines_hold = b"\0" not in original and not _has_bare_newline(original)
    lines_hold = lines_hold and max(map(len, original.split(b"\r\n"))) <= _LONGEST_LINE
    return lines_hold and (original.isascii() or (eightbit and header.isascii()))


def _has_bare_newline(original: bytes) -> bool:
    return not original.count(b"\r") == original.count(b"\n") == original.count(b"\r\n")


def _boundary(parts: tuple[Part, ...]) -> str:
    """Deterministic, so that the same report has the same bytes; "=_" can't occur in quoted-printable."""
    together = b"".join(part.octets() for part in parts)
    boundary = f"=_{hashlib.sha256(together).hexdigest()[:40]}"
    while boundary.encode() in together:
        boundary = f"=_{hashlib.sha256(boundary.encode()).hexdigest()[:40]}"
    return boundary
