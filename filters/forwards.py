"""A message in which somebody forwards another one: what was forwarded, and in which form.

As an attachment the other message is there as its reader had it, header section and all; in the text only some of it
is left, as the forwarding program wrote it down. Total on hostile octets; bounded by `MimeLimits`.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from filters.content import body_start, decode_text, header_length, header_section, parse_header
from filters.mime_parts import Part, walk
from filters.quoted import LONGEST_TEXT, Quoted, quoted_block

if TYPE_CHECKING:
    from collections.abc import Iterable

    from filters.content import Header
    from filters.mime_parts import MimeLimits

MOST_ATTACHED = 20
"""Messages in one forward; more are refused together, so that nobody believes that all were recorded."""
LONGEST_COVER = 4000
"""Characters of what somebody wrote above the message that they forward."""

_MESSAGES = frozenset({"message/rfc822", "message/global"})
_OUTLOOK = frozenset({"application/ms-tnef", "application/vnd.ms-outlook", "application/vnd.ms-tnef"})
_NAME = re.compile(r";\s*(?:file)?name\*?(?:\d{1,3}\*?)?\s*=\s*(?:\"([^\"]{0,500})\"|([^\s;\"]{1,500}))", re.IGNORECASE)
_LONGEST_FIELD = 4000
_OF_MAIL = frozenset({"from", "sender", "date", "subject", "to", "message-id", "received", "return-path", "reply-to"})
_LEAST_FIELDS = 2
"""So many of them make a header section: a file with one line that has a colon is no message."""


class Trouble(StrEnum):
    """Why nothing, or not all, of a forward could be read."""

    QUOTED = "quoted"
    """Only its text was there: its header section is missing."""
    NOTHING = "nothing"
    """No message is attached, and none is quoted."""
    OUTLOOK_ITEM = "outlook-item"
    """A .msg file or winmail.dat: a format that other programs don't read."""
    NO_MESSAGE = "no-message"
    """What is attached as a message has no header section."""
    REDIRECTED = "redirected"
    """Redirected instead of forwarded (RFC 5322 §3.6.6)."""
    TOO_MANY = "too-many"
    """More than `MOST_ATTACHED` messages: none was taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """What was forwarded. Where a message is attached, what the text quotes does not count."""

    attached: tuple[bytes, ...] = ()
    """Messages as their reader had them, each from its first header field on."""
    quoted: Quoted | None = None
    cover: str = ""
    """What stands above it in the forwarder's own words."""
    troubles: tuple[Trouble, ...] = ()
    """One for each thing that could not be read."""


def read_forward(content: memoryview, limits: MimeLimits) -> Forward:
    """Read a whole message, header section first."""
    head = bytes(content[:_MOST_HEAD])
    length = header_length(head)
    header = parse_header(head[:length])
    if header.all("resent-from") or header.all("resent-sender"):
        return Forward(troubles=(Trouble.REDIRECTED,))
    leaves = [
        part for part, opened in walk(Part.whole(header, content, body_start(head, length)), limits) if not opened
    ]
    attached, troubles = _attached(leaves)
    if len(attached) > MOST_ATTACHED:
        return Forward(troubles=(Trouble.TOO_MANY,))
    text = _text(leaves)
    if attached:
        return Forward(attached=tuple(attached), cover=text.strip()[:LONGEST_COVER], troubles=tuple(troubles))
    quoted = quoted_block(text)
    if quoted is not None:
        return Forward(quoted=quoted, cover=quoted.above[:LONGEST_COVER], troubles=(Trouble.QUOTED, *troubles))
    return Forward(troubles=tuple(troubles) or (Trouble.NOTHING,))


_MOST_HEAD = 256 * 1024
"""Octets in which a header section ends: what stands behind them is taken for the body."""


def section_of(message: bytes) -> bytes:
    """The header section of a message that was forwarded."""
    return header_section(message[:_MOST_HEAD])


def _attached(leaves: Iterable[Part]) -> tuple[list[bytes], list[Trouble]]:
    found: list[bytes] = []
    troubles: list[Trouble] = []
    for part in leaves:
        name = _file_name(part.header)
        if part.media_type in _OUTLOOK or name.endswith(".msg") or name == "winmail.dat":
            troubles.append(Trouble.OUTLOOK_ITEM)
        elif part.media_type in _MESSAGES or name.endswith(".eml"):
            message = _message(part.decoded())
            if message:
                found.append(message)
            else:
                troubles.append(Trouble.NO_MESSAGE)
    return found, troubles


def _message(octets: bytes) -> bytes:
    """From its first header field on; nothing where it has no header section."""
    octets = octets.lstrip(b"\r\n \t")
    names = {field.name for field in parse_header(section_of(octets)).fields}
    return octets if len(names & _OF_MAIL) >= _LEAST_FIELDS else b""


def _file_name(header: Header) -> str:
    """The name that an attached file is given, in lower case; "" for none. Only its ending is worth anything."""
    for field in ("content-disposition", "content-type"):
        names = _NAME.findall(decode_text((header.first(field) or b"")[:_LONGEST_FIELD]))
        if names:
            return "".join(quoted or bare for quoted, bare in names).strip().lower()
    return ""


def _text(leaves: Iterable[Part]) -> str:
    """Of the first part with plain text, or else with HTML, that is not a file."""
    texts = [
        part for part in leaves if part.media_type in {"", "text/plain", "text/html"} and not _file_name(part.header)
    ]
    plain = next((part for part in texts if part.media_type != "text/html"), None)
    if plain is not None and (said := _decoded(plain)).strip():
        return said
    page = next((part for part in texts if part.media_type == "text/html"), None)
    return _without_tags(_decoded(page)) if page is not None else ""


def _decoded(part: Part) -> str:
    return part.in_charset(part.cut(LONGEST_TEXT * 4).decoded()[: LONGEST_TEXT * 2])


_NEW_LINE = re.compile(r"<(?:br|/p|/div|/tr|/li|/h[1-6]|/blockquote|hr)\b[^<>]{0,500}>", re.IGNORECASE)
_UNSHOWN = re.compile(r"<(style|script|head|title)\b[^<>]{0,500}>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{0,5000}>")


def _without_tags(page: str) -> str:
    """Enough of a page to find a block of labels in it; nobody is shown this."""
    kept, at = [], 0
    while (hidden := _UNSHOWN.search(page, at)) is not None:
        kept.append(page[at : hidden.start()])
        end = page.lower().find(f"</{hidden[1].lower()}", hidden.end()) if len(kept) < _MOST_UNSHOWN else -1
        at = end if end >= 0 else hidden.end()
    kept.append(page[at:])
    lines = _NEW_LINE.sub("\n", " ".join(" ".join(kept).split()))
    return html.unescape(_TAG.sub("", lines)).replace("\u00a0", " ")


_MOST_UNSHOWN = 20
