"""A delivery status notification, read: which message of ours came back, and why. Pure, and total on hostile octets.

Only the outer multipart is looked at, up to a bound; a DSN that is not written as RFC 3464 says is none for us.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filters.content import decode_text, header_length, message_id, parse_header
from filters.mime_parts import Part, media_type, word

if TYPE_CHECKING:
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
_EMPTY_LINES = re.compile(rb"\r?\n(?:[ \t]*\r?\n)+")
_MOST_PARTS, _MOST_GROUPS = 10, 1000
"""Parts and recipients: no honest report has more."""


@dataclass(frozen=True, slots=True)
class FailedDelivery:
    """`message_id` of the message that was returned, with its angle brackets; `reason` in the reporter's words.

    `notification` is the notification's own Message-ID, "" if it has none: copies of it have the same.
    """

    message_id: str
    reason: str
    notification: str = ""


def is_delivery_report(header: Header) -> bool:
    """Whether the header section announces a report on deliveries (RFC 6522 §3)."""
    return media_type(header) == "multipart/report"


def failed_delivery(content: bytes) -> FailedDelivery | None:
    """What failed for good (RFC 3464 §2.3.3: `Action: failed`) of which message; None if this says no such thing."""
    content = content[:LOOKED_AT]
    section = content[: header_length(content)]
    header = parse_header(section)
    if not is_delivery_report(header):
        return None
    parts = list(Part.whole(header, memoryview(content), len(section)).parts(_MOST_PARTS))
    reason = next((_reason(part) for part in parts if part.media_type in _STATUS_TYPES and _reason(part)), "")
    found = _returned_id(header, parts) if reason else ""
    return FailedDelivery(found, reason, message_id(header)) if found else None


def _returned_id(header: Header, parts: list[Part]) -> str:
    """Of the message that stands returned; else of the one that the notification says it answers."""
    for part in parts:
        if part.media_type in _RETURNED_TYPES:
            body = part.decoded().lstrip(b"\r\n")
            found = message_id(parse_header(body[: header_length(body)]))
            if found:
                return found
    answered = (_ONE_ID.fullmatch(decode_text(header.first(name) or b"")) for name in ("in-reply-to", "references"))
    return next((match[1] for match in answered if match is not None), "")


def _reason(status: Part) -> str:
    """Status and diagnostic of the first recipient that failed; "" if none did (RFC 3464 §2.3)."""
    for group in _EMPTY_LINES.split(status.decoded(), _MOST_GROUPS):
        fields = parse_header(group)
        if word(fields, "action") == "failed":
            said = decode_text(fields.first("diagnostic-code") or b"")
            diagnostic = (said.partition(";")[2] or said).strip()
            code = decode_text(fields.first("status") or b"").partition("(")[0].strip()
            words = diagnostic if code in diagnostic else f"{code} {diagnostic}"
            return words.strip()[:_LONGEST_REASON] or "no reason given"
    return ""
