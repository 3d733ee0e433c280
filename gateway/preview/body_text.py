"""The text of a part: its transfer encoding undone, its charset read, and in words what of it could not be.

Never refuses and never raises: whatever the octets are, there is text, and a sentence where it may not be the sender's.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filters.encoded_words import codec_of
from filters.mime_parts import word
from filters.sentence import Sentence

if TYPE_CHECKING:
    from filters.mime_parts import Part

_OCTETS_FOR_A_CHARACTER = 12
"""At most, before it is decoded: four of UTF-32, three for each of them in quoted-printable."""
_ASCII = frozenset({"", "us-ascii", "ascii", "ansi_x3.4-1968", "unknown-8bit", "default"})
_LATIN = frozenset({"iso8859-1", "cp1252"})
_ENCODINGS = frozenset({"", "7bit", "8bit", "binary", "quoted-printable", "base64"})
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/=\s]")
_NO_QUOTED_PRINTABLE = re.compile(rb"=(?![0-9A-Fa-f]{2}|[ \t]*+\r?(?:\n|\Z))")
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_META_WITHIN = 1024
"""Octets in which HTML says its charset, as browsers look for it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Text with LF as its line end, and sentences for the person who reads it."""

    text: str
    whole: bool
    """False if the part goes on behind it."""
    notes: tuple[Sentence, ...]


def read_text(part: Part, most: int) -> Reading:
    """No more than the first `most` characters of a text part."""
    octets = part.cut(most * _OCTETS_FOR_A_CHARACTER).decoded()
    text, notes = _decoded(octets, _charset(part, octets))
    cut = text[:most].replace("\r\n", "\n")
    if "\ufffd" in cut:
        notes = (*notes, Sentence("Some of it is no text in its character set. It shows as \ufffd."))
    whole = len(text) <= most and part.end - part.start <= most * _OCTETS_FOR_A_CHARACTER
    return Reading(cut, whole, (*_encoding_notes(part, most), *notes))


def _charset(part: Part, octets: bytes) -> str:
    """What the part says; HTML may say it inside."""
    if part.charset or part.media_type != "text/html":
        return part.charset.lower()
    match = _META_CHARSET.search(octets[:_META_WITHIN])
    return match[1].decode("ascii").lower() if match is not None else ""


def _decoded(octets: bytes, charset: str) -> tuple[str, tuple[Sentence, ...]]:
    codec = codec_of(charset)
    if charset in _ASCII:
        return _guessed(octets), ()
    if codec is None:
        note = Sentence("Its character set, {charset}, is unknown: it is read as another.", charset=charset)
        return _guessed(octets), (note,)
    if codec in _LATIN:
        return _western(octets), ()
    return codecs.getincrementaldecoder(codec)("replace").decode(octets), ()


def _guessed(octets: bytes) -> str:
    """UTF-8 where it is that; the end may be cut within a character."""
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(octets)
    except UnicodeDecodeError:
        return _western(octets)


def _western(octets: bytes) -> str:
    """windows-1252, which mailers label ISO-8859-1; its five holes are the controls that they would be there."""
    try:
        return octets.decode("cp1252")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def _encoding_notes(part: Part, most: int) -> tuple[Sentence, ...]:
    """What is wrong with the transfer encoding (RFC 2045 §6)."""
    encoding = word(part.header, "content-transfer-encoding")
    body = part.cut(most * _OCTETS_FOR_A_CHARACTER).body
    if encoding not in _ENCODINGS:
        return (Sentence("Its transfer encoding is unknown: it is shown as it came."),)
    broken = {"base64": _NO_BASE64, "quoted-printable": _NO_QUOTED_PRINTABLE}.get(encoding)
    if broken is not None and broken.search(body):
        return (Sentence("Its transfer encoding, {encoding}, is broken: something may be missing.", encoding=encoding),)
    return ()
