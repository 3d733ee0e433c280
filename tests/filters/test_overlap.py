"""What an entry has in common with those that stand."""

from __future__ import annotations

import pytest

from filters.disposition import Mode
from filters.lists import EntryKind, ListEntry, ListIndex
from filters.overlap import covered_by, overlap, overlap_sentences

KINDS = {"@": EntryKind.ADDRESS, "*": EntryKind.LABEL, "=": EntryKind.DOMAIN}


def entry(text: str, mode: Mode | None = None) -> ListEntry:
    """`=x.example` is a domain, `x.example` a subtree."""
    kind = next((kind for mark, kind in KINDS.items() if mark in text), EntryKind.SUBTREE)
    return ListEntry(kind=kind, value=text.removeprefix("="), mode=mode)


@pytest.mark.parametrize(
    ("narrow", "wide", "covered"),
    [
        ("a@mail.mission.example", "mission.example", True),
        ("a@mission.example", "=mission.example", True),
        ("a@mail.mission.example", "=mission.example", False),
        ("a+x@mission.example", "a@mission.example", True),
        ("a@mission.example", "a+x@mission.example", False),
        ("ab@gmail.com", "a.b@googlemail.com", True),
        ("=mission.example", "mission.example", True),
        ("mission.example", "=mission.example", False),
        ("mission.example", "a@mission.example", False),
        ("mail.mission.example", "mission.example", True),
        ("notmission.example", "mission.example", False),
        ("gat.*.gov.cn", "gov.cn", True),
        ("gat.*.gov.cn", "gat.*.cn", True),
        ("gat.*.cn", "gat.*.gov.cn", False),
        ("gat.*.gov.cn", "fao.*.gov.cn", False),
        ("gat.*.gov.cn", "=gov.cn", False),
        ("gat.beijing.gov.cn", "gat.*.gov.cn", True),
        ("=gat.gov.cn", "gat.*.gov.cn", False),
        ("x.*.gat.beijing.gov.cn", "gat.*.gov.cn", True),
    ],
)
def test_an_entry_is_covered_by_what_matches_all_that_it_matches(narrow: str, wide: str, covered: bool) -> None:
    assert bool(covered_by(entry(narrow), ListIndex((entry(wide),)))) is covered


def test_overlaps_are_found_both_ways_and_the_same_entry_is_neither() -> None:
    live = [
        entry(text)
        for text in ("example.org", "mission.example", "=a.mission.example", "x@b.mission.example", "=example.org")
    ]
    found = overlap(entry("mission.example"), ListIndex(live))
    assert found.same == live[1]
    assert found.covered_by == ()
    assert found.covers == (live[2], live[3])


@pytest.mark.parametrize(
    ("wanted", "live", "words"),
    [
        ("x.mission.example", ["mission.example"], ["already covered by mission.example and below", "narrower entry"]),
        ("mission.example", ["mission.example"], ["is on the list already"]),
        ("mission.example", ["=mission.example"], ["It covers mission.example alone, which stands"]),
        ("m.example", ["a@m.example", "b@m.example", "c@m.example"], ["covers 3 entries", "a@m.example, b@m.example, c@m.example"]),
        ("m.example", [f"{n}@m.example" for n in range(5)], ["covers 5 entries", "among them"]),
        ("other.example", ["mission.example"], []),
    ],
)  # fmt: skip
def test_overlaps_are_said_in_words(wanted: str, live: list[str], words: list[str]) -> None:
    said = " ".join(overlap_sentences(overlap(entry(wanted), ListIndex([entry(one) for one in live]))))
    assert [word for word in words if word not in said] == []
    assert bool(said) is bool(words)


def test_a_narrower_entry_in_a_lower_mode_takes_mail_out_of_the_wider_one_and_says_so() -> None:
    found = overlap(entry("x@mission.example", Mode.OBSERVE), ListIndex([entry("mission.example")]))
    assert "handled less, not more" in " ".join(overlap_sentences(found))
    on_trial = overlap(entry("x@mission.example", Mode.OBSERVE), ListIndex([entry("mission.example", Mode.OBSERVE)]))
    assert "handled less" not in " ".join(overlap_sentences(on_trial))
