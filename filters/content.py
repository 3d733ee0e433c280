"""The header section, read leniently: bytes in, fields and defects out; never raises on bad mail.

RFC 5322 §2.2 and §4.5 with what parsers in the field also accept, and RFC 2047 encoded-words for display. Never
changes what is relayed, and never reads bodies.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from filters.encoded_words import decode_words
from filters.line_ends import with_clean_ends

ORIGINATOR_NAMES = frozenset({"from", "sender", "reply-to", "return-path", "resent-from", "resent-sender"})
"""The fields in which a message can claim a sender (decision 5)."""
NAMES_OF_NOTE = ORIGINATOR_NAMES | {"dkim-signature", "content-type"}
"""Those, and the ones that say who may have signed it, and whether a calendar is in it."""


class HeaderField(NamedTuple):
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
    """Octets of the header section, without the empty line that ends it; all of the content if there is none.

    Lines end with CRLF; a bare LF is taken for one too, as under `bare_newlines = "normalize"` it becomes one.
    """
    if content.startswith((b"\r\n", b"\n")):
        return 0
    end = _EMPTY_LINE.search(content)
    return end.start() + 1 if end is not None else len(content)


def header_section(content: bytes) -> bytes:
    """The header section as it leaves: its line ends are clean."""
    return with_clean_ends(content[: header_length(content)])


def body_start(content: bytes, length: int) -> int:
    """Where the body begins behind a header section of that length: behind the empty line, if there is one."""
    empty_line = next((line for line in (b"\r\n", b"\n") if content.startswith(line, length)), b"")
    return length + len(empty_line)


_EMPTY_LINE = re.compile(rb"\n\r?\n")
# One line of mbox(5) may stand on top of forwarded mail; "From : a@b" is a field with white space before its colon.
_MBOX_LINE = re.compile(rb">?From [^\n]*\n")
_FIELD_AFTER_ALL = re.compile(rb">?From[ \t\r\n]+:|From[ \t\r]*\n")
# A logical line: everything up to the first LF that is not followed by white space (RFC 5322 §2.2.3).
_LOGICAL_LINE = re.compile(rb"[^\n]++(?:\n[ \t][^\n]*+)*+")
_NOT_IN_NAMES = bytes({*range(256)} - {*range(33, 127)})


def parse_header(section: bytes) -> Header:
    """Every header field of the section, leniently; what is no field at all is left out.

    Who drops NUL reads another header: what is only there is read too, and is odd.
    """
    section = with_clean_ends(section)
    fields = _fields(section)
    if 0 in section:
        others = [field._replace(odd=True) for field in _fields(section.replace(b"\0", b"")) if field not in fields]
        fields += tuple(field for field in others if field not in fields)
    return Header(fields)


def _fields(section: bytes) -> tuple[HeaderField, ...]:
    if _MBOX_LINE.match(section) and not _FIELD_AFTER_ALL.match(section):
        section = section[section.index(b"\n") + 1 :]
    fields = (_parse_field(line) for line in _LOGICAL_LINE.findall(section))
    return tuple(field for field in fields if field is not None)


def _parse_field(line: bytes) -> HeaderField | None:
    """Some parsers drop controls from names, others take the last word before the colon for the name."""
    raw, colon, value = line.partition(b":")
    if not colon:
        return None
    words = raw.split()
    name = words[-1].translate(None, _NOT_IN_NAMES) if words else b""
    return HeaderField(name.decode("ascii").lower(), value.removesuffix(b"\r"), odd=name != raw) if name else None


# One pass over the lines: a field of note (its name and value), or a line that only the full parse may judge (both
# empty). First letters stand apart so that the other names cost next to nothing.
_OF_NOTE_OR_ODD = re.compile(
    rb"\n(?![ \t])(?:"
    rb"([Ff](?i:rom)|[Ss](?i:ender)|[Rr](?i:e(?:ply-to|turn-path|sent-(?:from|sender)))|[Dd](?i:kim-signature)"
    rb"|[Cc](?i:ontent-type)):([^\n]*+(?:\n[ \t][^\n]*+)*+)"
    rb"|(?![!-9;-~]++:|\Z))"
)


def noted(section: bytes) -> list[tuple[bytes, bytes]] | None:
    """Names, as spelled, and values of the fields of note, in order; None where only the full parse may judge.

    `section` has clean line ends.
    """
    if 0 in section:
        return None
    found: list[tuple[bytes, bytes]] = _OF_NOTE_OR_ODD.findall(b"\n" + section)
    return None if section[:1] in {b" ", b"\t"} or (b"", b"") in found else found


def fields_of_note(section: bytes) -> tuple[HeaderField, ...]:
    """Those of `parse_header(section)` that decide about it, in order; in one pass where every name is regular."""
    section = with_clean_ends(section)
    found = noted(section)
    if found is None:
        return tuple(field for field in parse_header(section).fields if field.name in NAMES_OF_NOTE)
    return tuple([HeaderField(name.decode("ascii").lower(), value.removesuffix(b"\r")) for name, value in found])


_MESSAGE_ID = re.compile(
    r"<[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]++(?:\.[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]++)*+@"
    r"(?:[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]++(?:\.[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]++)*+|\[[!-Z^-~]*\])>"
)
_LONGEST_MESSAGE_ID = 250


def message_id(header: Header) -> str:
    """The Message-ID with its angle brackets, if there is exactly one and it is an RFC 5322 §3.6.4 msg-id; else "".

    Strict, because it goes into In-Reply-To of mail that we originate: ASCII, at most 250 octets, no quoted forms.
    """
    fields = header.all("message-id")
    if len(fields) != 1:
        return ""
    text = fields[0].value.strip(b" \t\r\n").decode("latin-1")
    return text if len(text) <= _LONGEST_MESSAGE_ID and _MESSAGE_ID.fullmatch(text) else ""


_FOLD = re.compile(r"\r?\n(?=[ \t])")
# What has no glyph or turns the line around: C0, DEL, C1, bidirectional controls, line separators, lone surrogates.
_CONTROLS = re.compile("[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def decode_text(value: bytes) -> str:
    """A header value for display: unfolded, RFC 2047 decoded, controls replaced by U+FFFD; never raises."""
    text = text_of(value)
    if "=?" not in text and text.isascii() and text.isprintable():
        return text.strip(" ")
    text = decode_words(unfolded(value))
    return _CONTROLS.sub("\ufffd", text.replace("\t", " ").strip(" \r\n"))


def unfolded(value: bytes) -> str:
    """A header value on one line; what is encoded in it, and any control, stays as it is."""
    return _FOLD.sub("", text_of(value))


def text_of(value: bytes) -> str:
    """The octets as text: UTF-8 (RFC 6532) where they are that, else ISO-8859-1, in which everything is something."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
