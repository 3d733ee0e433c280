from __future__ import annotations

import os
import pty
import resource
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, cast

import pytest

if TYPE_CHECKING:
    from tests.gateway.cli.conftest import CommandLine

Row = dict[str, object]

PACK = """
[[entry]]
kind = "subtree"
value = "embassy.example"
mission = { en = "Embassy", fr = "Ambassade", zh = "大使馆" }
decline = "review"
review_by = 2027-05-31
note = 'a "quoted" note; with, separators'

[[entry]]
kind = "label"
value = "gat.*.gov.cn"

[[entry]]
kind = "domain"
value = "mission.example"
"""


def rows(liaison: CommandLine) -> list[Row]:
    return cast("list[Row]", liaison.json("senders", "list"))


def values(liaison: CommandLine) -> set[str]:
    return {f"{row['kind']} {row['value']}" for row in rows(liaison)}


def test_the_first_list_is_that_of_the_configured_packs(liaison: CommandLine) -> None:
    assert values(liaison) == {
        "subtree mission.example", "address post.abroad@webmail.example", "subtree flagged.example"
    }  # fmt: skip


def test_an_added_entry_has_every_column(liaison: CommandLine) -> None:
    said = liaison.ok(
        "senders", "add", "subtree", "Embassy.Example.", "--mission-en", "Embassy", "--mission-fr", "Ambassade",
        "--mission-zh", "大使馆", "--country", "CN", "--class", "mission", "--delivery", "flag", "--decline", "never",
        "--report", "review", "--mode", "assist", "--legacy", "--source", "a letter", "--verified", "to verify",
        "--review-by", "2027-05-31", "--note", "a note",
    )  # fmt: skip
    assert said.startswith("Listed: embassy.example and below. The lists are at version 2")
    assert rows(liaison)[-1] == {
        "kind": "subtree",
        "value": "embassy.example",
        "mission": {"en": "Embassy", "fr": "Ambassade", "zh": "大使馆"},
        "country": "CN",
        "class": "mission",
        "delivery": "flag",
        "decline": "never",
        "report": "review",
        "mode": "assist",
        "legacy": True,
        "source": "a letter",
        "verified": "to verify",
        "review_by": "2027-05-31",
        "note": "a note",
        "pack": "",
    }


def test_people_see_what_an_entry_leaves_to_the_policy(liaison: CommandLine) -> None:
    heading, *lines = liaison.ok("senders", "list", "--kind", "address").splitlines()
    assert heading.split()[:3] == ["kind", "value", "mission"]
    assert [line.split() for line in lines] == [
        ["address", "post.abroad@webmail.example", "-", "never", "-", "-", "pack"]
    ]


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("subtree", "gov.cn", "public suffix"),
        ("domain", "gmail.com", "public mail provider"),
        ("subtree", "police.example", "the agency's own"),
        ("domain", "interpol.int", "INTERPOL"),
        ("subtree", "rcmp-grc.gc.ca", "never listed"),
        ("address", "nobody", "no e-mail address"),
        ("label", "gat.gov.cn", "no label entry"),
        ("domain", " ", "value"),
        ("subtree", "mission.example", "on the list already"),
    ],
)
def test_what_may_not_be_listed_is_refused_with_its_reason(
    liaison: CommandLine, kind: str, value: str, words: str
) -> None:
    before = rows(liaison)
    result = liaison("senders", "add", kind, value)
    assert (result.exit_code, result.stdout) == (1, "")
    assert words in result.stderr
    assert rows(liaison) == before


@pytest.mark.parametrize(
    "option", [("--decline", "perhaps"), ("--delivery", "pass"), ("--review-by", "soon")], ids=" ".join
)
def test_a_wrong_column_is_wrong_usage(liaison: CommandLine, option: tuple[str, str]) -> None:
    result = liaison("senders", "add", "subtree", "embassy.example", *option)
    assert result.exit_code == 2
    assert option[1] in result.stderr


def test_an_entry_is_removed_by_its_value_in_any_spelling(liaison: CommandLine) -> None:
    assert "No longer listed: mission.example and below." in liaison.ok("senders", "remove", "MISSION.example")
    assert "subtree mission.example" not in values(liaison)


def test_a_removal_of_what_is_not_listed_is_refused(liaison: CommandLine) -> None:
    result = liaison("senders", "remove", "unknown.example")
    assert result.exit_code == 1
    assert "unknown.example is not on the list" in result.stderr


def test_of_two_entries_with_one_value_the_kind_has_to_be_said(liaison: CommandLine) -> None:
    liaison.ok("senders", "add", "domain", "mission.example")
    result = liaison("senders", "remove", "mission.example")
    assert result.exit_code == 1
    assert "--kind" in result.stderr
    liaison.ok("senders", "remove", "mission.example", "--kind", "domain")
    assert "subtree mission.example" in values(liaison)


