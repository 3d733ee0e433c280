from __future__ import annotations

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
