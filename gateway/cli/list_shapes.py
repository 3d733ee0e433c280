"""The JSON of the sender lists: entries, versions, changes, what was tried, what would be imported. Never renamed.

As in `gateway.cli.shapes`: what there is nothing of is "" or [].
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from filters.lists import describe

if TYPE_CHECKING:
    from filters.lists import ListEntry
    from gateway.model.list_change import Edit, ListChange, ListVersion
    from gateway.model.list_import import ImportLine, ImportSheet
    from gateway.model.list_table import EntryRow, Stamp
    from gateway.operations.proposing import Proposal


class MissionShape(TypedDict):
    """A mission's names."""

    en: str
    fr: str
    zh: str


EntryShape = TypedDict(
    "EntryShape",
    {
        "kind": str,
        "value": str,
        "mission": MissionShape,
        "country": str,
        "class": str,
        "delivery": str,
        "decline": str,
        "report": str,
        "mode": str,
        "legacy": bool,
        "source": str,
        "verified": str,
        "review_by": str,
        "note": str,
        "pack": str,
    },
)
"""A row of `senders list`, with the keys of a pack; "" where the entry leaves it to the policy."""


class VersionShape(TypedDict):
    """A row of `senders history`; `added` and `removed` are numbers of entries."""

    version: int
    at: str
    actor: str
    text: str
    added: int
    removed: int


class EditShape(TypedDict):
    """What an entry says otherwise: by column of a pack, what it said before and says after."""

    kind: str
    value: str
    columns: dict[str, list[str]]


class ChangeShape(TypedDict):
    """`senders history NUMBER`. What is in `edited` is also in `added` and `removed`."""

    added: list[EntryShape]
    removed: list[EntryShape]
    edited: list[EditShape]


class StampShape(TypedDict):
    """A version of the lists, and who made it."""

    version: int
    at: str
    actor: str


class RowShape(EntryShape):
    """A row of `senders list --hits`."""

    value_unicode: str
    added: StampShape
    changed: StampShape
    hits: int
    last_hit: str


class ProposalShape(TypedDict):
    """`senders try`: what an entry would have matched, by domain too, and what it overlaps."""

    kind: str
    value: str
    days: int
    messages: int
    senders: int
    emergency: int
    domains: list[dict[str, str | int]]
    covered_by: list[str]
    covers: list[str]
    remarks: list[str]
    listed: bool


class LineShape(TypedDict):
    """A line of `senders import`."""

    line: int
    fate: str
    kind: str
    value: str
    reasons: list[str]
    remarks: list[str]


class SheetShape(TypedDict):
    """`senders import`: numbers of lines, and the lines."""

    new: int
    known: int
    refused: int
    lines: list[LineShape]


def entry_shape(entry: ListEntry) -> EntryShape:
    """One entry of the sender lists."""
    return {
        "kind": entry.kind,
        "value": entry.value,
        "mission": {"en": entry.mission_en, "fr": entry.mission_fr, "zh": entry.mission_zh},
        "country": entry.country,
        "class": entry.category,
        "delivery": entry.delivery or "",
        "decline": entry.decline or "",
        "report": entry.report or "",
        "mode": entry.mode or "",
        "legacy": entry.legacy,
        "source": entry.source,
        "verified": entry.verified,
        "review_by": entry.review_by.isoformat() if entry.review_by else "",
        "note": entry.note,
        "pack": entry.pack,
    }


def version_shape(version: ListVersion) -> VersionShape:
    """One version of the lists."""
    return {
        "version": version.number,
        "at": version.at.isoformat(),
        "actor": version.actor,
        "text": version.text,
        "added": version.added,
        "removed": version.removed,
    }


def change_shape(change: ListChange) -> ChangeShape:
    """The entries that a version added, removed and edited."""
    return {
        "added": [*map(entry_shape, change.added)],
        "removed": [*map(entry_shape, change.removed)],
        "edited": [*map(_edit_shape, change.edits)],
    }


def _edit_shape(edit: Edit) -> EditShape:
    columns = {one.column: [one.before, one.after] for one in edit.differences}
    return {"kind": edit.after.kind, "value": edit.after.value, "columns": columns}


def row_shape(row: EntryRow) -> RowShape:
    """One entry with its versions and its hits."""
    return {
        **entry_shape(row.entry),
        "value_unicode": row.shown,
        "added": _stamp_shape(row.added),
        "changed": _stamp_shape(row.changed),
        "hits": row.hits.recent,
        "last_hit": row.hits.last.isoformat() if row.hits.last else "",
    }


def _stamp_shape(stamp: Stamp) -> StampShape:
    return {"version": stamp.version, "at": stamp.at.isoformat(), "actor": stamp.actor}


def proposal_shape(proposal: Proposal) -> ProposalShape:
    """What an entry would do; of one that nothing is wrong with."""
    entry, overlap, found = proposal.entry, proposal.overlap, proposal.replay
    if entry is None or overlap is None or found is None:
        raise ValueError("of a proposal with something wrong there is nothing to show")
    return {
        "kind": entry.kind,
        "value": entry.value,
        "days": found.days,
        "messages": found.messages,
        "senders": found.senders,
        "emergency": found.emergency,
        "domains": [
            {"domain": one.domain, "messages": one.messages, "senders": one.senders, "emergency": one.emergency}
            for one in found.domains
        ],
        "covered_by": [describe(other) for other in overlap.covered_by],
        "covers": [describe(other) for other in overlap.covers],
        "remarks": [*map(str, proposal.remarks)],
        "listed": overlap.same is not None,
    }


def sheet_shape(sheet: ImportSheet) -> SheetShape:
    """What an import would do."""
    return {
        "new": len(sheet.new),
        "known": sheet.known,
        "refused": len(sheet.refused),
        "lines": [*map(_line_shape, sheet.lines)],
    }


def _line_shape(line: ImportLine) -> LineShape:
    entry = line.entry
    return {
        "line": line.line,
        "fate": line.fate,
        "kind": entry.kind if entry else line.kind,
        "value": entry.value if entry else line.value,
        "reasons": [reason.message for reason in line.reasons],
        "remarks": [*map(str, line.remarks)],
    }


def counted(count: int) -> str:
    """So many entries."""
    return "1 entry" if count == 1 else f"{count} entries"


def in_force(version: int) -> str:
    """That a change is in force."""
    return f"The lists are at version {version}, in force everywhere within two seconds."
