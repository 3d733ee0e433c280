"""A delivery status notification, read: which message of ours came back, and why. Pure, and total on hostile octets.

Only the outer multipart is looked at, up to a bound; a DSN that is not written as RFC 3464 says is none for us.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filters.content import decode_text, header_length, message_id, parse_header, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from filters.content import Header

LOOKED_AT = 256 * 1024
"""Octets. What a DSN says stands at its beginning; the rest is the message that it returns."""
_LONGEST_REASON = 300
"""Characters."""

_STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
_RETURNED_TYPES = frozenset(
    {"message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global", "message/global-headers"}
)
_ONE_ID = re.compile(r"\s*(<[^<>\s]{1,250}>)\s*")
_BOUNDARY = re.compile(r'boundary\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]+))', re.IGNORECASE)
_EMPTY_LINES = re.compile(rb"\r?\n(?:[ \t]*\r?\n)+")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_MOST_PARTS, _MOST_GROUPS, _LONGEST_TYPE = 10, 1000, 2000
"""Parts, recipients, and octets of the Content-Type that counts: no honest report has more."""


@dataclass(frozen=True, slots=True)
class FailedDelivery:
    """`message_id` of the message that was returned, with its angle brackets; `reason` in the reporter's words.

    `notification` is the notification's own Message-ID, "" if it has none: copies of it have the same.
    """

    message_id: str
    reason: str
    notification: str = ""


@dataclass(frozen=True, slots=True)
class _Part:
    header: Header
    body: bytes

    @property
    def media_type(self) -> str:
        return _media_type(self.header)


def is_delivery_report(header: Header) -> bool:
    """Whether the header section announces a report on deliveries (RFC 6522 §3)."""
    return _media_type(header) == "multipart/report"


def failed_delivery(content: bytes) -> FailedDelivery | None:
    """What failed for good (RFC 3464 §2.3.3: `Action: failed`) of which message; None if this says no such thing."""
    content = content[:LOOKED_AT]
    section = content[: header_length(content)]
    header = parse_header(section)
    if not is_delivery_report(header):
        return None
    parts = list(_parts(header, content[len(section) :]))
    reason = next((_reason(part) for part in parts if part.media_type in _STATUS_TYPES and _reason(part)), "")
    found = _returned_id(header, parts) if reason else ""
    return FailedDelivery(found, reason, message_id(header)) if found else None


def _returned_id(header: Header, parts: list[_Part]) -> str:
    """Of the message that stands returned; else of the one that the notification says it answers."""
    for part in parts:
        if part.media_type in _RETURNED_TYPES:
            body = _decoded(part)
            found = message_id(parse_header(body[: header_length(body)]))
            if found:
                return found
    answered = (_ONE_ID.fullmatch(decode_text(header.first(name) or b"")) for name in ("in-reply-to", "references"))
    return next((match[1] for match in answered if match is not None), "")


def _parts(header: Header, body: bytes) -> Iterator[_Part]:
    """The parts of a multipart (RFC 2046 §5.1.1)."""
    match = _BOUNDARY.search(text_of((header.first("content-type") or b"")[:_LONGEST_TYPE]))
    boundary = re.sub(r"\\(.)", r"\1", match[1] if match[1] is not None else match[2]) if match else ""
    if not boundary:
        return
    delimiter = re.compile(
        rb"(?:\A|\n)--" + re.escape(boundary.encode("utf-8", "replace")) + rb"(?:--)?[ \t]*(?:\r?\n|\Z)"
    )
    for octets in delimiter.split(body, _MOST_PARTS)[1:]:
        length = header_length(octets)
        yield _Part(parse_header(octets[:length]), octets[length:].lstrip(b"\r\n"))


def _reason(status: _Part) -> str:
    """Status and diagnostic of the first recipient that failed; "" if none did (RFC 3464 §2.3)."""
    for group in _EMPTY_LINES.split(_decoded(status), _MOST_GROUPS):
        fields = parse_header(group)
        if _word(fields, "action") == "failed":
            said = decode_text(fields.first("diagnostic-code") or b"")
            diagnostic = (said.partition(";")[2] or said).strip()
            code = decode_text(fields.first("status") or b"").partition("(")[0].strip()
            words = diagnostic if code in diagnostic else f"{code} {diagnostic}"
            return words.strip()[:_LONGEST_REASON] or "no reason given"
    return ""


def _decoded(part: _Part) -> bytes:
    """RFC 2046 §5.2.1 allows no encoding here, and some senders use one all the same."""
    match _word(part.header, "content-transfer-encoding"):
        case "base64":
            whole = _NOT_BASE64.sub(b"", part.body)
            if len(whole) % 4 == 1:  # six bits are no octet: the look ended within a group
                whole = whole[:-1]
            return base64.b64decode(whole + b"=" * (-len(whole) % 4))
        case "quoted-printable":
            return binascii.a2b_qp(part.body)
        case _:
            return part.body


def _media_type(header: Header) -> str:
    return _word(header, "content-type")


def _word(header: Header, name: str) -> str:
    """The value of the first such field up to its first parameter or comment, in lower case."""
    return re.split(r"[;(]", decode_text(header.first(name) or b""), maxsplit=1)[0].strip().lower()
