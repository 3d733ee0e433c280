"""The header section, read leniently: bytes in, fields and defects out; never raises on bad mail.

(to be completed; signatures are fixed)
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HeaderField:
    """One header field. `name` is lower case without surrounding white space; `value` is the raw body, folding kept."""

    name: str
    value: bytes
    odd: bool = False
    """The name was spelled in a way that only some parsers accept (leading space, space before colon, folded)."""


@dataclass(frozen=True, slots=True)
class Header:
    """The fields in order."""

    fields: tuple[HeaderField, ...]

    def all(self, name: str) -> tuple[HeaderField, ...]:
        """Every field of that (lower-case) name."""
        return tuple(field for field in self.fields if field.name == name)

    def first(self, name: str) -> bytes | None:
        """The raw value of the first field of that name, or None."""
        return next((field.value for field in self.fields if field.name == name), None)


def header_length(content: bytes) -> int:
    """Octets of the header section, without the empty line that ends it; all of the content if there is none."""
    raise NotImplementedError


def parse_header(section: bytes) -> Header:
    """Every header field of the section, leniently; what is no field at all is left out."""
    raise NotImplementedError


def decode_text(value: bytes) -> str:
    """A header value for display: unfolded, RFC 2047 decoded, controls removed; never raises."""
    raise NotImplementedError
