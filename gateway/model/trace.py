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
    rb"[ \t]*(?:\r?\n[ \t]+)*:([^\n]*(?:\n[ \t][^\n]*)*)"
)
_FIELD_WITH_NUL = re.compile(rb"\n[^\n]*+(?:\n\x00*+[ \t][^\n]*+)*+")
"""A field, and what continues it for whoever drops NUL."""

# RFC 5322 §3.2.2 and §3.2.4, as far as what stands in front of the first semicolon needs them.
_COMMENT_OR_NOT = re.compile(rb"[()]|\\?[^()\\]|\\[()\\]?", re.DOTALL)
_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*+)"', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Forged:
    """A field that came in although only we write it: its name, and where it stands in the header section."""

    name: str
    start: int
    end: int


def forged_fields(header_section: bytes, hostname: str) -> tuple[Forged, ...]:
    """Inbound `X-Liaison-*`, and `Authentication-Results` that name us (RFC 8601 §5), in any spelling.

    The section is as it leaves: its line ends are clean. A next hop may drop NUL.
    """
    lines = b"\n" + header_section
    if 0 in header_section:
        read = [(_OURS.match(one[0].replace(b"\0", b"")), *one.span()) for one in _FIELD_WITH_NUL.finditer(lines)]
        every = [(found, start, end) for found, start, end in read if found is not None]
    elif _OURS.search(lines) is None:  # nearly always
        return ()
    else:
        every = [(found, found.start(), found.end()) for found in _OURS.finditer(lines)]
    return tuple(
        Forged(found[1].decode("ascii", "replace"), start, min(end, len(header_section)))
        for found, start, end in every
        if found[1][:1] in b"Xx" or _authserv_id(found[2]) == hostname.lower()
    )


def as_it_leaves(header_section: bytes, forged: tuple[Forged, ...]) -> bytes:
    """The header section behind our own fields: without the forged ones, and continuing none of ours.

    What begins with white space is no header (RFC 5322 §2.2), and would be read as more of the field above it: an
    empty line stands before it, as Postfix has it too.
    """
    kept, position = [], 0
    for field in forged:
        kept.append(header_section[position : field.start])
        position = field.end
    section = b"".join((*kept, header_section[position:]))
    return b"\r\n" + section if continues(section) else section


def continues(header_section: bytes) -> bool:
    """Whether its first line would continue a field that is put above it, also for whoever drops NUL."""
    return header_section[:1] in {b" ", b"\t", b"\0"} and header_section.lstrip(b"\0")[:1] in {b" ", b"\t"}


def _authserv_id(value: bytes) -> str:
    """In lower case; comments, folding, quotes and the final dot apart (RFC 8601 §2.2)."""
    outside = _without_comments(value).strip()
    quoted = _QUOTED.match(outside)
    if quoted is not None:
        outside = re.sub(rb"\\(.)", rb"\1", quoted[1], flags=re.DOTALL)
    words = outside.replace(b";", b" ").split(maxsplit=1)
    return words[0].removesuffix(b".").decode("latin-1").lower() if words else ""


def _without_comments(value: bytes) -> bytes:
    """RFC 5322 §3.2.2, nested ones too; an unclosed comment hides the rest."""
    kept, depth = [], 0
    for piece in _COMMENT_OR_NOT.findall(value):
        depth += piece == b"("
        if not depth:
            kept.append(piece)
        depth -= piece == b")" and depth > 0
    return b"".join(kept)


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
