from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from tests.gateway.cli.conftest import CommandLine

FIRST = "LG-TEST-0001"


def test_the_listing_has_the_shape_of_the_contract(liaison: CommandLine) -> None:
    liaison.case()
    liaison.ok("cases", "decline", FIRST)
    (row,) = cast("list[dict[str, object]]", liaison.json("outbox", "list"))
    assert {key: row[key] for key in ("purpose", "to", "state", "attempts", "last_reply", "case")} == {
        "purpose": "decline",
        "to": "office@mission.example",
        "state": "waiting",
        "attempts": 0,
        "last_reply": "",
        "case": FIRST,
    }
    assert row["id"]


def test_people_see_what_waits_and_until_when(liaison: CommandLine) -> None:
    liaison.case()
    liaison.ok("cases", "decline", FIRST)
    heading, row = liaison.ok("outbox", "list").splitlines()
    assert heading.split()[:4] == ["id", "purpose", "to", "state"]
    assert row.split()[1:4] == ["decline", "office@mission.example", "waiting"]


def test_the_listing_can_be_narrowed_to_a_state(liaison: CommandLine) -> None:
    liaison.case()
    liaison.ok("cases", "decline", FIRST)
    assert liaison.ok("outbox", "list", "--state", "sent") == "Nothing in the outbox is sent.\n"
    assert liaison.json("outbox", "list", "--state", "sent") == []


def test_an_empty_outbox_is_a_sentence(liaison: CommandLine) -> None:
    assert liaison.ok("outbox", "list") == "The outbox is empty.\n"


def _only_item(liaison: CommandLine) -> str:
    (row,) = cast("list[dict[str, str]]", liaison.json("outbox", "list"))
    return row["id"]


def test_an_item_is_cancelled_and_stays_so(liaison: CommandLine) -> None:
    liaison.case()
    liaison.ok("cases", "decline", FIRST)
    item = _only_item(liaison)
    assert liaison.ok("outbox", "cancel", item) == f"{item}, a decline to office@mission.example, is cancelled.\n"
    again = liaison("outbox", "cancel", item)
    assert (again.exit_code, "nothing to cancel" in again.stderr) == (1, True)
    retried = liaison("outbox", "retry", item)
    assert (retried.exit_code, "it is not sent again" in retried.stderr) == (1, True)
    assert "cancelled" in liaison.ok("outbox", "list")


def test_an_item_that_waits_is_tried_at_once(liaison: CommandLine) -> None:
    liaison.case()
    liaison.ok("cases", "decline", FIRST)
    item = _only_item(liaison)
    assert liaison.ok("outbox", "retry", item) == f"{item}, a decline to office@mission.example, is tried again.\n"
    assert liaison.ok("outbox", "retry", "--failed") == "0 failed items are tried again.\n"


def test_an_unknown_item_is_a_sentence(liaison: CommandLine) -> None:
    for verb in ("cancel", "retry"):
        refused = liaison("outbox", verb, "nothing-like-it")
        assert refused.exit_code == 1
        assert "There is no outbox item nothing-like-it; `liaison outbox list` shows the ids" in refused.stderr


def test_retry_wants_to_know_what(liaison: CommandLine) -> None:
    refused = liaison("outbox", "retry")
    assert (refused.exit_code, "--failed" in refused.stderr) == (2, True)


def test_a_pause_is_shown_until_it_ends(liaison: CommandLine) -> None:
    assert "The outbox is not paused" in liaison("outbox", "resume").stderr
    liaison.ok("outbox", "pause", "--reason", "an exercise")
    listed = liaison("outbox", "list", "--json")
    assert (listed.exit_code, listed.stdout.strip()) == (0, "[]")
    assert re.search(r"The outbox is paused since \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ by ", listed.stderr)
    assert listed.stderr.rstrip().endswith(": an exercise")
    assert liaison.ok("outbox", "resume").startswith("The outbox sends again; 0 items wait")
    assert liaison("outbox", "list").stderr == ""


def test_a_silenced_case_says_so(liaison: CommandLine) -> None:
    liaison.case()
    assert "no decline may be sent for it any more" in liaison.ok("cases", "silence", FIRST, "--reason", "tip-off")
    refused = liaison("cases", "decline", FIRST)
    assert (refused.exit_code, "silenced" in refused.stderr) == (1, True)
    assert "silenced already" in liaison("cases", "silence", FIRST).stderr
    assert "no decline may be sent: The case was silenced" in liaison.ok("cases", "show", FIRST)
