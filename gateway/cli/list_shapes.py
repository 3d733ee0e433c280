"""The JSON of the sender lists: entries, versions, and what a version changed. Public, so never renamed.

As in `gateway.cli.shapes`: what there is nothing of is "" or [].
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from filters.lists import ListEntry
    from gateway.model.list_change import ListChange, ListVersion


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


class ChangeShape(TypedDict):
    """`senders history NUMBER`."""

    added: list[EntryShape]
    removed: list[EntryShape]


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
    """The entries that a version added and removed."""
    return {"added": [*map(entry_shape, change.added)], "removed": [*map(entry_shape, change.removed)]}
