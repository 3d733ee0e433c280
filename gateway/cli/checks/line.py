"""One line of `liaison check`: what was looked at, what was found, and what would mend it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypedDict

from gateway.cli.invocation import FAILED, MISCONFIGURED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Result(StrEnum):
    """How a check ended. A warning leaves the exit code alone."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class LineShape(TypedDict):
    """A line for programs; `check`, `ok` and `says` are `name`, no problem, and both sentences in one."""

    name: str
    result: str
    text: str
    mend: str
    check: str
    ok: bool
    says: str


@dataclass(frozen=True, slots=True)
class Line:
    """`mend` is "" only where all is well; `code` is the exit code that the line asks for."""

    name: str
    result: Result
    text: str
    mend: str = ""
    code: int = 0

    @property
    def says(self) -> str:
        """Both sentences."""
        return f"{self.text}; {self.mend}" if self.mend else self.text

    def __str__(self) -> str:
        word = "wrong" if self.result is Result.PROBLEM else str(self.result)
        return f"{word} {self.name}: {self.says}"

    def shape(self) -> LineShape:
        """For programs."""
        return {
            "name": self.name,
            "result": str(self.result),
            "text": self.text,
            "mend": self.mend,
            "check": self.name,
            "ok": self.result is not Result.PROBLEM,
            "says": self.says,
        }


def well(name: str, text: str) -> Line:
    """All is well."""
    return Line(name, Result.OK, text)


def warning(name: str, text: str, mend: str) -> Line:
    """It works, and somebody should know."""
    return Line(name, Result.WARNING, text, mend)


def problem(name: str, text: str, mend: str) -> Line:
    """Something does not work."""
    return Line(name, Result.PROBLEM, text, mend, FAILED)


def misconfigured(name: str, sentences: Sequence[str]) -> Iterator[Line]:
    """Problems of the configuration, a line for each; what would be right stands at the end of the sentence."""
    for sentence in sentences:
        wrong, _, right = sentence.rpartition("; ")
        yield Line(name, Result.PROBLEM, wrong or right, right if wrong else "mend what it names", MISCONFIGURED)
