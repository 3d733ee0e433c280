"""The organizers of a message's calendar parts (RFC 5545 §3.8.4.3): whoever calls the meeting claims to write.

Read only where a text/calendar part is announced, and never inside an attached message, whose senders are somebody
else's. Total on hostile octets; the work is bounded by `MimeLimits`, past which nothing is looked at any more, and by
`LONGEST_CALENDAR`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from filters.address import AddressError, Mailbox, parse_path
from filters.line_ends import with_clean_ends
from filters.mime_parts import Part, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from filters.content import Header, HeaderField
    from filters.mime_parts import MimeLimits

LONGEST_CALENDAR = 262_144
"""Octets of a calendar part; invitations have a few thousand."""
MOST_ORGANIZERS = 50

_ANNOUNCEMENTS = (b"calendar", b"application/ics")
"""The first without its "text/": a comment or a fold may stand between (RFC 2045 §5.1)."""
_LONGEST_ANNOUNCEMENT = 15
_COMPOSED = re.compile(rb"\s*+(?:multipart/|text/calendar|application/ics)", re.IGNORECASE)
_PLAIN_TYPE = re.compile(rb"\s*+[A-Za-z0-9!#$&^_.+-]++/[A-Za-z0-9!#$&^_.+-]++\s*+(?:;|\Z)")
CALENDARS = frozenset({"text/calendar", "application/ics"})
_FOLD = re.compile(r"\r?\n[ \t]")
_ORGANIZER = re.compile(r"^ORGANIZER(?=[;:])([^\r\n]{0,4000})", re.IGNORECASE | re.MULTILINE)
_ADDRESS = re.compile(r"mailto:\s*([^\s\";,?<>]{1,320})", re.IGNORECASE)
_EMAIL = re.compile(r';\s*EMAIL\s*=\s*"?([^\s";:,]{1,320})', re.IGNORECASE)


def may_hold_calendar(content_type: bytes) -> bool:
    """Whether a body of this type is a calendar, or has parts of which one may be, or is of no type that is plain."""
    return _COMPOSED.match(content_type) is not None or _PLAIN_TYPE.match(content_type) is None


def announces_calendar(fields: Iterable[HeaderField], content: Iterable[bytes]) -> bool:
    """The cheap test: whether `organizers` could find anything. `content` is only looked at in a multipart."""
    if not any(may_hold_calendar(field.value) for field in fields if field.name == "content-type"):
        return False
    return mentions_calendar(content)


def mentions_calendar(content: Iterable[bytes]) -> bool:
    """Whether the words stand anywhere."""
    tail = b""
    for chunk in content:
        lower = tail + chunk.lower()
        if any(words in lower for words in _ANNOUNCEMENTS):
            return True
        tail = lower[-_LONGEST_ANNOUNCEMENT:]
    return False


def organizers(header: Header, content: memoryview, start: int, limits: MimeLimits) -> tuple[Mailbox, ...]:
    """Every organizer of every announced calendar part, each once.

    `content` is the whole message, whose body begins at `start`, the empty line above it included or not.
    """
    found: dict[Mailbox, None] = {}
    parts = walk(Part.whole(header, content, start), limits)
    for calendar in (part for part, _ in parts if part.media_type in CALENDARS):
        for mailbox in _organizers_of(calendar_text(calendar)):
            found.setdefault(mailbox)
            if len(found) >= MOST_ORGANIZERS:
                return tuple(found)
    return tuple(found)


def calendar_text(calendar: Part) -> str:
    """Its content lines, unfolded and decoded; no more than `LONGEST_CALENDAR` octets of them."""
    octets = with_clean_ends(calendar.cut(LONGEST_CALENDAR * 2).decoded()[:LONGEST_CALENDAR])
    # RFC 5545 §3.1: also between the octets of one character
    return calendar.in_charset(re.sub(rb"\r?\n[ \t]", b"", octets))


def _organizers_of(text: str) -> Iterator[Mailbox]:
    """The address itself, SENT-BY, and EMAIL (RFC 7986 §6.2): whom any calendar program shows."""
    for line in _ORGANIZER.finditer(_FOLD.sub("", text)):
        for address in (*_ADDRESS.findall(line[1]), *_EMAIL.findall(line[1])):
            try:
                yield parse_path(unquote(address), smtputf8=True)
            except AddressError:
                continue  # no address that anybody could write to
