"""`liaison senders`: what is shown of the lists, tried, imported line by line, and restored."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

if TYPE_CHECKING:
    from tests.gateway.cli.conftest import CommandLine

Shape = dict[str, object]
MIXED = "kind,value\nsubtree,embassy.example\nsubtree,gov.cn\nplanet,mars.example\nsubtree,mission.example\n"


def shape(liaison: CommandLine, *arguments: str) -> Shape:
    return cast("Shape", liaison.json("senders", *arguments))


def shapes(liaison: CommandLine, *arguments: str) -> list[Shape]:
    return cast("list[Shape]", liaison.json("senders", *arguments))


def test_the_list_is_filtered_sorted_and_told_with_its_hits(liaison: CommandLine) -> None:
    liaison.ok("senders", "edit", "mission.example", "--mode", "observe", "--review-by", "2020-01-01")
    values = [one["value"] for one in shapes(liaison, "list", "--sort", "value", "--descending")]
    assert values == ["post.abroad@webmail.example", "mission.example", "flagged.example"]
    for filters in (["--mode", "observe"], ["--due"], ["--text", "MISSION.example", "--unmet"]):
        assert [one["value"] for one in shapes(liaison, "list", *filters)] == ["mission.example"]
    (row,) = shapes(liaison, "list", "--hits", "--due")
    assert (row["hits"], row["last_hit"], row["value_unicode"]) == (0, "", "mission.example")
    assert (cast("Shape", row["added"])["version"], cast("Shape", row["changed"])["version"]) == (1, 2)
    assert "gateway in version 1" in liaison.ok("senders", "list", "--hits", "--due")
    assert liaison.ok("senders", "list", "--pack", "none") == "No entry is listed that is so.\n"


def test_several_values_are_tried_each_and_together(liaison: CommandLine) -> None:
    said = liaison.ok("senders", "try", "x.mission.example", "nobody.example")
    assert "x.mission.example and below: would have matched 0 messages" in said
    assert "already covered by mission.example and below" in said
    assert "All 2 together: would have matched 0 messages" in said
    first, second = shapes(liaison, "try", "x.mission.example", "nobody.example")
    assert (first["covered_by"], first["covers"]) == (["mission.example and below"], [])
    assert second["remarks"] == []
    assert liaison("senders", "try", "nobody.example", "gov.cn").exit_code == 1


def test_what_is_listed_itself_is_said_to_be(liaison: CommandLine) -> None:
    assert "  mission.example and below is on the list already.\n" in liaison.ok("senders", "try", "mission.example")
    assert "on the list already" not in liaison.ok("senders", "try", "x.mission.example")
    assert [shape(liaison, "try", value)["listed"] for value in ("mission.example", "x.mission.example")] == [
        True, False,
    ]  # fmt: skip


def test_a_known_line_of_an_import_is_said_to_be_left_alone(liaison: CommandLine) -> None:
    said = liaison.ok("senders", "import", liaison.file("known.csv", "kind,value\nsubtree,mission.example\n"))
    assert "stands already and is left as it is; the file differs in mission_en" in said
    assert "What stands already is left as it is; `liaison senders edit VALUE` changes it.\n" in said
    assert "Embassy" not in said.partition("differs in")[2]


@pytest.mark.parametrize(
    ("kind", "typed", "says"),
    [
        ("address", "foo", "“foo” is no e-mail address (there is no name before an @)"),
        ("label", "*.gov.cn", "“*.gov.cn” is no label entry"),
        ("label", "gat", "“gat” is no label entry"),
    ],
)
def test_a_refusal_names_what_was_typed(liaison: CommandLine, kind: str, typed: str, says: str) -> None:
    result = liaison("senders", "add", kind, typed)
    assert result.exit_code == 1
    assert says in result.stderr


def test_an_entry_is_added_with_what_it_overlaps_and_how_to_try_it_first(liaison: CommandLine) -> None:
    assert "It covers mission.example and below" not in liaison.ok("senders", "add", "domain", "other.example")
    said = liaison.ok("senders", "add", "subtree", "new.example")
    assert "To only record it: liaison senders edit new.example --mode observe" in said
    said = liaison.ok("senders", "add", "address", "a@mission.example", "--mode", "observe")
    assert "handled less, not more" in said
    assert "To only record it" not in said


def test_an_edit_and_an_undo_are_told_to_programs(liaison: CommandLine) -> None:
    edited = shape(liaison, "edit", "mission.example", "--note", "x")
    assert (edited["version"], cast("Shape", edited["entry"])["note"]) == (2, "x")
    (change,) = cast("list[Shape]", shape(liaison, "history", "2")["edited"])
    assert (change["value"], change["columns"]) == ("mission.example", {"note": ["", "x"]})
    undone = shape(liaison, "undo", "2")
    assert undone["version"] == 3
    assert len(cast("list[Shape]", undone["added"])) == 1


def test_the_lists_are_restored_after_a_look(liaison: CommandLine) -> None:
    before = liaison.json("senders", "list")
    liaison.ok("senders", "remove", "mission.example")
    liaison.ok("senders", "add", "domain", "other.example")
    shown = liaison.ok("senders", "restore", "1", "--dry-run").splitlines()
    assert [line.split()[:3] for line in shown[1:]] == [
        ["-", "domain", "other.example"], ["+", "subtree", "mission.example"],
    ]  # fmt: skip
    said = liaison.ok("senders", "restore", "1")
    assert said.startswith("The lists are as under version 1: 1 entry taken out, 1 entry put back.")
    after = cast("list[Shape]", liaison.json("senders", "list"))
    assert sorted(after, key=str) == sorted(cast("list[Shape]", before), key=str)
    assert liaison("senders", "restore", "9").exit_code == 1


def test_an_import_of_a_list_with_mistakes_names_each_line(liaison: CommandLine) -> None:
    file = liaison.file("mixed.csv", MIXED)
    refused = liaison("senders", "import", file)
    assert refused.exit_code == 1
    assert [line.split()[:3] for line in refused.stdout.splitlines()[1:-1]] == [
        ["new", "subtree", "embassy.example"],
        ["refused", "subtree", "gov.cn"],
        ["refused", "planet", "mars.example"],
        ["known", "subtree", "mission.example"],
    ]
    assert "line 3 " in refused.stdout
    assert "line 4 " in refused.stdout
    handled = "At once the mail of 1 entry is handled; with --mode observe it would only be recorded.\n"
    assert liaison.ok("senders", "import", file, "--skip-refused", "--dry-run").endswith(handled)
    said = liaison.ok("senders", "import", file, "--skip-refused", "--mode", "observe")
    assert said.splitlines()[-1].startswith("1 entry added. The lists are at version 2")
    assert [one["value"] for one in shapes(liaison, "list", "--mode", "observe")] == ["embassy.example"]
    liaison.ok("senders", "remove", "embassy.example")
    assert liaison.ok("senders", "import", file, "--skip-refused").endswith(handled)


def test_an_import_is_told_to_programs(liaison: CommandLine) -> None:
    result = liaison("senders", "import", liaison.file("mixed.csv", MIXED), "--skip-refused", "--dry-run", "--json")
    assert (result.exit_code, result.stderr.splitlines()[:-1]) == (0, ["1 entry would be added."])
    import json

    sheet = json.loads(result.stdout)
    assert (sheet["new"], sheet["known"], sheet["refused"]) == (1, 1, 2)
    assert [(line["line"], line["fate"]) for line in sheet["lines"]] == [
        (2, "new"), (3, "refused"), (4, "refused"), (5, "known"),
    ]  # fmt: skip


@pytest.mark.parametrize("file_format", ["toml", "csv"])
def test_five_hundred_lines_with_mistakes_name_exactly_the_wrong_ones(liaison: CommandLine, file_format: str) -> None:
    bad = {50: "gov.cn", 100: "gmail.com", 333: "rcmp-grc.gc.ca", 499: "no domain"}
    values = [bad.get(number, f"m{number}.example") for number in range(500)]
    csv = "kind,value\n" + "".join(f"subtree,{value}\n" for value in values)
    toml = "".join(f'[[entry]]\nkind = "subtree"\nvalue = "{value}"\n' for value in values)
    file = liaison.file(f"long.{file_format}", csv if file_format == "csv" else toml)
    result = liaison("senders", "import", file)
    lines = [line for line in result.stdout.splitlines() if line.startswith("refused")]
    first = [number + 2 if file_format == "csv" else number * 3 + 1 for number in bad]
    assert [value in line for value, line in zip(bad.values(), lines, strict=True)] == [True] * 4
    assert [f"line {number}" in line for number, line in zip(first, lines, strict=True)] == [True] * 4
    assert "4 entries of long" in result.stderr
