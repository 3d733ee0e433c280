"""What the tree of settings is declared with: a key, a table, and the kinds that several tables use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.settings import kinds

Plain = str | int | float | bool | Sequence[str | int] | None
"""What the shipped file can show as a value."""

OCTETS = kinds.whole(1, 2**40, "octets")


@dataclass(frozen=True, slots=True)
class Key:
    """One key: the kind of its value, and its comment in the shipped file.

    `shown` is the value there when it is not the default: an example of something that nobody can guess. A key that is
    `at_start` keeps its value for the life of the process; every other is obeyed anew when the file is read again.
    `default_words` say the default where the machine or another key tells it.
    """

    kind: kinds.Kind
    comment: str
    shown: Plain = None
    at_start: bool = False
    default_words: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of keys, or an array of such tables; `comment` stands beside its header."""

    comment: str = ""
