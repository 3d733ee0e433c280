"""The commands that narrow the list, assign, reopen, and record contacts by hand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

import pytest

from filters.disposition import Tier
from gateway.model.case import ActionState

if TYPE_CHECKING:
    from tests.gateway.cli.conftest import CommandLine

FIRST, SECOND = "LG-TEST-0001", "LG-TEST-0002"
Row = dict[str, object]
CALL = ["--kind", "phone", "--at", "2026-05-04T10:30", "--asked", "Where a person lives.", "--who", "Li Wei"]


def references(liaison: CommandLine, *filters: str) -> list[object]:
    return [row["reference"] for row in cast("list[Row]", liaison.json("cases", "list", *filters))]


@pytest.mark.parametrize(
    "filters",
    [
        ["--tier", "suspect"],
        ["--entry", "other.example"],
        ["--mission", "Embassy of Elsewhere"],
        ["--decline", "none"],
        ["--report", "review"],
        ["--search", "ELSEWHERE letter"],
        ["--search", "chief@police.example"],
        ["--since", "2026-05-04", "--until", "2026-05-04", "--tier", "suspect"],
        ["--delivery", "held", "--kind", "mail", "--assigned-to", "", "--entry", "other.example"],
    ],
    ids=" ".join,
)
def test_the_list_is_narrowed_by_each_option(liaison: CommandLine, filters: list[str]) -> None:
    liaison.case(1)
    liaison.case(
        2,
        "chief@police.example",
        tier=Tier.SUSPECT,
        entry="other.example",
        mission_en="Embassy of Elsewhere",
        decline=ActionState.NONE,
        report=ActionState.REVIEW,
        header_from="office@elsewhere.example",
        subject="a letter",
    )
    assert references(liaison, *filters) == [SECOND]
    assert references(liaison) == [SECOND, FIRST]
    assert references(liaison, "--until", "2026-05-03") == []


def test_a_search_with_too_many_words_is_refused(liaison: CommandLine) -> None:
    result = liaison("cases", "list", "--search", "x " * 11)
    assert (result.exit_code, result.stderr) == (1, "A search has at most 10 words\n")


def test_a_case_is_assigned_shown_so_and_given_back(liaison: CommandLine) -> None:
    liaison.case()
    result = liaison("cases", "assign", FIRST, "alice")
    assert (result.exit_code, result.stderr) == (1, "alice has no account that may decide cases\n")
    added = liaison("users", "add", "alice", "--role", "reviewer")
    assert added.exit_code == 0, added.output
    assert liaison.ok("cases", "assign", FIRST, "Alice") == f"{FIRST} is assigned to alice.\n"
    assert references(liaison, "--assigned-to", "alice") == [FIRST]
    assert re.search(r"assigned to alice since 20\d\d-", liaison.ok("cases", "show", FIRST))
    shown = cast("Row", liaison.json("cases", "show", FIRST))
    assert (shown["assigned_to"], shown["kind"]) == ("alice", "mail")
    assert liaison.ok("cases", "assign", FIRST) == f"{FIRST} is assigned to nobody.\n"
    assert "assigned to" not in liaison.ok("cases", "show", FIRST)


def test_a_closed_case_is_taken_up_again(liaison: CommandLine) -> None:
    liaison.case()
    liaison.ok("cases", "close", FIRST)
    assert liaison.ok("cases", "reopen", FIRST, "--reason", "a second letter") == f"{FIRST} is open again.\n"
    assert references(liaison, "--status", "open") == [FIRST]


def test_a_mission_that_no_entry_names_is_recorded_and_said_to_be_unknown(liaison: CommandLine) -> None:
    call = ("cases", "record", "--kind", "phone", "--at", "2026-07-01 10:00", "--asked", "A file.", "--mission")
    said = liaison.ok(*call, "nosuch")
    assert "No entry of the lists names the mission “nosuch”; it is recorded as written. The lists know “Emb" in said
    assert "No entry" not in liaison.ok(*call, "mission.example")


def test_a_call_is_recorded_reported_and_shown(liaison: CommandLine) -> None:
    said = liaison.ok("cases", "record", *CALL, "--role", "second secretary", "--answered", "Nothing.")
    reference = re.findall(r"recorded as (LG-\w{5}-\w{5})\.", said)[0]
    assert "Its report waits in the outbox." in said
    shown = liaison.ok("cases", "show", reference)
    for words in ("by telephone", "who: Li Wei", "claimed role: second secretary", "asked: Where a person lives."):
        assert words in shown
    assert "SPF" not in shown
    row = cast("Row", liaison.json("cases", "show", reference))
    assert row["contact"] == {
        "at": "2026-05-04T10:30:00+00:00",
        "who": "Li Wei",
        "role": "second secretary",
        "mission": "",
        "approached": "",
        "asked": "Where a person lives.",
        "answered": "Nothing.",
        "note": "",
    }
    assert (row["recipients"], row["report"], row["kind"]) == ([], "waiting", "phone")
    assert references(liaison, "--kind", "phone", "--search", "wei") == [reference]


def test_the_report_of_a_call_can_wait(liaison: CommandLine) -> None:
    said = liaison.ok("cases", "record", *CALL, "--no-report")
    reference = re.findall(r"LG-\w{5}-\w{5}", said)[0]
    assert f"`liaison cases report {reference}` does that" in said
    assert "waits in the outbox" in liaison.ok("cases", "report", reference)


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (["--kind", "mail", "--at", "2026-05-04", "--asked", "x"], 2, "'mail' is not one of"),
        (["--kind", "phone", "--at", "yesterday", "--asked", "x"], 2, "'yesterday' is no time"),
        (["--kind", "phone", "--at", "9999-01-01", "--asked", "x", "--who", "x"], 1, "in the future"),
        (["--kind", "phone", "--at", "2026-05-04", "--asked", "x"], 2, "Say who it was"),
    ],
    ids=["mail", "no time", "future", "nobody"],
)
def test_a_contact_that_says_too_little_is_refused(
    liaison: CommandLine, arguments: list[str], code: int, why: str
) -> None:
    result = liaison("cases", "record", *arguments)
    assert result.exit_code == code
    assert why in result.stderr
