"""The block that a mail reader puts above a text which it forwards: "From: … Date: … Subject: …", read.

Whoever forwards may have typed it, and whoever wrote the original may have written another one below it: the first
counts, and all that it says is a claim. English and French labels. Total on hostile text, and linear in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LONGEST_TEXT = 65_536
"""Characters that are looked at; the block stands near the top of what somebody forwards."""
LONGEST_VALUE = 1000
"""Characters of one value."""

_LABELS: Mapping[str, str] = MappingProxyType(
    {"from": "from", "de": "from"}
    | dict.fromkeys(("reply-to", "répondre à", "répondre a"), "reply-to")
    | dict.fromkeys(("sent", "date", "envoyé", "envoyé le"), "date")
    | dict.fromkeys(("to", "à", "pour"), "to")
    | dict.fromkeys(("subject", "objet", "sujet"), "subject")
    | dict.fromkeys(("cc",), "cc")
)
_LABEL = re.compile(
    r"[*_]{0,2}(" + "|".join(sorted(_LABELS, key=len, reverse=True)) + r")[*_]{0,2}[ \t\u00a0\u202f]?:[*_]{0,2}",
    re.IGNORECASE,
)
_QUOTE_MARKS = re.compile(r"[> \t\u00a0]{0,20}")
_NOT_OURS = re.compile(r"[-_=\s]{5,}|.{0,20}(?:forwarded message|original message|message transféré|d.origine).{0,20}",
                       re.IGNORECASE)  # fmt: skip
_MOST_BETWEEN = 3
"""Lines from one label to the next: a value that was wrapped, or empty lines where a page became a text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted:
    """What the block says, each on one line, "" where it says nothing; `above` is the text that stands before it."""

    sender: str
    reply_to: str
    date: str
    subject: str
    above: str


@dataclass(frozen=True, slots=True)
class _Labelled:
    line: int
    label: str
    value: str


def quoted_block(text: str) -> Quoted | None:
    """The first such block: it names a sender, and a date or a subject. None where there is none."""
    lines = [_QUOTE_MARKS.sub("", line, count=1).rstrip() for line in text[:LONGEST_TEXT].splitlines()]
    for run in _runs(lines):
        said: dict[str, str] = {}
        for one in run:
            said.setdefault(one.label, one.value)
        if said.get("from") and said.keys() & {"date", "subject"}:
            return Quoted(
                sender=said["from"],
                reply_to=said.get("reply-to", ""),
                date=said.get("date", ""),
                subject=said.get("subject", ""),
                above=_above(lines[: run[0].line]),
            )
    return None


def _runs(lines: Sequence[str]) -> Iterator[list[_Labelled]]:
    """Lines with labels that stand together."""
    run: list[_Labelled] = []
    for one in _labelled(lines):
        if run and one.line - run[-1].line > _MOST_BETWEEN:
            yield run
            run = []
        run.append(one)
    if run:
        yield run


def _labelled(lines: Sequence[str]) -> Iterator[_Labelled]:
    for number, line in enumerate(lines):
        found = _LABEL.match(line)
        if found is None:
            continue
        value = line[found.end() :].strip() or _below(lines, number)
        yield _Labelled(number, _LABELS[found[1].lower()], value[:LONGEST_VALUE])


def _below(lines: Sequence[str], number: int) -> str:
    """The value on the next line that says anything: in some pages label and value are two cells of a table."""
    nearest = (line.strip() for line in lines[number + 1 : number + _MOST_BETWEEN])
    value = next(filter(None, nearest), "")
    return "" if _LABEL.match(value) else value


def _above(lines: Sequence[str]) -> str:
    """Without the line that announces the block."""
    kept = list(lines)
    while kept and (not kept[-1].strip() or _NOT_OURS.fullmatch(kept[-1])):
        kept.pop()
    return "\n".join(kept).strip()
