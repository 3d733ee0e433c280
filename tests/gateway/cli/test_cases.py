from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from filters.disposition import Tier
from gateway.model.case import ActionState

if TYPE_CHECKING:
    from tests.gateway.cli.conftest import CommandLine

FIRST = "LG-TEST-0001"
Row = dict[str, object]


def rows(liaison: CommandLine, *filters: str) -> list[Row]:
    return cast("list[Row]", liaison.json("cases", "list", *filters))


def dossier(liaison: CommandLine, reference: str = FIRST) -> Row:
    return cast("Row", liaison.json("cases", "show", reference))


def test_the_listing_has_the_shape_of_the_contract(liaison: CommandLine) -> None:
    case = liaison.case()
    assert rows(liaison) == [
        {
            "reference": FIRST,
            "tier": "confirmed",
            "status": "open",
            "received_at": "2026-05-04T12:00:01.123456+00:00",
            "reverse_path": "office@mission.example",
            "header_from": "consul <office@mission.example>",
            "recipients": [
                {"address": "inspector@police.example", "tier": "confirmed", "delivery": "held", "reply": ""}
            ],
            "subject": "meeting",
            "message_id": "<1@mission.example>",
            "sha256": case.sha256,
            "size": case.size,
            "entry": "mission.example",
            "entries": ["subtree mission.example"],
            "auth": "pass",
            "decline": "review",
            "report": "none",
            "disposal": "",
            "kind": "mail",
            "assigned_to": "",
            "answer": "none",
            "on_hold": False,
        }
    ]


def test_a_closed_case_is_not_shown_as_one_to_decide(liaison: CommandLine) -> None:
    liaison.case()
    liaison.ok("cases", "dismiss", FIRST, "--reason", "a resident")
    listed = liaison.ok("cases", "list")
    assert ("not sent" in listed, "review" in listed) == (True, False)
    assert "decline: not sent; report: none" in liaison.ok("cases", "show", FIRST)
    assert rows(liaison)[0]["decline"] == "review"


def test_a_null_reverse_path_is_an_empty_text(liaison: CommandLine) -> None:
    liaison.case(reverse_path="")
    assert rows(liaison)[0]["reverse_path"] == ""


def test_the_listing_shows_closed_cases_too_the_newest_first(liaison: CommandLine) -> None:
    liaison.case(1)
    liaison.case(2)
    liaison.ok("cases", "close", FIRST)
    assert [row["reference"] for row in rows(liaison)] == ["LG-TEST-0002", FIRST]


def test_the_listing_can_be_narrowed(liaison: CommandLine) -> None:
    liaison.case(1)
    liaison.case(2, tier=Tier.RELATED)
    liaison.ok("cases", "close", FIRST)
    assert [row["reference"] for row in rows(liaison, "--status", "closed")] == [FIRST]
    assert [row["reference"] for row in rows(liaison, "--tier", "related")] == ["LG-TEST-0002"]
    assert liaison.ok("cases", "list", "--tier", "spoofed") == "No case is like that.\n"


def test_in_a_pipe_nothing_is_cut_off(liaison: CommandLine) -> None:
    subject = "a subject of some length " * 20
    recipients = [f"officer{number}@police.example" for number in range(20)]
    liaison.case(1, *recipients, subject=subject.strip())
    listing = liaison.ok("cases", "list")
    assert len(listing.splitlines()) == 2
    assert subject.strip() in listing
    assert all(f"{recipient} held" in listing for recipient in recipients)


def test_a_hostile_subject_does_not_reach_the_terminal(liaison: CommandLine) -> None:
    liaison.case(subject="\x1b]0;owned\x07 [red]\u202egnp.exe")
    shown = liaison.ok("cases", "list") + liaison.ok("cases", "show", FIRST)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "[red]" in shown


def test_a_case_is_shown_with_its_reasons_and_its_history(liaison: CommandLine) -> None:
    liaison.case()
    shown = liaison.ok("cases", "show", FIRST)
    assert shown.startswith(f"{FIRST}: confirmed, open\n")
    for words in (
        "The sender is listed.",
        "stands for: Embassy of Example",
        "inspector@police.example: held (confirmed)",
        "authentication: pass (dkim none, dmarc none, spf pass mission.example)",
        "gateway: case.recorded",
    ):
        assert words in shown


def test_a_reference_is_taken_in_lower_case(liaison: CommandLine) -> None:
    liaison.case()
    assert dossier(liaison, FIRST.lower())["reference"] == FIRST


@pytest.mark.parametrize("verb", [["show"], ["decline"], ["report"], ["release"], ["dismiss"], ["close"]], ids=" ".join)
def test_an_unknown_reference_is_a_sentence_and_exit_1(liaison: CommandLine, verb: list[str]) -> None:
    result = liaison("cases", *verb, "LG-NONE-0000")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("There is no case LG-NONE-0000")


def test_a_decline_is_asked_for_once(liaison: CommandLine) -> None:
    liaison.case()
    said = liaison.ok("cases", "decline", FIRST)
    assert said.startswith(f"The decline of {FIRST} to office@mission.example waits in the outbox")
    assert rows(liaison)[0]["decline"] == "waiting"
    again = liaison("cases", "decline", FIRST)
    assert again.exit_code == 1
    assert f"{FIRST} has a decline already; it is waiting" in again.stderr


def test_a_decline_that_could_loop_is_refused_with_its_reason(liaison: CommandLine) -> None:
    liaison.case(reverse_path="")
    result = liaison("cases", "decline", FIRST)
    assert result.exit_code == 1
    assert "reverse-path is null" in result.stderr
    assert "no decline may be sent: The reverse-path is null" in liaison.ok("cases", "show", FIRST)


