"""Characters that nobody sees, made visible: text in, what may be shown of it out.

Bidirectional controls turn a line around, tags spell words that only machines read, zero-width characters make one
address two. Each becomes a mark with its name. Left alone is what a script or an emoji needs where it stands.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Invisible:
    """A mark in place of characters without a glyph: `code` such as "RLO", and its Unicode name, in English.

    `count` is how many of them stand there.
    """

    code: str
    name: str
    count: int = 1

    def __str__(self) -> str:
        """As plain text shows it: ⟦RLO⟧, ⟦ZWNJ ×40⟧."""
        return f"⟦{self.code}⟧" if self.count == 1 else f"⟦{self.code} ×{self.count}⟧"


Segments = tuple[str | Invisible, ...]
"""Text that may be shown as it stands, and the marks in it."""

_C0 = (
    "NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "TAB", "LF", "VT", "FF", "CR", "SO", "SI", "DLE",
    "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC", "FS", "GS", "RS", "US",
)  # fmt: skip
_CODES = MappingProxyType(
    {chr(number): code for number, code in enumerate(_C0)}
    | {
        "\x7f": "DEL", "\x85": "NEL", "\u00ad": "SHY", "\u034f": "CGJ", "\u061c": "ALM", "\u200b": "ZWSP",
        "\u200c": "ZWNJ", "\u200d": "ZWJ", "\u200e": "LRM", "\u200f": "RLM", "\u2028": "LSEP", "\u2029": "PSEP",
        "\u202a": "LRE", "\u202b": "RLE", "\u202c": "PDF", "\u202d": "LRO", "\u202e": "RLO", "\u2060": "WJ",
        "\u2066": "LRI", "\u2067": "RLI", "\u2068": "FSI", "\u2069": "PDI", "\ufe0e": "VS15", "\ufe0f": "VS16",
        "\ufeff": "BOM",
    }
)  # fmt: skip
"""What Unicode's charts call them; the others stand as U+2061."""

_TAGS = "\U000e0020-\U000e007e"
# Controls, format characters, fillers and selectors: what has no glyph of its own, or lends another a direction.
_INVISIBLE = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u2800\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_SPACES = " \u00a0\u2000-\u200a\u202f\u205f\u3000"
_RUNS = re.compile(f"[{_INVISIBLE}](?:[{_SPACES}]*+[{_INVISIBLE}])*+")
_RUNS_IN_A_LINE = re.compile(f"[\t\n{_INVISIBLE}](?:[{_SPACES}]*+[\t\n{_INVISIBLE}])*+")
_SPACE = re.compile(f"[{_SPACES}]")
_PIECES = re.compile(f"[{_TAGS}]+|[^{_TAGS}]")

_MOST_MARKS = 8
"""In a row. Newsletters pad their first line with hundreds."""
_MOST_NAMED = 4
_MOST_IN_A_TEXT = 5_000
"""Marks that are told apart from the text; behind them it says the same in brackets."""
_LONGEST_SPELLING = 200


def segments(text: str) -> Segments:
    """The text of a body. Its line ends, which should be LF alone, and its tabs stay."""
    return _joined(_pieces(text, _RUNS))


def line_segments(text: str) -> Segments:
    """Text that should be one line, such as a subject, an address or a file name: line ends and tabs are marks too."""
    return _joined(_pieces(text, _RUNS_IN_A_LINE))


def plain(shown: Segments) -> str:
    """The segments as plain text, their marks in brackets."""
    return "".join(map(str, shown))


def _joined(pieces: Iterable[str | Invisible]) -> Segments:
    """Neighbours in one: text with text, and a mark with others like it."""
    joined: list[str | Invisible] = []
    for _, same in groupby(pieces, key=lambda piece: piece.code if isinstance(piece, Invisible) else None):
        alike = list(same)
        marks = [piece for piece in alike if isinstance(piece, Invisible)]
        if marks:
            joined.append(Invisible(marks[0].code, marks[0].name, sum(mark.count for mark in marks)))
        elif any(alike):
            joined.append("".join(map(str, alike)))
    told_apart, rest = joined[: 2 * _MOST_IN_A_TEXT], joined[2 * _MOST_IN_A_TEXT :]
    return (*told_apart, "".join(map(str, rest))) if rest else tuple(told_apart)


def _pieces(text: str, runs: re.Pattern[str]) -> Iterator[str | Invisible]:
    end = 0
    for run in runs.finditer(text):
        yield text[end : run.start()]
        yield from _marked(text, run.start(), run.end())
        end = run.end()
    yield text[end:]


def _marked(text: str, start: int, end: int) -> list[str | Invisible]:
    """A run of invisible characters and of the spaces between them."""
    found = [_piece(text, at.start(), at[0]) for at in _PIECES.finditer(text, start, end)]
    marks = [piece for piece in found if isinstance(piece, Invisible)]
    if len(marks) <= _MOST_MARKS:
        return found
    codes = list(dict.fromkeys(mark.code for mark in marks))
    named = " ".join(codes[:_MOST_NAMED]) + (" …" if len(codes) > _MOST_NAMED else "")
    return [Invisible(named, marks[0].name, sum(mark.count for mark in marks))]


def _piece(text: str, at: int, piece: str) -> str | Invisible:
    first = piece[0]
    if "\U000e0020" <= first <= "\U000e007e":
        return _spelled(piece)
    if _SPACE.match(first) or _serves(text[at - 1 : at], first, text[at + 1 : at + 2]):
        return piece
    return _mark(first)


@cache
def _mark(character: str) -> Invisible:
    """There are no more of them than invisible characters."""
    name = unicodedata.name(character, "") or ("CONTROL" if unicodedata.category(character) == "Cc" else "")
    return Invisible(_CODES.get(character, f"U+{ord(character):04X}"), name)


def _spelled(tags: str) -> Invisible:
    """Tags repeat ASCII: what they say is what somebody wanted to say unseen."""
    spelled = "".join(chr(ord(tag) - 0xE0000) for tag in tags[:_LONGEST_SPELLING])
    return Invisible(f"TAG {spelled}" + ("…" if len(tags) > _LONGEST_SPELLING else ""), "TAG", len(tags))


def _serves(before: str, character: str, after: str) -> bool:
    """Whether the text would be written wrongly without it.

    Joiners where RFC 5892 §A.1 and §A.2 allow them in names: behind a virama, and between letters of scripts that
    join from right to left. In emoji: a joiner between two symbols, a selector behind one.
    """
    if not before:
        return False
    match character:
        case "\u200c":
            return _is_virama(before) or (_joins(before) and _joins(after))
        case "\u200d":
            return _is_virama(before) or (_is_symbol(before) and _is_symbol(after))
        case "\ufe0e" | "\ufe0f":
            return (_is_symbol(before) and before != "\ufe0f") or (before in "0123456789#*" and after == "\u20e3")
        case _:
            return False


def _is_virama(character: str) -> bool:
    return unicodedata.combining(character) == 9


def _joins(character: str) -> bool:
    return bool(character) and unicodedata.bidirectional(character) == "AL"


def _is_symbol(character: str) -> bool:
    """An emoji, a skin tone, or the selector behind one."""
    return bool(character) and (
        character == "\ufe0f" or (character > "\xa8" and unicodedata.category(character) in {"So", "Sm", "Sk", "Po"})
    )
