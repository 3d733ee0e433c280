from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

if TYPE_CHECKING:
    from tests.gateway.cli.conftest import CommandLine

PACK = """
[[entry]]
kind = "subtree"
value = "embassy.example"

[[entry]]
kind = "domain"
value = "consulate.example"
"""


def values(liaison: CommandLine) -> list[str]:
    return [row["value"] for row in cast("list[dict[str, str]]", liaison.json("senders", "list"))]


def refusal(liaison: CommandLine, *arguments: str) -> str:
    result = liaison("senders", *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    return result.stderr


def test_every_version_is_listed_newest_first_with_its_author(liaison: CommandLine) -> None:
    liaison.ok("senders", "add", "domain", "consulate.example")
    liaison.ok("senders", "edit", "consulate.example", "--mode", "observe")
    liaison.ok("senders", "remove", "mission.example")
    versions = cast("list[dict[str, object]]", liaison.json("senders", "history"))
    assert [(one["version"], one["added"], one["removed"]) for one in versions] == [
        (4, 0, 1), (3, 1, 1), (2, 1, 0), (1, 3, 0),
    ]  # fmt: skip
    assert {str(one["actor"]).partition(":")[0] for one in versions} == {"cli", "gateway"}
    assert versions[0]["text"] == "remove mission.example and below"
    heading, first, *_ = liaison.ok("senders", "history").splitlines()
    assert heading.split() == ["version", "when", "who", "added", "removed", "what"]
    assert first.startswith("4 ")


def test_what_a_version_changed_is_shown_as_a_difference(liaison: CommandLine) -> None:
    liaison.ok("senders", "edit", "mission.example", "--decline", "never")
    _, out, came = liaison.ok("senders", "history", "2").splitlines()
    assert out.split()[:5] == ["-", "subtree", "mission.example", "Embassy", "of"]
    assert came.split()[0] == "+"
    assert "never" not in out
    assert "never" in came
    changed = cast("dict[str, list[dict[str, str]]]", liaison.json("senders", "history", "2"))
    assert [changed[side][0]["decline"] for side in ("removed", "added")] == ["", "never"]


def test_an_import_is_undone_in_one_step(liaison: CommandLine) -> None:
    before = values(liaison)
    liaison.ok("senders", "import", liaison.file("pack.more.toml", PACK))
    said = liaison.ok("senders", "undo", "2")
    assert said.startswith("Version 2 is undone: 2 entries taken out, 0 entries put back. The lists are at version 3")
    assert values(liaison) == before


def test_a_removal_and_an_edit_are_undone_to_what_was_said_before(liaison: CommandLine) -> None:
    before = liaison.json("senders", "list")
    liaison.ok("senders", "edit", "mission.example", "--note", "a note")
    liaison.ok("senders", "undo", "2")
    liaison.ok("senders", "remove", "mission.example")
    liaison.ok("senders", "undo", "4")
    after = cast("list[dict[str, str]]", liaison.json("senders", "list"))
    assert sorted(after, key=str) == sorted(cast("list[dict[str, str]]", before), key=str)


def test_an_undone_version_can_be_done_again_by_undoing_that(liaison: CommandLine) -> None:
    liaison.ok("senders", "add", "domain", "consulate.example")
    liaison.ok("senders", "undo", "2")
    liaison.ok("senders", "undo", "3")
    assert "consulate.example" in values(liaison)


def test_what_a_later_version_touched_is_not_undone_over_it(liaison: CommandLine) -> None:
    liaison.ok("senders", "add", "domain", "consulate.example")
    liaison.ok("senders", "edit", "consulate.example", "--mode", "observe")
    before = values(liaison)
    said = refusal(liaison, "undo", "2")
    assert "consulate.example" in said
    assert "was changed since" in said
    assert values(liaison) == before


@pytest.mark.parametrize("undoing", [("undo", "2"), ("remove", "consulate.example")])
def test_what_is_undone_already_is_said_to_be(liaison: CommandLine, undoing: tuple[str, ...]) -> None:
    liaison.ok("senders", "add", "domain", "consulate.example")
    liaison.ok("senders", *undoing)
    assert "Version 2 is undone already" in refusal(liaison, "undo", "2")


@pytest.mark.parametrize("command", ["undo", "history", "restore"])
@pytest.mark.parametrize("number", ["x", "0", "²"])
def test_what_is_no_number_of_a_version_is_wrong_usage(liaison: CommandLine, command: str, number: str) -> None:
    result = liaison("senders", command, number)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"'{number}' is no number of a version; `liaison senders history` lists them" in result.stderr


def test_an_entry_that_is_back_is_not_put_back_twice(liaison: CommandLine) -> None:
    liaison.ok("senders", "remove", "mission.example")
    liaison.ok("senders", "add", "subtree", "mission.example", "--note", "another")
    assert "mission.example and below was changed since" in refusal(liaison, "undo", "2")


def test_what_may_not_be_listed_any_more_is_not_put_back(liaison: CommandLine) -> None:
    liaison.ok("senders", "remove", "mission.example")
    configuration = liaison.config.read_text()
    liaison.config.write_text(configuration + '[agency]\ndomains = ["mission.example"]\n')
    assert "the agency's own" in refusal(liaison, "undo", "2")


def test_a_version_that_is_not_there_or_changed_nothing_is_refused(liaison: CommandLine) -> None:
    assert "There is no version 9" in refusal(liaison, "undo", "9")
    assert "There is no version 9" in refusal(liaison, "history", "9")
    liaison.ok(
        "senders", "exempt", "mission.example", "--until", "2027-05-31", "--approver", "A. Chief", "--reason", "a visit"
    )
    assert "changed no entry" in refusal(liaison, "undo", "2")
    assert "changed no entry" in liaison.ok("senders", "history", "2")
    assert liaison("senders", "undo", "0").exit_code == 2


def test_a_dry_run_shows_what_an_undo_would_change_and_changes_nothing(liaison: CommandLine) -> None:
    before = values(liaison)
    shown = liaison.ok("senders", "undo", "1", "--dry-run").splitlines()[1:]
    assert [line.split()[0] for line in shown] == ["-"] * len(before)
    assert len(cast("dict[str, list[object]]", liaison.json("senders", "undo", "1", "--dry-run"))["removed"]) == 3
    assert "There is no version 9" in refusal(liaison, "undo", "9", "--dry-run")
    assert values(liaison) == before


def test_empty_lists_are_a_warning_of_check(liaison: CommandLine) -> None:
    liaison.ok("senders", "list")
    assert "ok lists: version 1 is in force; entries: 3" in liaison.ok("check")
    liaison.ok("senders", "undo", "1")
    assert "warning lists: the sender lists are empty: no mail is flagged; `liaison senders" in liaison.ok("check")


def test_an_undo_stands_in_the_audit_log(liaison: CommandLine) -> None:
    liaison.ok("senders", "add", "domain", "consulate.example")
    liaison.ok("senders", "undo", "2")
    assert "undo version 2" in liaison.ok("audit", "show")
