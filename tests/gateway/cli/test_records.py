"""`liaison cases hold`, `unhold`, `liaison purge`, and the certificates, as people type them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gateway.clock import SystemClock
from gateway.model.case import Disposal

if TYPE_CHECKING:
    from typing import Any

    from gateway.model.case import Case
    from gateway.store.unit_of_work import Work
    from tests.gateway.cli.conftest import CommandLine

REFERENCE = "LG-TEST-0001"


def closed(liaison: CommandLine, days_ago: int, number: int = 1) -> Case:
    case = liaison.case(number)

    async def close(work: Work) -> None:
        found = await work.cases.by_reference(case.reference)
        assert found is not None
        closed_at = SystemClock().now() - timedelta(days=days_ago)
        await work.cases.close(found.stored_id, Disposal.HANDLED, closed_at)

    liaison.store(close)
    return case


def schedule(liaison: CommandLine, **keys: object) -> None:
    with liaison.config.open("a", encoding="utf-8") as file:
        file.write("\n[retention]\n" + "\n".join(f"{key} = {json.dumps(value)}" for key, value in keys.items()) + "\n")


def shown(liaison: CommandLine) -> dict[str, Any]:
    found: dict[str, Any] = liaison.json("cases", "show", REFERENCE)  # type: ignore[assignment]
    return found


def test_a_hold_is_placed_shown_filtered_and_lifted(liaison: CommandLine) -> None:
    liaison.case()
    liaison.case(2)
    said = liaison.ok("cases", "hold", REFERENCE.lower(), "--reason", "a lawsuit", "--by", "counsel, file 12")
    assert said == f"{REFERENCE} is on legal hold 1.\n"
    text = liaison.ok("cases", "show", REFERENCE)
    assert "a lawsuit, ordered by counsel, file 12; placed" in text
    listed = liaison.json("cases", "list", "--on-hold")
    assert [one["reference"] for one in listed] == [REFERENCE]  # type: ignore[attr-defined]
    others = liaison.json("cases", "list", "--not-on-hold")
    assert [one["on_hold"] for one in others] == [False]  # type: ignore[attr-defined]
    liaison.ok("cases", "unhold", REFERENCE, "--reason", "settled")
    assert shown(liaison)["retention"]["on_hold"] is False
    (hold,) = shown(liaison)["holds"]
    assert hold["lifted_at"]
    assert [one["action"] for one in shown(liaison)["audit"][1:]] == ["case-held", "case-unheld"]


def test_a_case_is_free_only_when_every_hold_on_it_is_lifted(liaison: CommandLine) -> None:
    liaison.case()
    for reason in ("a lawsuit", "an inquiry"):
        liaison.ok("cases", "hold", REFERENCE, "--reason", reason)
    refused = liaison("cases", "unhold", REFERENCE, "--reason", "settled")
    assert (refused.exit_code, "say which one is lifted: 1, 2" in refused.stderr) == (1, True)
    said = liaison.ok("cases", "unhold", REFERENCE, "--hold", "1", "--reason", "settled")
    assert said == f"Legal hold 1 on {REFERENCE} is lifted.\n1 more stands.\n"
    assert shown(liaison)["retention"]["on_hold"] is True
    again = liaison("cases", "unhold", REFERENCE, "--hold", "1", "--reason", "settled")
    assert "has no legal hold 1 that stands" in again.stderr


def test_a_hold_needs_a_reason(liaison: CommandLine) -> None:
    liaison.case()
    assert liaison("cases", "hold", REFERENCE).exit_code == 2
    assert liaison("cases", "hold", REFERENCE, "--reason", " ").exit_code == 1


def test_a_case_shows_its_class_and_its_day(liaison: CommandLine) -> None:
    case = closed(liaison, 10)
    kept = shown(liaison)["retention"]
    assert (kept["class"], kept["days"], kept["on_hold"]) == ("handled", 730, False)
    assert kept["due_at"] > shown(liaison)["closed_at"]
    assert "kept until 20" in liaison.ok("cases", "show", case.reference)
    liaison.ok("cases", "reopen", REFERENCE)
    assert "kept for 730 days after it is closed" in liaison.ok("cases", "show", case.reference)


def test_a_dry_run_says_what_would_go_and_does_nothing(liaison: CommandLine) -> None:
    closed(liaison, 731)
    closed(liaison, 729, number=2)
    closed(liaison, 800, number=3)
    liaison.ok("cases", "hold", "LG-TEST-0003", "--reason", "a lawsuit")
    said = liaison.ok("purge", "--dry-run")
    assert "On legal hold, and kept: 1 case." in said
    found: dict[str, Any] = json.loads(liaison.ok("purge", "--dry-run", "--json"))
    assert (found["cases"], found["on_hold"], found["classes"]["handled"]["cases"]) == (1, 1, 1)
    assert len(liaison.json("cases", "list")) == 3  # type: ignore[arg-type]


def test_a_purge_asks_first_and_writes_its_certificate(liaison: CommandLine) -> None:
    schedule(liaison, handled=30, authority="By-law 2026-1")
    case = closed(liaison, 31)
    refused = liaison("purge", stdin=b"n\n")
    assert refused.exit_code == 1
    assert len(liaison.json("cases", "list")) == 1  # type: ignore[arg-type]
    done = liaison("purge", "--yes", "--to", str(liaison.directory))
    assert done.exit_code == 0, done.output
    assert liaison.json("cases", "list") == []
    (text,) = [file for file in liaison.directory.glob("D*.txt") if ".fr" not in file.name]
    assert case.reference in text.read_text()
    assert "By-law 2026-1" in text.read_text()
    document = json.loads(text.with_suffix(".json").read_text())
    assert document == liaison.json("audit", "certificate", text.stem)
    assert text.stem in liaison.ok("audit", "certificates")
    assert text.read_text().rstrip("\n") == liaison.ok("audit", "certificate", text.stem).rstrip("\n")
    french = text.with_suffix(".fr.txt").read_text(encoding="utf-8")
    assert french.rstrip("\n") == liaison.ok("audit", "certificate", text.stem, "--language", "fr").rstrip("\n")
    for said in (f"CERTIFICAT D'ÉLIMINATION {text.stem}", case.reference, "courriel traité sans signalement"):
        assert said in french
    assert not english_in(french)

    assert liaison.ok("audit", "verify").startswith("The audit chain holds")
    assert liaison.ok("db", "check") == "The database is sound.\n"


def test_the_integrity_statement_can_be_had_in_french(liaison: CommandLine) -> None:
    said = liaison.ok("audit", "statement", "--language", "fr")
    assert said.startswith("DÉCLARATION D'INTÉGRITÉ D'UN SYSTÈME D'ARCHIVAGE ÉLECTRONIQUE")
    assert "elle tient" in said
    assert not english_in(said)


def english_in(text: str) -> set[str]:
    """Words that no French sentence has; the agency's name stands there in both languages."""
    words = text.replace("the Example Police Service", "").split()
    return {"the", "and", "is", "was", "row", "rows", "by", "none", "mail", "cases", "with"} & set(words)


