"""Lines of our own log, read back: JSON or text, also behind what journald or syslog put in front of them."""

from __future__ import annotations

import ast
import json
import re
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.events import Event
from gateway.logs import hashed
from gateway.model.tracing import Source, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gateway.model.tracing import Sought

    Line = Mapping[str, object]

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_TEXT = re.compile(r"(\d{4}-\d\d-\d\dT[\d:.]+\+00:00) \[(\w+) *\] (\w+) +(.*)")
_VALUE = re.compile(r"""(\w+)=('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\[[^\]]*\]|\S*)""")
_ABOUT_IT = (Event.FIELD_REMOVED, Event.HEADER_SET_APART, Event.SCREENING_FAILED)
"""What is logged of a mail transaction before its own line, with its id."""
MOST_PENDING = 10_000
"""Such lines that are kept until their mail transaction ends."""


def read_line(text: str) -> Line | None:
    """The fields of a line, or None if it is none of ours."""
    start = text.find("{")
    if start >= 0:
        try:
            line = json.loads(text[start:])
        except ValueError:
            line = None
        if isinstance(line, dict) and {"event", "timestamp"} <= set(line):
            return line
    found = _TEXT.search(_COLOUR.sub("", text))
    if found is None:
        return None
    values = {name: _value(said) for name, said in _VALUE.findall(found[4])}
    return {**values, "timestamp": found[1], "level": found[2], "event": found[3]}


def _value(said: str) -> object:
    """A text value stands in quotes where its end would not be seen; a list is Python's, in quotes or not."""
    try:
        value = ast.literal_eval(said) if said[:1] in {"'", '"', "["} else said
        return ast.literal_eval(value) if isinstance(value, str) and value[:1] == "[" else value
    except (ValueError, SyntaxError):
        return said


class Search:
    """Goes through lines for what concerns one message. `unread` counts lines that are none of ours."""

    def __init__(self, what: Sought, names: Iterable[str]) -> None:
        """`names` are references of cases and ids of outbox items that are known to be about it."""
        self._sought = {what.address, what.message_id, *hashed(what.message_id)}
        self._names = {name for name in names if name}
        self._pending: dict[str, list[Step]] = {}
        self.unread = 0

    def look_at(self, text: str) -> list[Step]:
        """What this line, and those before it of the same mail transaction, say about it."""
        if not text.strip():
            return []
        line = read_line(text)
        if line is None:
            self.unread += 1
            return []
        if line["event"] == Event.TRANSACTION:
            return self._transaction(line)
        if line["event"] in _ABOUT_IT and line.get("id"):
            self._keep(str(line["id"]), _step(line))
            return []
        return [_step(line)] if self._names & _names_in(line) else []

    def _transaction(self, line: Line) -> list[Step]:
        earlier = self._pending.pop(str(line.get("id")), [])
        recipients = line.get("rcpt_to")
        named = {str(line.get("mail_from")).lower(), str(line.get("message_id"))}
        named |= {str(one).lower() for one in recipients} if isinstance(recipients, list) else set()
        if not named & self._sought and str(line.get("case")) not in self._names:
            return []
        return [*earlier, _step(line)]

    def _keep(self, transaction: str, step: Step) -> None:
        if len(self._pending) >= MOST_PENDING:
            self._pending.pop(next(iter(self._pending)))
        self._pending.setdefault(transaction, []).append(step)


def _names_in(line: Line) -> set[str]:
    """The cases and the outbox item that it is about."""
    cases = line.get("cases")
    return {str(one) for one in (line.get("case"), line.get("item"), *(cases if isinstance(cases, list) else ()))}


def _step(line: Line) -> Step:
    def said(*names: str) -> str:
        return next((str(line[name]) for name in names if line.get(name)), "")

    return Step(
        at=datetime.fromisoformat(str(line["timestamp"])),
        source=Source.LOG,
        name=said("id", "item", "case"),
        event=str(line["event"]),
        reply=said("reply", "reason", "field"),
        next_hop=said("next_hop"),
        heard=said("heard"),
        tier=said("tier"),
        case=said("case"),
    )
