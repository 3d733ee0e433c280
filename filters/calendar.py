"""The organizers of a message's calendar parts (RFC 5545 §3.8.4.3): whoever calls the meeting claims to write.

Read only where a text/calendar part is announced, and never inside an attached message, whose senders are somebody
else's. Total on hostile octets; the work is bounded by `MOST_PARTS`, `DEEPEST` and `LONGEST_CALENDAR`.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from filters.address import AddressError, Mailbox, parse_path
from filters.content import decode_text, header_length, parse_header

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from filters.content import Header

MOST_PARTS = 200
"""Parts that are looked at, in all."""
DEEPEST = 10
"""Multiparts inside each other."""
LONGEST_CALENDAR = 262_144
"""Octets of a calendar part; invitations have a few thousand."""
MOST_ORGANIZERS = 50

_ANNOUNCEMENTS = (b"text/calendar", b"application/ics")
_LONGEST_ANNOUNCEMENT = 15
_COMPOSED = re.compile(rb"\n[Cc](?i:ontent-type)[ \t]*+:\s*+(?i:multipart/|text/calendar|application/ics)")
_CALENDARS = frozenset({"text/calendar", "application/ics"})
_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"((?:[^"\\]|\\.)*+)"|([^\s;"]++))', re.IGNORECASE)
_CHARSET = re.compile(r';\s*charset\s*=\s*"?([A-Za-z0-9_.:-]{1,40})', re.IGNORECASE)
_FOLD = re.compile(r"\r?\n[ \t]")
_ORGANIZER = re.compile(r"^ORGANIZER(?=[;:])([^\r\n]{0,4000})", re.IGNORECASE | re.MULTILINE)
_ADDRESS = re.compile(r"mailto:\s*([^\s\";,?<>]{1,320})", re.IGNORECASE)
_EMAIL = re.compile(r';\s*EMAIL\s*=\s*"?([^\s";:,]{1,320})', re.IGNORECASE)
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")


def announces_calendar(section: bytes, content: Iterable[bytes]) -> bool:
    """The cheap test: whether `organizers` could find anything. `content` is only looked at in a multipart."""
    if _COMPOSED.search(b"\n" + section) is None:
        return False
    tail = b""
    for chunk in content:
        lower = tail + chunk.lower()
        if any(words in lower for words in _ANNOUNCEMENTS):
            return True
        tail = lower[-_LONGEST_ANNOUNCEMENT:]
    return False


def organizers(header: Header, content: bytes) -> tuple[Mailbox, ...]:
    """Every organizer of every announced calendar part, each once. `content` is the whole message."""
    found: dict[Mailbox, None] = {}
    body = content[header_length(content) :]
    for part_header, part in _calendars(header, body):
        for mailbox in _organizers_of(_text(part_header, part)):
            found.setdefault(mailbox)
            if len(found) >= MOST_ORGANIZERS:
                return tuple(found)
    return tuple(found)


def _calendars(header: Header, body: bytes) -> Iterator[tuple[Header, bytes]]:
    """The calendar parts, at whatever depth, in no particular order."""
    waiting = [(header, body, 0)]
    looked_at = 0
    while waiting and looked_at < MOST_PARTS:
        part_header, part, depth = waiting.pop()
        looked_at += 1
        kind = _media_type(part_header)
        if kind in _CALENDARS:
            yield part_header, part
        elif kind.startswith("multipart/") and depth < DEEPEST:
            waiting += [(inner, octets, depth + 1) for inner, octets in _parts(part_header, part)]


def _parts(header: Header, body: bytes) -> Iterator[tuple[Header, bytes]]:
    """The parts of a multipart (RFC 2046 §5.1.1)."""
    match = _BOUNDARY.search(decode_text((header.first("content-type") or b"")[:2000]))
    boundary = re.sub(r"\\(.)", r"\1", match[1] if match[1] is not None else match[2]) if match else ""
    if not boundary:
        return
    delimiter = b"--" + boundary.encode("utf-8", "replace")
    pieces = re.split(rb"(?:\A|\n)" + re.escape(delimiter) + rb"(?:--)?[ \t]*\r?(?:\n|\Z)", body, maxsplit=MOST_PARTS)
    for octets in pieces[1:]:
        length = header_length(octets)
        yield parse_header(octets[:length]), octets[length:]


def _text(header: Header, part: bytes) -> str:
    part = part[: LONGEST_CALENDAR * 2]
    match _word(header, "content-transfer-encoding"):
        case "base64":
            whole = _NOT_BASE64.sub(b"", part)
            part = base64.b64decode(whole[: len(whole) // 4 * 4])
        case "quoted-printable":
            part = binascii.a2b_qp(part)
    part = part[:LONGEST_CALENDAR]
    unfolded = re.sub(rb"\r?\n[ \t]", b"", part)  # RFC 5545 §3.1: also between the octets of one character
    charset = _CHARSET.search(decode_text((header.first("content-type") or b"")[:2000]))
    try:
        return unfolded.decode(charset[1] if charset else "utf-8", "replace")
    except LookupError:
        return unfolded.decode("utf-8", "replace")


def _organizers_of(text: str) -> Iterator[Mailbox]:
    """The address itself, SENT-BY, and EMAIL (RFC 7986 §6.2): whom any calendar program shows."""
    for line in _ORGANIZER.finditer(_FOLD.sub("", text)):
        for address in (*_ADDRESS.findall(line[1]), *_EMAIL.findall(line[1])):
            try:
                yield parse_path(unquote(address), smtputf8=True)
            except AddressError:
                continue  # no address that anybody could write to


def _media_type(header: Header) -> str:
    return _word(header, "content-type")


def _word(header: Header, name: str) -> str:
    return re.split(r"[;(\s]", decode_text((header.first(name) or b"")[:2000]).strip(), maxsplit=1)[0].lower()