def test_an_import_adds_what_is_new_as_one_version(liaison: CommandLine) -> None:
    liaison.ok("senders", "add", "domain", "mission.example")
    said = liaison.ok("senders", "import", liaison.file("more.toml", PACK)).splitlines()
    assert [line.split()[:3] for line in said[1:4]] == [
        ["new", "subtree", "embassy.example"],
        ["new", "label", "gat.*.gov.cn"],
        ["known", "domain", "mission.example"],
    ]
    assert said[4].startswith("2 entries added. The lists are at version 3")
    assert liaison.ok("senders", "import", liaison.file("more.toml", PACK)).endswith(
        "There is nothing new to import.\n"
    )


def test_a_dry_run_changes_nothing(liaison: CommandLine) -> None:
    before = rows(liaison)
    assert "3 entries would be added.\n" in liaison.ok(
        "senders", "import", liaison.file("more.toml", PACK), "--dry-run"
    )
    assert rows(liaison) == before


@pytest.mark.parametrize("dry", [[], ["--dry-run"]], ids=["import", "dry run"])
@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ('[[entry]]\nkind = "subtree"\nvalue = "gov.cn"\n', "public suffix"),
        ('[[entry]]\nkind = "planet"\nvalue = "mars.example"\n', "line 18"),
        ('[[entry]]\nkind = "domain"\nvalue = "mars.example"\ncolour = "red"\n', "colour"),
    ],
    ids=["guarded", "unknown kind", "unknown key"],
)
def test_one_bad_entry_stops_the_whole_import(liaison: CommandLine, bad: str, words: str, dry: list[str]) -> None:
    before = rows(liaison)
    result = liaison("senders", "import", liaison.file("more.toml", PACK + bad), *dry)
    assert result.exit_code == 1
    refused = [line for line in result.stdout.splitlines() if line.startswith("refused")]
    assert len(refused) == 1
    assert words in refused[0]
    assert "Nothing is imported: 1 entry of more.toml can't be." in result.stderr
    assert rows(liaison) == before


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("more.toml", b"not = [toml", "this is no TOML"),
        ("more.toml", b"\xff\xfe\x00", "not in UTF-8"),
        ("more.csv", b"value\nx.example\n", "first line has to name the columns"),
        ("more.csv", b"kind,value\nsubtree,\x00\n", ""),
        ("more.toml", b"x = " + b"[" * 50_000, ""),
    ],
    ids=["no TOML", "no UTF-8", "no columns", "NUL", "deep"],
)
def test_a_file_that_is_no_list_is_refused(liaison: CommandLine, name: str, content: bytes, words: str) -> None:
    result = liaison("senders", "import", liaison.file(name, content))
    assert result.exit_code == 1
    assert words in result.output
    assert "Traceback" not in result.output


def test_a_missing_file_is_a_sentence(liaison: CommandLine) -> None:
    result = liaison("senders", "import", str(liaison.directory / "list.csv"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "list.csv: the file can't be read" in result.stderr


def test_a_name_that_does_not_say_the_format_is_wrong_usage(liaison: CommandLine) -> None:
    file = liaison.file("list.txt", PACK)
    assert liaison("senders", "import", file).exit_code == 2
    assert liaison("senders", "import", file, "--format", "toml").exit_code == 0


@pytest.mark.parametrize("file_format", ["toml", "csv"])
def test_an_export_is_read_back_the_same(liaison: CommandLine, file_format: str) -> None:
    liaison.ok("senders", "import", liaison.file("more.toml", PACK))
    before = [row | {"pack": ""} for row in rows(liaison)]
    exported = liaison("senders", "export", "--format", file_format).stdout_bytes
    for row in before:
        liaison.ok("senders", "remove", str(row["value"]), "--kind", str(row["kind"]))
    assert rows(liaison) == []
    liaison.ok("senders", "import", liaison.file(f"back.{file_format}", exported))
    assert [row | {"pack": ""} for row in rows(liaison)] == before


def test_an_export_goes_to_a_file_whose_name_says_the_format(liaison: CommandLine) -> None:
    file = liaison.directory / "out.csv"
    assert liaison.ok("senders", "export", str(file)) == f"3 entries written to {file}.\n"
    assert file.read_text().startswith("kind,value,mission_en")


def test_an_export_replaces_no_file(liaison: CommandLine) -> None:
    file = liaison.directory / "out.csv"
    file.write_text("precious")
    result = liaison("senders", "export", str(file))
    assert result.exit_code == 1
    assert "is not replaced: choose another name, or remove it first" in result.stderr
    assert file.read_text() == "precious"


def test_half_an_export_is_none(liaison: CommandLine) -> None:
    many = "".join(f"domain,a{number}.example,{'x' * 100}\n" for number in range(2000))
    liaison.ok("senders", "import", liaison.file("many.csv", f"kind,value,note\n{many}"))
    file = liaison.directory / "out.csv"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, limits[1]))  # a full disk
    try:
        result = liaison("senders", "export", str(file))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert result.exit_code == 1
    assert "out.csv: the file can't be written" in result.stderr
    assert not file.exists()