def test_with_nothing_due_nothing_is_asked(liaison: CommandLine) -> None:
    closed(liaison, 10)
    assert "Nothing is to be disposed of." in liaison.ok("purge")
    assert liaison.ok("audit", "certificates") == "Nothing was disposed of.\n"
    assert liaison("audit", "certificate", "D1").exit_code == 1


def test_an_export_is_one_new_file(liaison: CommandLine) -> None:
    liaison.case()
    file = liaison.directory / "export.zip"
    said = liaison.ok("cases", "export", REFERENCE.lower(), "--to", str(file))
    assert f"{file}: 1 case, " in said
    assert file.stat().st_mode & 0o777 == 0o600
    assert liaison("cases", "export", "--status", "closed", "--to", str(liaison.directory / "b.zip")).exit_code == 1
    made: dict[str, Any] = json.loads(
        liaison.ok("cases", "export", "--all", "--to", str(liaison.directory / "c.zip"), "--json")
    )
    assert made["list"] in liaison.ok("audit", "show")


@pytest.mark.parametrize(
    "arguments",
    [[], [REFERENCE, "--all"], [REFERENCE, "--status", "open"], ["--status", "open", "--all"]],
    ids=["nothing", "a case and all", "a case and a filter", "a filter and all"],
)
def test_an_export_takes_named_cases_or_a_filter_or_all(liaison: CommandLine, arguments: list[str]) -> None:
    liaison.case()
    file = liaison.directory / "export.zip"
    refused = liaison("cases", "export", *arguments, "--to", str(file))
    assert (refused.exit_code, "--all: one of the three" in " ".join(refused.stderr.split())) == (2, True)
    assert not file.exists()


def test_a_backup_and_its_restoration(liaison: CommandLine) -> None:
    liaison.case()
    copy = liaison.directory / "copy.db"
    assert "SHA-256" in liaison.ok("db", "backup", str(copy))
    assert liaison("db", "backup", str(copy)).exit_code == 1
    liaison.ok("cases", "close", REFERENCE)
    refused = liaison("db", "restore", str(copy))
    assert (refused.exit_code, "holds cases" in refused.stderr) == (1, True)
    said = liaison.ok("db", "restore", str(copy), "--force")
    assert "The outbox is paused" in said
    assert shown(liaison)["status"] == "open"
    assert liaison.ok("db", "check") == "The database is sound.\n"
    assert "database-restored" in liaison.ok("audit", "show")


def test_the_integrity_statement(liaison: CommandLine) -> None:
    liaison.case()
    liaison.ok("db", "backup", str(liaison.directory / "copy.db"))
    text = liaison.ok("audit", "statement", "--since", "2026-01-01")
    assert "copy.db" in text
    made: dict[str, Any] = liaison.json("audit", "statement", "--until", "2026-01-01")  # type: ignore[assignment]
    assert made["backups"] == []
    assert made["chain"]["holds"] is True
