"""Where every key of a TOML document stands: tomllib gives values without lines.

Only for documents that tomllib has accepted: the scanner relies on that and checks nothing again (TOML 1.0.0).
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

KeyPath = tuple[str | int, ...]
"""The keys from the top, with the place of an item in its array: ("route", 0, "next_hop", 1)."""

_FILLER = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*+")
_BLANKS = re.compile(r"[ \t]*+")
_KEY_PART = re.compile(r'"(?:[^"\\]|\\.)*+"|\'[^\']*+\'|[A-Za-z0-9_-]++')
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+"""(?:"{1,2}(?!"))?'
    r"|'''(?:[^']|'(?!''))*+'''(?:'{1,2}(?!'))?"
    r'|"(?:[^"\\]|\\.)*+"'
    r"|'[^']*+'",
    re.DOTALL,
)
_OTHER_SCALAR = re.compile(r"[^,\]}#\n]++")


def key_lines(text: str) -> Mapping[KeyPath, int]:
    """The line, from 1, of every table header, key and array item; a key that comes again keeps its first line."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


class _Scanner:
    """A position in the text, and what was seen before it."""

    def __init__(self, text: str) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._text = text
        self._at = 0
        self._line = 1
        self._counted_to = 0
        self._arrays: dict[KeyPath, int] = {}

    def document(self) -> None:
        table: KeyPath = ()
        self._pass(_FILLER)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._assignment(table)
            self._pass(_FILLER)

    def _header(self) -> KeyPath:
        is_item = self._text.startswith("[[", self._at)
        line = self._line_here()
        self._at += 1 + is_item
        path = self._key((), line)
        self._at += 1 + is_item
        if not is_item:
            return path
        number = self._arrays.get(path, 0)
        self._arrays[path] = number + 1
        item = (*path, number)
        self.lines[item] = line
        return item

    def _key(self, table: KeyPath, line: int) -> KeyPath:
        """A dotted key. One that leads through an array of tables means the array's last item."""
        path = table
        while True:
            if path in self._arrays:
                path = (*path, self._arrays[path] - 1)
            self._pass(_BLANKS)
            path = (*path, _unquoted(self._pass(_KEY_PART)))
            self.lines.setdefault(path, line)
            self._pass(_BLANKS)
            if not self._text.startswith(".", self._at):
                return path
            self._at += 1

    def _assignment(self, table: KeyPath) -> None:
        path = self._key(table, self._line_here())
        self._at += 1  # the equals sign
        self._pass(_BLANKS)
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        match self._text[self._at]:
            case "[":
                self._array(path)
            case "{":
                self._inline_table(path)
            case '"' | "'":
                self._pass(_STRING)
            case _:
                self._pass(_OTHER_SCALAR)

    def _array(self, path: KeyPath) -> None:
        number = 0
        self._separator()
        while self._text[self._at] != "]":
            item = (*path, number)
            self.lines[item] = self._line_here()
            self._value(item)
            self._separator()
            number += 1
        self._at += 1

    def _inline_table(self, path: KeyPath) -> None:
        self._separator()
        while self._text[self._at] != "}":
            self._assignment(path)
            self._separator()
        self._at += 1

    def _separator(self) -> None:
        """What stands before the next item or the closing bracket: the opening one or a comma, and filler."""
        self._pass(_FILLER)
        if self._text[self._at] in "[{,":
            self._at += 1
            self._pass(_FILLER)

    def _pass(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise ValueError(f"not TOML at line {self._line_here()}")
        self._at = found.end()
        return found[0]

    def _line_here(self) -> int:
        self._line += self._text.count("\n", self._counted_to, self._at)
        self._counted_to = self._at
        return self._line


def _unquoted(part: str) -> str:
    """A key without its quotes; tomllib knows the escapes."""
    return next(iter(tomllib.loads(f"{part} = 0"))) if part[0] in "\"'" else part