def test_an_export_that_can_not_be_written_is_a_sentence(liaison: CommandLine) -> None:
    (liaison.directory / "file").write_text("")
    result = liaison("senders", "export", str(liaison.directory / "file" / "out.toml"))
    assert result.exit_code == 1
    assert "the file can't be written" in result.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("senders", "export", "none/out.toml"),
        ("cases", "export", "LG-TEST-0001", "--to", "none/out.zip"),
        ("db", "backup", "none/copy.db"),
        ("db", "key", "--file", "none/data.key"),
        ("purge", "--to", "none"),
    ],
)
def test_no_command_makes_a_directory_for_its_file(liaison: CommandLine, command: tuple[str, ...]) -> None:
    liaison.case()
    place = str(liaison.directory / "none")
    result = liaison(*(word.replace("none", place) for word in command))
    assert result.exit_code == 1
    assert f"There is no directory {place}: make it first (mkdir)" in result.stderr
    assert not (liaison.directory / "none").exists()


def test_every_change_names_who_made_it(liaison: CommandLine) -> None:
    liaison.ok("senders", "add", "subtree", "embassy.example")
    assert "list-changed" in liaison.ok("audit", "show", "--subject", "add embassy.example and below")


def test_the_database_is_its_owners_alone(liaison: CommandLine) -> None:
    liaison.ok("senders", "list")
    assert stat.S_IMODE(liaison.database.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("value", "kind"), [("nobody.example", "subtree"), ("x@nobody.example", "address"), ("gat.*.gov.cn", "label")]
)
def test_a_value_is_tried_before_it_is_added(liaison: CommandLine, value: str, kind: str) -> None:
    said = liaison.ok("senders", "try", value)
    assert "would have matched 0 messages from 0 senders in 30 days, 0 to emergency recipients" in said
    found = cast("dict[str, object]", liaison.json("senders", "try", value))
    assert (found["kind"], found["value"], found["messages"], found["days"]) == (kind, value, 0, 30)


def test_a_value_that_may_not_be_listed_is_not_tried(liaison: CommandLine) -> None:
    assert liaison("senders", "try", "gmail.com").exit_code == 1


def test_an_entry_is_edited_as_one_version(liaison: CommandLine) -> None:
    def entry() -> dict[str, object]:
        listed = cast("list[dict[str, object]]", liaison.json("senders", "list"))
        return next(one for one in listed if one["value"] == "mission.example")

    before = entry()
    said = liaison.ok("senders", "edit", "mission.example", "--mode", "observe", "--note", "on trial")
    assert "mission.example" in said
    assert entry() == {**before, "mode": "observe", "note": "on trial"}
    liaison.ok("senders", "edit", "mission.example", "--mode", "policy", "--note", str(before["note"]))
    assert entry() == before


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("mission.example",), 2),
        (("mission.example", "--mode", "strange"), 2),
        (("nobody.example", "--mode", "observe"), 1),
        (("flagged.example", "--delivery", "flag"), 1),
    ],
)
def test_an_edit_that_changes_nothing_is_refused(liaison: CommandLine, arguments: tuple[str, ...], code: int) -> None:
    assert liaison("senders", "edit", *arguments).exit_code == code


def test_of_a_long_list_only_what_is_refused_is_shown(liaison: CommandLine) -> None:
    lines = ["kind,value", *(f"subtree,mission{number}.example" for number in range(1001))]
    long = liaison.file("long.csv", "\n".join(lines))
    assert liaison.ok("senders", "import", long).splitlines() == [
        "1001 entries read: 1001 new, 0 known, none refused.",
        "1001 entries added. The lists are at version 2, in force everywhere within two seconds.",
        "At once the mail of 1001 entries is handled; with --mode observe it would only be recorded.",
    ]
    wrong = liaison("senders", "import", liaison.file("wrong.csv", "\n".join([*lines, "subtree,gov.cn"])))
    assert wrong.exit_code == 1
    assert [line.split()[:3] for line in wrong.stdout.splitlines()][1:] == [["refused", "subtree", "gov.cn"]]


def test_an_import_shows_on_a_terminal_how_far_it_is(liaison: CommandLine) -> None:
    lines = ["kind,value", *(f"subtree,mission{number}.example" for number in range(300))]
    file = liaison.file("list.csv", "\n".join(lines))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "gateway", "--config", str(liaison.config), "senders", "import", file]
    done = subprocess.run(
        command, stderr=theirs, stdout=subprocess.PIPE, check=True, env=os.environ | {"TERM": "xterm"}
    )
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert "Checking" in shown
    assert "Saving" in shown
    assert "300 entries added" in done.stdout.decode()
