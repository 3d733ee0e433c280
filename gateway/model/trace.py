"""Trace fields: the one Received field that we put on top of every message, and the forged ones that we take out.

RFC 5321 §4.4, RFC 3848 (protocol names), RFC 8601 §5 (a field that claims to be ours must not come in).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

_NOT_TRACE = re.compile(r"[^A-Za-z0-9.:_\-\[\]]")
"""What a HELO argument may not bring into a header field: anything that a host name or an address literal lacks."""

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def date_time(at: datetime) -> str:
    """RFC 5322 §3.3, in UTC; independent of the locale."""
    return _date_time(at.year, at.month, at.day, at.hour, at.minute, at.second)


@lru_cache(maxsize=8)
def _date_time(*second: int) -> str:  # numbers: hashing a time costs more than writing it down
    at = datetime(*second, tzinfo=UTC)  # type: ignore[arg-type, misc]
    return f"{_DAYS[at.weekday()]}, {at.day} {_MONTHS[at.month - 1]} {at.year} {at.isoformat()[11:19]} +0000"


def received_field(
    *,
    helo: str,
    client_ip: str,
    by: str,
    protocol: str,
    tls: str,
    trace_id: str,
    at: datetime,
    recipient: str | None = None,
) -> bytes:
    """The field, folded and ended by CRLF. `recipient` only when there is one alone: a `for` clause betrays a Bcc.

    `at` is UTC. The HELO argument is reduced to the characters of a domain or an address literal, so that it can
    neither break the field nor smuggle in a comment.
    """
    whom = f"\r\n\tfor <{recipient}>" if recipient and recipient.isascii() else ""
    start = _where(helo, client_ip, by, protocol, tls)
    return f"{start}{trace_id}{whom};\r\n\t{date_time(at)}\r\n".encode("ascii", "replace")


@lru_cache(maxsize=1024)
def _where(helo: str, client_ip: str, by: str, protocol: str, tls: str) -> str:
    """The field up to its id: the same for all messages of a session."""
    said = _NOT_TRACE.sub("?", helo)[:255] or "unknown"
    address = f"IPv6:{client_ip}" if ":" in client_ip else client_ip or "unknown"
    secured = f" ({_NOT_TRACE.sub(' ', tls)})" if tls else ""
    return f"Received: from {said} ([{address}])\r\n\tby {by} with {protocol}{secured} id "


# With the line end before it, and first letters apart, so that all other lines cost next to nothing.
_OURS = re.compile(
    rb"\n([Xx](?i:-liaison-[^\s:]*)|[Aa](?i:uthentication-results))"
    rb"[ \t]*(?:\r?\n[ \t]+)?:([^\n]*(?:\n[ \t][^\n]*)*)"
)


_OPEN, _CLOSE = b"()"


@dataclass(frozen=True, slots=True)
class Forged:
    """A field that came in although only we write it: its name, and where it stands in the header section."""

    name: str
    start: int
    end: int


def forged_fields(header_section: bytes, hostname: str) -> tuple[Forged, ...]:
    """Inbound `X-Liaison-*`, and `Authentication-Results` that name us (RFC 8601 §5), in any spelling."""
    return tuple(
        Forged(found[1].decode("ascii", "replace"), found.start(), min(found.end(), len(header_section)))
        for found in _OURS.finditer(b"\n" + header_section)
        if found[1][:1] in b"Xx" or _names_us(found[2], hostname)
    )


def without(header_section: bytes, fields: tuple[Forged, ...]) -> bytes:
    """The header section without those fields."""
    kept, position = [], 0
    for field in fields:
        kept.append(header_section[position : field.start])
        position = field.end
    return b"".join((*kept, header_section[position:]))


def _names_us(value: bytes, hostname: str) -> bool:
    """Whether the authserv-id is ours, comments, folding, quotes and case apart."""
    authserv_id = _without_comments(value).replace(b";", b" ").split(maxsplit=1)[:1]
    return bool(authserv_id) and authserv_id[0].strip(b'"').lower() == hostname.lower().encode()


def _without_comments(value: bytes) -> bytes:
    """RFC 5322 §3.2.2, nested ones too; an unclosed comment hides the rest."""
    kept, depth = bytearray(), 0
    for octet in value:
        depth += octet == _OPEN
        if not depth:
            kept.append(octet)
        depth -= octet == _CLOSE and depth > 0
    return bytes(kept)


_SPELLINGS = (b"\nMessage-ID:", b"\nMessage-Id:", b"\nMessage-id:")
_FIRST_WORD = re.compile(rb"[ \t]*(?:\r?\n[ \t]+)?(\S{0,998})")
"""On the field's line or folded on to the next one; a line of RFC 5322 §2.1.1 holds no more octets."""


def message_id_of(header_section: bytes) -> str:
    """The first Message-ID as it stands, angle brackets included; "" without one. For the log alone.

    Every message is asked, so its usual spellings are looked for first.
    """
    if header_section[:11].lower() == b"message-id:":
        return _first_word(header_section, 11)
    for spelling in _SPELLINGS:
        at = header_section.find(spelling)
        if at >= 0:
            return _first_word(header_section, at + 12)
    at = header_section.lower().find(b"\nmessage-id:")
    return _first_word(header_section, at + 12) if at >= 0 else ""


def _first_word(section: bytes, at: int) -> str:
    """What follows, as far as a space; a field without a value ends where the next one begins."""
    found = _FIRST_WORD.match(section, at)
    return found[1].decode("utf-8", "replace") if found is not None else ""
