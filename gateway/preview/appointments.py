"""Invitations in words: what a calendar part asks for, when, where and by whom (RFC 5545). Never answers one.

A calendar is read as text; its components and values are what they say of themselves.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from filters.calendar import calendar_text
from gateway.preview.invisible import line_segments, segments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from filters.mime_parts import Part
    from gateway.preview.invisible import Segments

_MOST_LINES = 5_000
_LONGEST_VALUE = 500
_LONGEST_DESCRIPTION = 20_000
_LINE = re.compile(r'([A-Za-z0-9-]{1,40}+)((?:;(?:[^":;]|"[^"]*+")*+)*+):(.*+)')
_NAMED = re.compile(r';CN=(?:"([^"]*+)"|([^";:]*+))', re.IGNORECASE)
_ZONE = re.compile(r';TZID="?([^";:]{1,60}+)', re.IGNORECASE)
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?(Z)?)?")
_ESCAPED = re.compile(r"\\([\\;,Nn])")
_COMPONENTS = frozenset({"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """One event, task or the like; empty where the calendar says nothing.

    `method` is what the sender asks for, such as REQUEST or CANCEL; times as "2026-11-25 10:00 (Europe/Paris)".
    """

    kind: str
    method: Segments
    summary: Segments
    organizer: Segments
    starts: Segments
    ends: Segments
    repeats: Segments
    location: Segments
    description: Segments
    attendees: int


class _Property(NamedTuple):
    name: str
    parameters: str
    value: str


def appointments(calendar: Part, most: int) -> tuple[Appointment, ...]:
    """No more than that many of a calendar part's components."""
    found: list[Appointment] = []
    method = ""
    kind, depth = "", 0
    within: list[_Property] = []
    for line in _properties(calendar_text(calendar)):
        match line.name:
            case "BEGIN":
                depth += 1 if kind else 0  # an alarm, or whatever stands inside
                if not kind and line.value.upper() in _COMPONENTS:
                    kind, within = line.value.upper(), []
            case "END" if kind and depth:
                depth -= 1
            case "END" if kind:
                found.append(_appointment(kind, method, within))
                kind = ""
            case "METHOD" if not kind:
                method = line.value
            case _ if kind and not depth:
                within.append(line)
        if len(found) == most:
            break
    return tuple(found if not kind else [*found, _appointment(kind, method, within)])


def _properties(text: str) -> Iterator[_Property]:
    """The content lines (RFC 5545 §3.1) that have the form of one."""
    for line in text.split("\n", _MOST_LINES)[:_MOST_LINES]:
        match = _LINE.fullmatch(line.removesuffix("\r"))
        if match is not None:
            yield _Property(match[1].upper(), match[2], match[3])


def _appointment(kind: str, method: str, within: list[_Property]) -> Appointment:
    def value(name: str) -> Segments:
        return line_segments(_unescaped(_first(within, name).value)[:_LONGEST_VALUE])

    return Appointment(
        kind=kind,
        method=line_segments(method[:_LONGEST_VALUE]),
        summary=value("SUMMARY"),
        organizer=line_segments(_whom(_first(within, "ORGANIZER"))),
        starts=line_segments(_when(_first(within, "DTSTART"))),
        ends=line_segments(_when(_first(within, "DTEND"))) or value("DURATION") or value("DUE"),
        repeats=value("RRULE"),
        location=value("LOCATION"),
        description=segments(_unescaped(_first(within, "DESCRIPTION").value)[:_LONGEST_DESCRIPTION]),
        attendees=sum(line.name == "ATTENDEE" for line in within),
    )


def _first(within: list[_Property], name: str) -> _Property:
    return next((line for line in within if line.name == name), _Property(name, "", ""))


def _unescaped(value: str) -> str:
    """TEXT as it is meant (RFC 5545 §3.3.11)."""
    return _ESCAPED.sub(lambda pair: "\n" if pair[1] in "Nn" else pair[1], value)


def _whom(organizer: _Property) -> str:
    """The name that is claimed, and the address."""
    match = _NAMED.search(organizer.parameters)
    name = (match[1] if match[1] is not None else match[2]) if match is not None else ""
    address = organizer.value
    if address[:7].lower() == "mailto:":
        address = address[7:]
    return (f"{name} <{address}>" if name else address)[:_LONGEST_VALUE]


def _when(line: _Property) -> str:
    """A date, or a date with its time and the zone that the calendar names (RFC 5545 §3.3.5)."""
    match = _TIME.fullmatch(line.value)
    if match is None:
        return line.value[:_LONGEST_VALUE]
    year, month, day, hour, minute, _, utc = match.groups()
    date = f"{year}-{month}-{day}"
    if hour is None:
        return date
    zone = _ZONE.search(line.parameters)
    place = "UTC" if utc else f"({zone[1]})" if zone is not None else ""
    return f"{date} {hour}:{minute} {place}".rstrip()
