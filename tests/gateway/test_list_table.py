"""The table of entries: filtered, sorted, in pages; pure."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from filters.disposition import Mode
from filters.lists import EntryKind, ListEntry
from gateway.model.list_change import ListChange
from gateway.model.list_table import EntryFilter, EntryOrder, EntryRow, Hits, Stamp, matching_rows, page_of
from tests.support.clocks import NOON

TODAY = NOON.date()


def row(value: str, hits: int = 0, version: int = 1, **said: object) -> EntryRow:
    stamp = Stamp(version, NOON, "admin")
    kind = EntryKind.ADDRESS if "@" in value else EntryKind.SUBTREE
    entry = ListEntry(kind=kind, value=value, **said)  # type: ignore[arg-type]
    met = Hits(hits, NOON - timedelta(days=hits)) if hits else Hits(0, None)
    return EntryRow(entry=entry, added=stamp, changed=stamp, hits=met)


ROWS = [
    row("mission.example", 2, mission_en="Embassy of Zed", mission_fr="Ambassade É", review_by=TODAY, pack="prc"),
    row("a@mission.example", 0, 3, mode=Mode.OBSERVE, review_by=TODAY + timedelta(days=1)),
    row("xn--bcher-kva.example", 5, 2, mission_en="a consulate", note="by letter"),
]


def values(**wanted: object) -> list[str]:
    return [one.entry.value[:2] for one in matching_rows(ROWS, EntryFilter(**wanted), TODAY)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["mi", "a@", "xn"]),
        ({"text": "EMBASSY zed"}, ["mi"]),
        ({"text": "ambassade é"}, ["mi"]),
        ({"text": "BÜCHER"}, ["xn"]),
        ({"text": "letter embassy"}, []),
        ({"kind": EntryKind.ADDRESS}, ["a@"]),
        ({"mode": Mode.OBSERVE}, ["a@"]),
        ({"pack": "prc"}, ["mi"]),
        ({"pack": ""}, ["a@", "xn"]),
        ({"due": True}, ["mi"]),
        ({"unmet": True}, ["a@"]),
        ({"descending": True}, ["xn", "a@", "mi"]),
        ({"order": EntryOrder.VALUE}, ["mi", "a@", "xn"]),
        ({"order": EntryOrder.HITS, "descending": True}, ["xn", "mi", "a@"]),
        ({"order": EntryOrder.LAST_HIT}, ["xn", "mi", "a@"]),
        ({"order": EntryOrder.LAST_HIT, "descending": True}, ["mi", "xn", "a@"]),
        ({"order": EntryOrder.REVIEW_BY}, ["mi", "a@", "xn"]),
        ({"order": EntryOrder.REVIEW_BY, "descending": True}, ["a@", "mi", "xn"]),
        ({"order": EntryOrder.MISSION}, ["xn", "mi", "a@"]),
        ({"order": EntryOrder.KIND}, ["a@", "mi", "xn"]),
        ({"order": EntryOrder.CHANGED, "descending": True}, ["a@", "xn", "mi"]),
    ],
)
def test_rows_are_filtered_and_sorted(wanted: dict[str, object], found: list[str]) -> None:
    assert values(**wanted) == found


def test_a_value_is_shown_with_its_u_labels() -> None:
    assert ROWS[2].shown == "bücher.example"
    assert row("x@xn--bcher-kva.example").shown == "x@bücher.example"
    assert row("xn--.example").shown == "xn--.example"


def test_pages_have_fifty_rows_and_a_number_beyond_the_last_shows_the_last() -> None:
    rows = [row(f"m{number}.example", pack=f"p{number % 2}") for number in range(101)]
    page = page_of(rows, EntryFilter(), TODAY, 9)
    assert (page.number, page.pages, page.matching, page.all, len(page.rows)) == (3, 3, 101, 101, 1)
    assert page.packs == ("p0", "p1")
    assert len(page_of(rows, EntryFilter(text="m1.example"), TODAY, 0).rows) == 1
    empty = page_of([], EntryFilter(), TODAY, 1)
    assert (empty.number, empty.pages, empty.rows) == (1, 1, ())


def test_a_change_tells_edited_listed_and_unlisted_entries_apart() -> None:
    before = ListEntry(kind=EntryKind.DOMAIN, value="a.example", note="old")
    after = ListEntry(kind=EntryKind.DOMAIN, value="a.example", mode=Mode.OBSERVE, review_by=date(2027, 1, 1))
    new, gone = (
        ListEntry(kind=EntryKind.SUBTREE, value="a.example"),
        ListEntry(kind=EntryKind.DOMAIN, value="b.example"),
    )
    change = ListChange(added=(after, new), removed=(before, gone))
    (edit,) = change.edits
    assert [str(one.sentence) for one in edit.differences] == [
        "mode: now “observe”, nothing before",
        "review_by: now “2027-01-01”, nothing before",
        "note: nothing now, “old” before",
    ]
    assert (change.listed, change.unlisted) == ((new,), (gone,))
