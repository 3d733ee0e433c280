"""One row of a sender pack, whatever the file's format: its columns read into a `ListEntry`, or problems in words.

Never stops at the first problem: who corrects a list wants to see them all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from filters.disposition import Delivery, Handling, Mode
from filters.lists import EntryKind, ListEntry, canonical_entry_value
from filters.sentence import Sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

COLUMNS = (
    *("kind", "value", "mission_en", "mission_fr", "mission_zh", "country", "class", "delivery", "decline", "report"),
    *("mode", "legacy", "source", "verified", "review_by", "note"),
)
"""The columns of the CSV form, in order. In TOML the three names are one inline table, `mission`."""

_Word = TypeVar("_Word", bound=StrEnum)
_LONGEST_SHOWN = 60
"""Characters."""
_YES, _NO = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})


@dataclass(frozen=True, slots=True)
class PackProblem:
    """What is wrong with one entry, or with the whole text. `line` counts from 1; 0 where none can be named."""

    line: int
    message: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class PackLine:
    """One entry of a file: as it was read, or what is wrong with it. `kind` and `value` are as the file gives them."""

    line: int
    """Where it begins, from 1; 0 where no line can be named."""
    entry: ListEntry | None
    problems: tuple[PackProblem, ...] = ()
    kind: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """The columns of one entry as the file gave them, and where they stand (`line`: of each column known, or "")."""

    columns: Mapping[str, object]
    lines: Mapping[str, int]
    problems: list[PackProblem] = field(default_factory=list)

    @property
    def line(self) -> int:
        """Where it begins; 0 where that is not known."""
        return self.lines.get("", 0)

    def given(self, column: str) -> str:
        """What the file says in a column, right or wrong, cut where it is long; "" for nothing."""
        return _shown(self.columns.get(column, "")).strip()

    def entry(self, pack: str) -> ListEntry | None:
        """The entry; None if there are problems."""
        for column in self.columns.keys() - set(COLUMNS):
            self.refuse(
                column, Sentence("“{key}” is not known; the keys are {keys}", key=column, keys=", ".join(COLUMNS))
            )
        kind, value = self.required_word("kind", EntryKind), self.text("value")
        if not value.strip():
            self.refuse("value", Sentence("“value” is missing: the address or domain that the entry is about"))
        optional = self._optional(kind or EntryKind.ADDRESS, value, pack)
        return None if self.problems or kind is None else optional

    def _optional(self, kind: EntryKind, value: str, pack: str) -> ListEntry:
        return ListEntry(
            kind=kind,
            value=canonical_entry_value(kind, value),
            mission_en=self.text("mission_en"),
            mission_fr=self.text("mission_fr"),
            mission_zh=self.text("mission_zh"),
            country=self.text("country"),
            category=self.text("class"),
            delivery=self.word("delivery", (Delivery.HOLD, Delivery.FLAG)),
            decline=self.word("decline", Handling),
            report=self.word("report", Handling),
            mode=self.word("mode", Mode),
            legacy=self.flag("legacy"),
            source=self.text("source"),
            verified=self.text("verified"),
            review_by=self.day("review_by"),
            note=self.text("note"),
            pack=pack,
        )

    def refuse(self, column: str, message: Sentence) -> None:
        """Note what is wrong with a column."""
        self.problems.append(PackProblem(self.lines.get(column, self.line), message))

    def text(self, column: str) -> str:
        """A text; "" where there is none."""
        value = self.columns.get(column, "")
        if isinstance(value, str):
            return value
        self.refuse(
            column, Sentence("“{key}” has to be a text in quotes, not {given}", key=column, given=_shown(value))
        )
        return ""

    def required_word(self, column: str, words: Iterable[_Word]) -> _Word | None:
        """One of the words; its absence is a problem."""
        if column not in self.columns:
            self.refuse(column, Sentence("“{key}” is missing: one of {words}", key=column, words=", ".join(words)))
        return self.word(column, words)

    def word(self, column: str, words: Iterable[_Word]) -> _Word | None:
        """One of the words; None where there is none."""
        if column not in self.columns:
            return None
        given = self.columns[column]
        choices = {word.value: word for word in words}
        if not isinstance(given, str) or given.strip().lower() not in choices:
            said = {"key": column, "words": ", ".join(choices), "given": _shown(given)}
            self.refuse(column, Sentence("“{key}” has to be one of {words}, not “{given}”", **said))
            return None
        return choices[given.strip().lower()]

    def flag(self, column: str) -> bool:
        """True or false; false where there is nothing."""
        given = self.columns.get(column, False)
        word = _shown(given).strip().lower()
        if word not in _YES | _NO:
            said = {"key": column, "given": _shown(given)}
            self.refuse(column, Sentence("“{key}” has to be true or false, not “{given}”", **said))
        return word in _YES

    def day(self, column: str) -> date | None:
        """A date; None where there is none."""
        given = self.columns.get(column)
        if given is None or (isinstance(given, date) and not isinstance(given, datetime)):
            return given
        try:
            return date.fromisoformat(_shown(given).strip())
        except ValueError:
            said = {"key": column, "given": _shown(given)}
            self.refuse(column, Sentence("“{key}” has to be a date like 2027-05-31, not “{given}”", **said))
            return None


def _shown(given: object) -> str:
    """What stands in the file, cut where it is long."""
    try:
        text = str(given)
    except ValueError:  # Python does not write down the longest numbers
        return "a number of thousands of digits"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def columns_of(entry: ListEntry) -> dict[str, str]:
    """The entry's columns as texts, "" where it has nothing to say; the way back from `Row.entry`."""
    values: tuple[object, ...] = (
        *(entry.kind, entry.value, entry.mission_en, entry.mission_fr, entry.mission_zh, entry.country),
        *(entry.category, entry.delivery, entry.decline, entry.report, entry.mode, "true" if entry.legacy else None),
        *(entry.source, entry.verified, entry.review_by, entry.note),
    )
    return {column: "" if value is None else str(value) for column, value in zip(COLUMNS, values, strict=True)}
