"""docs/events.md, gateway/events.py and the code that logs say the same: which events there are, how loud, with which fields."""

from __future__ import annotations

import ast
import json
import re
from collections import defaultdict
from functools import cache

import pytest

from gateway.events import FIELDS, Event
from tests.support.checkout import document, modules

EVENTS = "docs/events.md"
LOUD = {"exception": "error"}
BY_STATE = {Event.OUTBOX_SENT: "info", Event.OUTBOX_FAILED: "error", Event.OUTBOX_UNCERTAIN: "error"}
"""What an attempt ended in: `gateway.operations.outbox` logs these three with one call."""
BY_ANOTHER = {Event.LIBRARY: {"warning", "error"}}
"""Whoever says it says how loud."""


@cache
def logged() -> tuple[dict[Event, set[str]], dict[Event, set[str]]]:
    """Of every event that the code logs: the levels, and the fields."""
    levels: dict[Event, set[str]] = defaultdict(set)
    fields: dict[Event, set[str]] = defaultdict(set)
    for one in modules():
        for call in ast.walk(one.tree):
            if isinstance(call, ast.Call):
                for event, level in events_of(call):
                    levels[event].add(level)
                    fields[event] |= {said(keyword.arg) for keyword in call.keywords}
                    fields[event] |= {"exception"} if level == "exception" else set()
    return levels, fields


def events_of(call: ast.Call) -> list[tuple[Event, str]]:
    """The events that a call may log, each with the method."""
    named = [arg.attr for arg in call.args if isinstance(arg, ast.Attribute) and ast.unparse(arg.value) == "Event"]
    if named and isinstance(call.func, ast.Attribute):
        return [(Event[named[0]], call.func.attr)]
    if call.args and ast.unparse(call.args[0]).startswith("_EVENTS["):
        return list(BY_STATE.items())
    return []


def said(keyword: str | None) -> str:
    return "exception" if keyword == "exc_info" else str(keyword)


def rows(heading: str) -> list[list[str]]:
    """The rows of the table under a heading of docs/events.md."""
    part = document(EVENTS).split(f"## {heading}\n")[1].split("\n## ")[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in part.split("\n") if line.startswith("| `")
    ]


def names(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", cell)


def test_the_document_has_every_event_once_in_the_order_of_the_code_with_its_fields() -> None:
    assert [(names(row[0])[0], names(row[2])) for row in rows("Events")] == [
        (event.value, list(FIELDS[event])) for event in Event
    ]
    assert all(row[3] for row in rows("Events"))


def test_the_document_explains_every_field_once_and_none_that_is_not_there() -> None:
    explained = [name for row in rows("Fields") for name in names(row[0])]
    assert sorted(explained) == sorted({field for fields in FIELDS.values() for field in fields})


def test_the_code_logs_each_event_with_the_fields_of_the_vocabulary_and_no_others() -> None:
    _, fields = logged()
    assert {event: sorted(found) for event, found in fields.items()} == {
        event: sorted(FIELDS[event]) for event in Event
    }


def test_the_code_logs_each_event_as_loud_as_the_document_says() -> None:
    levels, _ = logged()
    found = {event: BY_ANOTHER.get(event) or {LOUD.get(level, level) for level in levels[event]} for event in Event}
    documented = {Event(names(row[0])[0]): set(row[1].split(", ")) for row in rows("Events")}
    assert documented == found


def test_the_example_of_a_mail_transaction_has_every_field_in_its_type() -> None:
    (example,) = [json.loads(text) for text in re.findall(r"```json\n(.*?)\n```", document(EVENTS), re.DOTALL)]
    assert list(example) == [*FIELDS[Event.TRANSACTION], "event", "level", "timestamp"]
    types = {name: row[1] for row in rows("Fields") for name in names(row[0])}
    of: dict[str, tuple[type, ...]] = {"text": (str,), "number": (int, float), "list of text": (list,)}
    assert [name for name in FIELDS[Event.TRANSACTION] if not isinstance(example[name], of[types[name]])] == []


@pytest.mark.parametrize("name", ["README.md", "docs/operations.md"])
def test_the_document_is_found_from_where_people_look(name: str) -> None:
    assert "events.md" in document(name)
