"""The header section as a person reads it: the fields that matter, in the order of a letter, and behind them the rest.

Every occurrence of a field is shown, also the second From. Values are decoded (RFC 2047) and never shortened silently.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from filters.content import unfolded
from filters.encoded_words import decode_words
from filters.sentence import Sentence
from gateway.preview.invisible import line_segments

if TYPE_CHECKING:
    from collections.abc import Iterable

    from filters.content import Header, HeaderField
    from gateway.preview.invisible import Segments

_LONGEST_VALUE = 4_000
_LONGEST_NAME = 80
_MATTER = MappingProxyType(
    {
        name.lower(): name
        for name in ("From", "Sender", "Reply-To", "Resent-From", "Resent-Sender", "To", "Cc", "Date", "Subject",
                     "Message-ID")
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ShownField:
    """One field. `odd`: its name is so spelled that only some programs take it for that field."""

    name: str
    value: Segments
    odd: bool = False


def fields_that_matter(header: Header) -> tuple[ShownField, ...]:
    """Who wrote to whom, when and about what."""
    return _shown(field for name in _MATTER for field in header.all(name))


def other_fields(header: Header, most: int) -> tuple[ShownField, ...]:
    """No more than the first `most` of the others, in their order."""
    others = [field for field in header.fields if field.name not in _MATTER]
    return _shown(others[:most])


def other_fields_note(header: Header, most: int) -> tuple[Sentence, ...]:
    """Whether there are more of them."""
    more = sum(field.name not in _MATTER for field in header.fields) > most
    return (Sentence("The first {shown} other header fields are shown.", shown=most),) if more else ()


def value_of(header: Header, name: str) -> Segments:
    """The first such field; nothing if there is none."""
    value = header.first(name)
    return () if value is None else _value(value)


def _shown(fields: Iterable[HeaderField]) -> tuple[ShownField, ...]:
    return tuple(ShownField(_name(field.name), _value(field.value), field.odd) for field in fields)


def _name(name: str) -> str:
    return _MATTER.get(name) or name[:_LONGEST_NAME].title()


def _value(value: bytes) -> Segments:
    """A tab is how a field is folded; it says nothing."""
    text = decode_words(unfolded(value)).replace("\t", " ").strip(" \r\n")
    return line_segments(text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]} […]")