def test_a_report_goes_to_the_collation_address(liaison: CommandLine) -> None:
    liaison.case(report=ActionState.REVIEW)
    assert "to collation@ildc.example waits" in liaison.ok("cases", "report", FIRST)
    assert rows(liaison)[0]["report"] == "waiting"
    assert liaison("cases", "report", FIRST).exit_code == 1


def test_a_release_to_one_says_what_remains(liaison: CommandLine) -> None:
    liaison.case(1, "a@police.example", "b@police.example")
    said = liaison.ok("cases", "release", FIRST, "--rcpt", "A@police.example").splitlines()
    assert said[0].startswith(f"{FIRST} is being released to a@police.example, as ")
    assert said[1] == "1 recipient's copy is still held."


def test_a_release_to_all_leaves_nothing_and_is_not_repeated(liaison: CommandLine) -> None:
    liaison.case(1, "a@police.example", "b@police.example")
    said = liaison.ok("cases", "release", FIRST).splitlines()
    assert len(said) == 3
    assert said[-1] == "No recipient's copy is held any more."
    again = liaison("cases", "release", FIRST)
    assert again.exit_code == 1
    assert "Nothing of" in again.stderr


def test_a_release_to_a_stranger_is_refused(liaison: CommandLine) -> None:
    liaison.case()
    result = liaison("cases", "release", FIRST, "--rcpt", "stranger@police.example")
    assert result.exit_code == 1
    assert "stranger@police.example is no recipient of this case" in result.stderr
    assert liaison.json("outbox", "list") == []


def test_a_dismissal_cancels_what_waits_and_says_what_is_held(liaison: CommandLine) -> None:
    liaison.case()
    liaison.ok("cases", "decline", FIRST)
    said = liaison.ok("cases", "dismiss", FIRST, "--reason", "a resident's own letter")
    assert f"{FIRST} is dismissed and closed" in said
    assert f"1 recipient's copy is still held; `liaison cases release {FIRST}` delivers it." in said
    row = rows(liaison)[0]
    assert (row["status"], row["disposal"], row["decline"]) == ("closed", "dismissed", "cancelled")
    assert "a resident's own letter" in liaison.ok("audit", "show", "--subject", FIRST)


def test_a_case_is_closed_once(liaison: CommandLine) -> None:
    liaison.case(1, "a@police.example", "b@police.example")
    assert "2 recipients' copies are still held" in liaison.ok("cases", "close", FIRST)
    result = liaison("cases", "close", FIRST)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "is closed already" in result.stderr


@pytest.mark.parametrize("verb", ["dismiss", "close"])
def test_of_a_case_with_nothing_held_no_verb_speaks_of_copies(liaison: CommandLine, verb: str) -> None:
    liaison.ok(
        "cases", "record", "--kind", "phone", "--at", "2026-07-01 10:00", "--who", "A. Caller", "--asked", "A file."
    )
    assert "cop" not in liaison.ok("cases", verb, str(rows(liaison)[0]["reference"]))


def test_a_note_stands_on_the_case_with_its_author(liaison: CommandLine) -> None:
    liaison.case()
    liaison.ok("cases", "note", FIRST, "Called the unit.\nThey know.")
    (note,) = cast("list[Row]", dossier(liaison)["notes"])
    assert note["text"] == "Called the unit.\nThey know."
    assert str(note["actor"]).startswith("cli:")
    assert "Called the unit." in liaison.ok("cases", "show", FIRST)


def test_an_empty_note_is_refused(liaison: CommandLine) -> None:
    liaison.case()
    assert liaison("cases", "note", FIRST, "  ").exit_code == 1


def test_the_dossier_tells_programs_everything(liaison: CommandLine) -> None:
    liaison.case()
    liaison.ok("cases", "decline", FIRST)
    shown = dossier(liaison)
    assert shown["mission"] == {"en": "Embassy of Example", "fr": "Ambassade d'Exemple"}
    assert shown["authentication"] == {"spf": "pass", "dkim": "none", "dmarc": "none"}
    assert cast("Row", shown["evidence"])["dns"] == [
        {
            "name": "mission.example",
            "type": "TXT",
            "status": "found",
            "records": ["v=spf1 mx -all", "x\0\xff"],
            "reason": "",
        }
    ]
    assert [item["purpose"] for item in cast("list[Row]", shown["outbox"])] == ["decline"]
    assert [row["action"] for row in cast("list[Row]", shown["audit"])] == ["case.recorded", "decline-requested"]


def test_the_evidence_is_shown_when_it_is_asked_for(liaison: CommandLine) -> None:
    liaison.case()
    assert "evidence" not in liaison.ok("cases", "show", FIRST)
    shown = liaison.ok("cases", "show", FIRST, "--evidence")
    assert "spf pass: 192.0.2.1 matches 'mx'." in shown
    assert "TXT mission.example: found: v=spf1 mx -all" in shown
    assert "version 3 of the lists" in shown
    assert "\0" not in shown


def test_a_trace_says_of_a_closed_case_what_the_list_says(liaison: CommandLine) -> None:
    case = liaison.case(decline=ActionState.REVIEW, report=ActionState.REVIEW)
    assert "open; decline review, report review" in liaison.ok("trace", case.reverse_path)
    liaison.ok("cases", "close", case.reference)
    assert "closed; decline not sent, report not sent" in liaison.ok("trace", case.reverse_path)
