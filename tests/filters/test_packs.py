from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from filters.disposition import Delivery, Handling, Mode
from filters.guard import refusal
from filters.lists import EntryKind, ListEntry
from filters.packs import format_csv, format_pack, parse_csv, parse_pack

PACKS = sorted((Path(__file__).parents[2] / "config" / "senders").glob("*.toml"))

FULL = ListEntry(
    kind=EntryKind.LABEL,
    value="gat.*.gov.cn",
    mission_en='a "quoted" name\\',
    mission_fr="ministère, de l’Intérieur",
    mission_zh="公安厅",
    country="CN",
    category="police",
    delivery=Delivery.FLAG,
    decline=Handling.NEVER,
    report=Handling.REVIEW,
    mode=Mode.ASSIST,
    legacy=True,
    source="two\nlines; and\ttabs",
    verified="to verify",
    review_by=date(2027, 5, 31),
    note="\x00\x1f\x7f",
    pack="mine",
)
BARE = ListEntry(kind=EntryKind.ADDRESS, value="press@embassy.example", pack="mine")


def test_a_pack_gives_its_entries_with_canonical_values() -> None:
    text = """
[[entry]]
kind = "subtree"
value = "MFA.gov.cn."
mission = { en = "Ministry", fr = "ministère", zh = "外交部" }
class = "foreign-ministry"
decline = "review"
legacy = true
review_by = 2027-05-31
"""
    assert parse_pack(text, "prc") == (
        (
            ListEntry(
                kind=EntryKind.SUBTREE,
                value="mfa.gov.cn",
                mission_en="Ministry",
                mission_fr="ministère",
                mission_zh="外交部",
                category="foreign-ministry",
                decline=Handling.REVIEW,
                legacy=True,
                review_by=date(2027, 5, 31),
                pack="prc",
            ),
        ),
        (),
    )


def test_what_is_exported_comes_back_the_same() -> None:
    assert parse_pack(format_pack([FULL, BARE]), "mine") == ((FULL, BARE), ())
    assert parse_csv(format_csv([FULL, BARE]), "mine") == ((FULL, BARE), ())


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        *(('colour = "red"', "“colour” is not known"), ('delivery = "pass"', "one of hold, flag"), ("report = 3", "one of auto")),
        *(('mode = "on"', "one of observe, assist, auto"), ('legacy = "perhaps"', "true or false"), ("note = 3", "a text")),
        *(('review_by = "soon"', "a date like"), ("review_by = 2027-05-31T00:00:00", "a date like"), ('mission = "x"', "a table")),
        *(('mission = { de = "x" }', "a table"), ("mission = { en = 3 }", "a text"), ("value = 3", "a text")),
    ],
)  # fmt: skip
def test_a_problem_names_its_line_and_what_would_be_right(line: str, complaint: str) -> None:
    value = "" if line.startswith("value") else 'value = "mfa.gov.cn"'
    entries, problems = parse_pack(f'# a pack\n[[entry]]\nkind = "subtree"\n{value}\n{line}\n', "p")
    assert entries == ()
    assert problems[0].line in {2, 5}
    assert complaint in problems[0].message


def test_every_problem_is_told_and_the_right_entries_stay() -> None:
    good, bad = '[[entry]]\nkind = "subtree"\nvalue = "mfa.gov.cn"\n', '[[entry]]\nkind = "x"\nvalu = "y"\n'
    entries, problems = parse_pack(good + bad, "p")
    assert [entry.value for entry in entries] == ["mfa.gov.cn"]
    assert [(problem.line, problem.message.partition(":")[0]) for problem in problems] == [
        (4, "“value” is missing"),
        (5, "“kind” has to be one of address, domain, subtree, label, not “x”"),
        (6, problems[2].message.partition(":")[0]),
    ]


def test_an_entry_that_stands_twice_is_a_problem() -> None:
    [_], [problem] = parse_pack(
        '[[entry]]\nkind="domain"\nvalue="A.example"\n[[entry]]\nkind="domain"\nvalue="a.example"', "p"
    )
    assert (problem.line, "twice" in problem.message) == (6, True)


@pytest.mark.parametrize(
    ("text", "line"),
    [('[[entry]]\nkind = "subtree', 2), ("a = ", 1), ("[entry]\n", 0), ("entry = 3", 0), ("[pack]\nx = 1\n[[entry]]\n", 0), ("a = " + "[" * 9999, 0)],
)  # fmt: skip
def test_what_is_no_pack_is_one_problem(text: str, line: int) -> None:
    entries, problems = parse_pack(text, "p")
    assert entries == ()
    assert [problem.line for problem in problems] == [line]


def test_csv_is_read_as_spreadsheets_write_it() -> None:
    text = (
        '\ufeffValue;Kind;mission_fr\r\n"mfa.gov.cn";subtree;"ministère; ""le"""\r\n;;\r\n\r\nmps.gov.cn;SUBTREE;\r\n'
    )
    entries, problems = parse_csv(text, "p")
    assert problems == ()
    assert [(entry.value, entry.mission_fr) for entry in entries] == [
        ("mfa.gov.cn", 'ministère; "le"'),
        ("mps.gov.cn", ""),
    ]


@pytest.mark.parametrize(
    ("text", "line", "complaint"),
    [
        *(("", 1, "name the columns"), ("subtree,mfa.gov.cn\n", 1, "name the columns"), ('kind,value\n"x', 2, "no CSV")),
        *(("kind,value\nsubtree,a.example,x\n", 2, "3 cells"), ('kind,value,note\nsubtree,a.example,"1\n2"\nx,b.example,\n', 4, "one of")),
        ("kind,value,value\nsubtree,a.example,b.example\n", 1, "names the column value twice"),
        ("kind,value,colour\nsubtree,a.example,red\nsubtree,b.example,red\n", 1, "“colour” is not known"),
    ],
)  # fmt: skip
def test_a_csv_problem_names_its_line(text: str, line: int, complaint: str) -> None:
    _, [problem] = parse_csv(text, "p")
    assert problem.line == line
    assert complaint in problem.message


@pytest.mark.parametrize("path", PACKS, ids=lambda path: path.stem)
def test_a_shipped_pack_passes_its_own_guard(path: Path) -> None:
    entries, problems = parse_pack(path.read_text("utf-8"), path.stem)
    assert entries
    assert problems == ()
    for entry in entries:
        assert refusal(entry.kind, entry.value, frozenset({"police.example"})) is None
        assert entry.source
        assert entry.verified
        assert entry.review_by
        assert entry.mission_en
        assert entry.mission_fr


def test_consular_legacy_and_webmail_entries_are_never_declined_automatically() -> None:
    [prc] = [path for path in PACKS if path.stem == "prc"]
    entries, _ = parse_pack(prc.read_text("utf-8"), "prc")
    careful = [
        e for e in entries if e.category == "consular" or e.legacy or e.kind is EntryKind.ADDRESS or "csm." in e.value
    ]
    assert len(careful) >= 10
    assert all(entry.decline in {Handling.REVIEW, Handling.NEVER} for entry in careful)


def test_packs_beyond_the_first_never_decline_automatically() -> None:
    for path in PACKS:
        entries, _ = parse_pack(path.read_text("utf-8"), path.stem)
        assert path.stem == "prc" or all(entry.decline is Handling.REVIEW for entry in entries)
