"""Exemptions on the command line: granted, listed, ended; refused with what would be right."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, cast

import pytest

from gateway.clock import SystemClock

if TYPE_CHECKING:
    from tests.gateway.cli.conftest import CommandLine

NEXT_MONTH = f"{SystemClock().now() + timedelta(days=30):%Y-%m-%d}"
LAST_MONTH = f"{SystemClock().now() - timedelta(days=30):%Y-%m-%d}"
TOO_LATE = f"{SystemClock().now() + timedelta(days=500):%Y-%m-%d}"
WHY = ("--approver", "Insp. Example", "--reason", "joint exercise")
SENDER = "office@mission.example"


def in_force(liaison: CommandLine) -> list[dict[str, object]]:
    return cast("list[dict[str, object]]", liaison.json("senders", "exempt"))


def test_an_exemption_is_granted_listed_and_ended(liaison: CommandLine) -> None:
    assert in_force(liaison) == []
    said = liaison.ok(
        "senders", "exempt", "Office@Mission.example", "--until", NEXT_MONTH, *WHY, "--rcpt", "Desk@police.example"
    )
    assert f"{SENDER} may write to desk@police.example until {NEXT_MONTH} (its last day, in UTC)" in said
    (exemption,) = in_force(liaison)
    assert (exemption["sender"], exemption["recipients"]) == (SENDER, ["desk@police.example"])
    assert (exemption["approver"], exemption["reason"]) == ("Insp. Example", "joint exercise")
    (row,) = [line for line in liaison.ok("senders", "exempt").splitlines() if str(exemption["id"]) in line]
    assert NEXT_MONTH in row
    liaison.ok("senders", "exempt", "--end", str(exemption["id"]))
    assert in_force(liaison) == []
    history = liaison.ok("audit", "show")
    assert "exemption-granted" in history
    assert "exemption-ended" in history


def test_a_whole_entry_can_be_exempted(liaison: CommandLine) -> None:
    liaison.ok("senders", "exempt", "mission.example", "--until", NEXT_MONTH, *WHY)
    assert in_force(liaison)[0]["sender"] == "mission.example"


def test_the_sender_of_a_case_can_be_exempted(liaison: CommandLine) -> None:
    liaison.ok("senders", "list")
    case = liaison.case()
    liaison.ok("cases", "exempt", case.reference, "--until", NEXT_MONTH, *WHY)
    assert in_force(liaison)[0]["sender"] == "mission.example"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((SENDER, "--until", LAST_MONTH, *WHY), 1, f"in the future, {LAST_MONTH} does not"),
        ((SENDER, "--until", TOO_LATE, *WHY), 1, "366 days"),
        ((SENDER, "--until", NEXT_MONTH), 1, "who approved it"),
        ((SENDER, *WHY), 2, "--until"),
        ((SENDER, "--until", "soon", *WHY), 2, "2027-05-31"),
        ((SENDER, "--until", "9999-12-31", *WHY), 2, "too far away"),
        (("friend@city.example", "--until", NEXT_MONTH, *WHY), 1, "not on the list"),
        (("nonsense", "--until", NEXT_MONTH, *WHY), 1, "not on the list"),
        ((SENDER, "--until", NEXT_MONTH, *WHY, "--rcpt", "x@city.example"), 1, "agency's domains"),
        ((SENDER, "--until", NEXT_MONTH, *WHY, "--rcpt", "x"), 1, "no address"),
        (("--end", "nothing"), 1, "no exemption"),
    ],
)
def test_what_is_wrong_is_said(liaison: CommandLine, arguments: tuple[str, ...], code: int, words: str) -> None:
    result = liaison("senders", "exempt", *arguments)
    assert result.exit_code == code
    assert words in result.stderr
    assert in_force(liaison) == []


def test_an_unknown_case_is_said(liaison: CommandLine) -> None:
    result = liaison("cases", "exempt", "LG-NONE", "--until", NEXT_MONTH, *WHY)
    assert (result.exit_code, "no case" in result.stderr) == (1, True)
