"""`liaison cases amend` and `answer`, and what `show` says of both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from tests.gateway.cli.conftest import CommandLine

FIRST = "LG-TEST-0001"


def test_an_answer_is_recorded_and_shown(liaison: CommandLine) -> None:
    liaison.case()
    liaison.ok(
        "cases", "answer", FIRST.lower(), "--text", "Known to us.", "--their-reference", "R 7", "--on", "2026-05-05"
    )
    shown = cast("dict[str, Any]", liaison.json("cases", "show", FIRST))
    assert shown["answer"] == "answered"
    assert [(one["text"], one["their_reference"], one["on"], one["seen"]) for one in shown["answers"]] == [
        ("Known to us.", "R 7", "2026-05-05", False)
    ]
    assert "their reference R 7: Known to us." in liaison.ok("cases", "show", FIRST)
    listed = cast("list[dict[str, object]]", liaison.json("cases", "list", "--answer", "answered"))
    assert [row["reference"] for row in listed] == [FIRST]


def test_an_amendment_before_the_report_is_refused_in_words(liaison: CommandLine) -> None:
    liaison.case()
    refused = liaison("cases", "amend", FIRST, "--text", "More.")
    assert refused.exit_code == 1
    assert "nothing to add to" in refused.stderr
