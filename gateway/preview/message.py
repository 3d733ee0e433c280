"""The preview of a message: the content as received in, everything that a person may safely see of it out.

Total on hostile octets, and bounded: what is not shown is told in words. Nothing in it is opened, run or fetched.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from filters.calendar import CALENDARS
from filters.content import body_start, header_length, parse_header
from filters.mime_parts import MimeLimits, Part, walk
from filters.sentence import Sentence
from gateway.preview.appointments import appointments
from gateway.preview.attached import attachment, is_attached, is_message
from gateway.preview.body_text import read_text
from gateway.preview.fields import fields_that_matter, other_fields, other_fields_note
from gateway.preview.flowed import reflowed
from gateway.preview.invisible import segments
from gateway.preview.markup import safe_html
from gateway.preview.parameters import parameter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.preview.appointments import Appointment
    from gateway.preview.attached import Attachment
    from gateway.preview.fields import ShownField
    from gateway.preview.invisible import Segments


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewLimits:
    """How much of a message is shown.

    `parts` counts multiparts too, and `depth` those inside each other; `bodies` the texts and pages; `text` the
    characters of all texts, `html` those of the source of all pages.
    """

    parts: int = 200
    depth: int = 20
    bodies: int = 20
    text: int = 200_000
    html: int = 300_000
    other_fields: int = 300
    appointments: int = 20


@dataclass(frozen=True, slots=True)
class ShownText:
    """A body in plain text. `from_html`: made of its HTML, as the message has no text of its own."""

    segments: Segments
    notes: tuple[Sentence, ...]
    from_html: bool = False


@dataclass(frozen=True, slots=True)
class ShownPage:
    """A body in HTML: `html` is a fragment for a sandboxed frame; `images` of it are not shown."""

    html: str
    images: int
    notes: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """All of it. `texts` come first: there is one wherever there is a page."""

    fields: tuple[ShownField, ...]
    other_fields: tuple[ShownField, ...]
    texts: tuple[ShownText, ...]
    pages: tuple[ShownPage, ...]
    appointments: tuple[Appointment, ...]
    attachments: tuple[Attachment, ...]
    notes: tuple[Sentence, ...]


DEFAULT_LIMITS = PreviewLimits()

_HTML = "text/html"
_SHORTEST = 1_000
"""Characters that each body may show, however much those before it have."""
_LONGEST_SOURCE = 5_000_000
"""Characters of HTML, in which most are pictures."""


def preview(content: bytes, limits: PreviewLimits = DEFAULT_LIMITS) -> Preview:
    """What of a message may be seen. It may take a second for the largest: not on the event loop."""
    message = _message(content)
    parts, whole = _parts(message, limits)
    bodies = [number for number, part in parts.items() if _is_body(part)][: limits.bodies]
    texts, pages = _bodies([parts[number] for number in bodies], limits)
    return Preview(
        fields=fields_that_matter(message.header),
        other_fields=other_fields(message.header, limits.other_fields),
        texts=texts,
        pages=pages,
        appointments=_appointments(parts.values(), limits),
        attachments=tuple(attachment(part, number) for number, part in parts.items() if number not in bodies),
        notes=(*other_fields_note(message.header, limits.other_fields), *_part_notes(limits, whole=whole)),
    )


def attached_message(content: bytes, number: int, limits: PreviewLimits = DEFAULT_LIMITS) -> bytes | None:
    """The content of the message that is attached under that number; None if there is none."""
    parts, _ = _parts(_message(content), limits)
    part = parts.get(number)
    return part.decoded().lstrip(b"\r\n") if part is not None and is_message(part) else None


def _message(content: bytes) -> Part:
    """Its body begins behind the empty line."""
    length = header_length(content)
    return Part.whole(parse_header(content[:length]), memoryview(content), body_start(content, length))


def _parts(message: Part, limits: PreviewLimits) -> tuple[dict[int, Part], bool]:
    """Those that hold something themselves, by their number; and whether that is all of them.

    What stands behind the end of a multipart is mostly nothing.
    """
    found = list(walk(message, MimeLimits(parts=limits.parts + 1, depth=limits.depth)))
    parts = {
        number: part
        for number, (part, opened) in enumerate(found[: limits.parts])
        if not opened and (part is message or part.header.fields or part.body.strip())
    }
    return parts, len(found) <= limits.parts


def _part_notes(limits: PreviewLimits, *, whole: bool) -> tuple[Sentence, ...]:
    if whole:
        return ()
    return (Sentence("The first {shown} parts are shown. The raw source has all of them.", shown=limits.parts),)


def _is_body(part: Part) -> bool:
    """Text that its sender means to be read at once; what says no type is text (RFC 2045 §5.2)."""
    kind = part.media_type
    is_text = "/" not in kind or kind.startswith(("text/", "message/"))
    return is_text and kind not in CALENDARS and not is_message(part) and not is_attached(part)


def _bodies(bodies: list[Part], limits: PreviewLimits) -> tuple[tuple[ShownText, ...], tuple[ShownPage, ...]]:
    """The texts, and the pages; the pages as texts where the message has no words of its own in plain text."""
    texts = _texts([part for part in bodies if part.media_type != _HTML], limits)
    pages = [part for part in bodies if part.media_type == _HTML]
    shown, as_texts = _pages(pages, limits)
    return texts if any(map(_has_words, texts)) or not pages else as_texts, shown


def _has_words(text: ShownText) -> bool:
    return any(isinstance(piece, str) and piece.strip() for piece in text.segments)


def _texts(bodies: list[Part], limits: PreviewLimits) -> tuple[ShownText, ...]:
    texts: list[ShownText] = []
    left = limits.text
    for part in bodies:
        most = max(left, _SHORTEST)
        reading = read_text(part, most)
        left -= len(reading.text)
        notes = reading.notes if reading.whole else (*reading.notes, _length_note(most))
        texts.append(ShownText(segments(_reflowed(part, reading.text).strip("\n")), notes))
    return tuple(texts)


def _reflowed(part: Part, text: str) -> str:
    """As its sender sees it (RFC 3676 §4.1)."""
    if parameter(part.header, "content-type", "format").lower() != "flowed":
        return text
    return reflowed(text, delete_space=parameter(part.header, "content-type", "delsp").lower() == "yes")


def _pages(bodies: list[Part], limits: PreviewLimits) -> tuple[tuple[ShownPage, ...], tuple[ShownText, ...]]:
    """Each as a fragment, and as a text."""
    pages: list[ShownPage] = []
    texts: list[ShownText] = []
    left = limits.html
    for part in bodies:
        most = max(left, _SHORTEST)
        reading = read_text(part, _LONGEST_SOURCE)
        safe = safe_html(reading.text, most)
        left -= min(len(reading.text), most)
        notes = reading.notes if reading.whole and safe.whole else (*reading.notes, _html_note())
        pages.append(ShownPage(safe.html, safe.images, notes))
        texts.append(ShownText((safe.text,) if safe.text else (), notes, from_html=True))
    return tuple(pages), tuple(texts)


def _length_note(most: int) -> Sentence:
    return Sentence("The first {shown} characters are shown. The raw source has all of them.", shown=most)


def _html_note() -> Sentence:
    return Sentence("It is too long to be shown whole. The raw source has all of it.")


def _appointments(parts: Iterable[Part], limits: PreviewLimits) -> tuple[Appointment, ...]:
    calendars = (part for part in parts if part.media_type in CALENDARS)
    found = (one for calendar in calendars for one in appointments(calendar, limits.appointments))
    return tuple(islice(found, limits.appointments))
