"""An export holds what it should, under safe names, and proves itself offline with a program that comes with it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from filters.disposition import Tier
from gateway.errors import RefusedError
from gateway.model.case import ContactKind
from gateway.model.case_list import EVERY_CASE, CaseFilter
from gateway.operations.exporting import Exporting
from gateway.shipped import shipped
from tests.support.closed_cases import LETTER, SCHEDULE, a_closed_case
from tests.support.records import RAW, a_case, record

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.operations.exporting import Archive
    from gateway.store.unit_of_work import Store
    from tests.support.clocks import StoppedClock

VERIFY = shipped("templates") / "export" / "verify.py"
HOSTILE = '=cmd|" /C calc"!A0 <script>alert(1)</script> ../../etc/passwd\x00\u202e'


def exporting(store: Store, clock: StoppedClock) -> Exporting:
    return Exporting(store=store, clock=clock, schedule=SCHEDULE, agency_en="the Service", agency_fr="le Service")


async def made(store: Store, clock: StoppedClock, file: Path) -> tuple[Archive, list[str]]:
    """Two cases: one that was reported, and one whose texts are hostile."""
    hostile = replace(
        a_case(), subject=HOSTILE, header_from=HOSTILE, message_id=HOSTILE, reverse_path="../../x@mission.example"
    )
    async with store.begin() as work:
        references = [
            (await a_closed_case(work, days_ago=10, reported=True)).reference,
            (await record(work, hostile)).reference,
        ]
    return await exporting(store, clock).to_file(references, file, actor="cli:ann"), references


def verified(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """By Python alone: no environment, no packages, none of our paths."""
    return run(sys.executable, "-I", "-S", str(VERIFY), *map(str, arguments))


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"})


def unpacked(file: Path, place: Path) -> Path:
    with zipfile.ZipFile(file) as archive:
        archive.extractall(place)
    return place


async def test_an_export_holds_originals_index_records_history_and_mail(
    store: Store, clock: StoppedClock, tmp_path: Path
) -> None:
    done, (first, second) = await made(store, clock, tmp_path / "export.zip")
    with zipfile.ZipFile(tmp_path / "export.zip") as archive:
        names = archive.namelist()
        assert archive.read(f"cases/{first}/original.eml") == LETTER
        assert archive.read(f"cases/{second}/original.eml") == RAW
        record_text = archive.read(f"cases/{first}/record.txt").decode()
        history = [json.loads(line) for line in archive.read(f"cases/{first}/audit.jsonl").splitlines()]
        rows = list(csv.reader(io.StringIO(archive.read("index.csv").decode("utf-8-sig"))))
        page = archive.read("index.html").decode()
        listed = archive.read("SHA256SUMS")
    assert len([name for name in names if name.startswith(f"cases/{first}/sent/report-")]) == 1
    assert (done.cases, done.files, len(names)) == (2, len(names), done.files)
    assert "Received / Reçu: 2026-05-04" in record_text
    assert "History: decisions, views and everything else / Historique" in record_text
    assert [row["action"] for row in history][-1] == "case-exported"
    assert rows[0][0] == "Reference / Référence"
    assert [row[0] for row in rows[1:]] == [first, second]
    assert '<span lang="fr">Objet</span>' in page
    assert done.list_digest == hashlib.sha256(listed).hexdigest()
    async with store.reading() as work:
        written = await work.audit.last("export-made")
    assert written is not None
    assert (written.subject, written.detail["sha256"]) == (done.id, done.list_digest)


async def test_what_a_message_says_is_neither_a_path_nor_a_formula_nor_markup(
    store: Store, clock: StoppedClock, tmp_path: Path
) -> None:
    _, (_, hostile) = await made(store, clock, tmp_path / "export.zip")
    with zipfile.ZipFile(tmp_path / "export.zip") as archive:
        allowed = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-./")
        assert all(
            set(name) <= allowed and ".." not in name and not name.startswith("/") for name in archive.namelist()
        )
        rows = list(csv.reader(io.StringIO(archive.read("index.csv").decode("utf-8-sig"))))
        assert "<script" not in archive.read("index.html").decode()
    row = dict(zip(rows[0], next(row for row in rows if row[0] == hostile), strict=True))
    assert row["Subject / Objet"].startswith("'=cmd")


async def test_an_export_is_verified_as_a_zip_and_unpacked(store: Store, clock: StoppedClock, tmp_path: Path) -> None:
    done, _ = await made(store, clock, tmp_path / "export.zip")
    folder = unpacked(tmp_path / "export.zip", tmp_path / "there")
    for found in (verified(tmp_path / "export.zip"), verified(folder), verified(folder, "--list", done.list_digest)):
        assert (found.returncode, found.stderr) == (0, "")
        assert f"All {done.files - 1} files are as they were." in found.stdout
        assert done.list_digest in found.stdout
    own = run(sys.executable, "-I", str(folder / "verify.py"))
    assert own.returncode == 0, own.stdout
    assert run("/usr/bin/env", "-C", str(folder), "sha256sum", "--quiet", "-c", "SHA256SUMS").returncode == 0


async def test_what_differs_is_missing_or_was_added_is_named(store: Store, clock: StoppedClock, tmp_path: Path) -> None:
    done, (first, second) = await made(store, clock, tmp_path / "export.zip")
    folder = unpacked(tmp_path / "export.zip", tmp_path / "there")
    (folder / "cases" / first / "original.eml").write_bytes(LETTER + b" ")
    (folder / "cases" / second / "record.txt").unlink()
    (folder / "cases" / "extra.eml").write_bytes(b"")
    os.symlink("/etc", folder / "link")
    (folder / "index.csv").unlink()
    os.symlink("index.html", folder / "index.csv")
    found = verified(folder)
    assert found.returncode == 1
    for line in (
        f"differs: 'cases/{first}/original.eml'",
        f"missing: 'cases/{second}/record.txt'",
        "added: 'cases/extra.eml'",
        "added: 'link'",
        "unreadable: 'index.csv'",
    ):
        assert line in found.stdout
    other = verified(tmp_path / "export.zip", "--list", "0" * 64)
    assert (other.returncode, "differs: SHA256SUMS" in other.stdout) == (1, True)
    assert done.list_digest in other.stdout


async def test_a_zip_with_a_file_added_or_twice_is_found_out(store: Store, clock: StoppedClock, tmp_path: Path) -> None:
    _, (first, _) = await made(store, clock, tmp_path / "export.zip")
    with zipfile.ZipFile(tmp_path / "export.zip", "a") as archive:
        archive.writestr("evil\u202e.eml", b"")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr(f"cases/{first}/original.eml", LETTER)
    found = verified(tmp_path / "export.zip")
    assert found.returncode == 1
    assert f"twice: 'cases/{first}/original.eml'" in found.stdout
    assert r"added: 'evil\u202e.eml'" in found.stdout


@pytest.mark.parametrize("line", ["0" * 64 + "  ../x", "0" * 64 + "  /etc/passwd", "nonsense", "0" * 64 + "  a\\b", ""])
def test_a_list_that_leads_outside_is_none(tmp_path: Path, line: str) -> None:
    (tmp_path / "SHA256SUMS").write_text(line + "\n")
    found = verified(tmp_path)
    assert (found.returncode, found.stdout.startswith("NOT verified")) == (1, True)
    assert verified(tmp_path / "nowhere").returncode == 1


async def test_the_filters_of_the_list_choose_and_nothing_is_replaced(
    store: Store, clock: StoppedClock, tmp_path: Path
) -> None:
    async with store.begin() as work:
        await record(work, replace(a_case(), tier=Tier.SUSPECT))
        wanted = (await record(work)).reference
    verbs = exporting(store, clock)
    chosen = await verbs.chosen([], CaseFilter(tier=Tier.CONFIRMED))
    assert chosen == [wanted]
    assert len(await verbs.chosen([], EVERY_CASE)) == 2
    with pytest.raises(RefusedError, match="There is no case LG-NONE"):
        await verbs.chosen([wanted, "LG-NONE"], EVERY_CASE)
    await verbs.to_file(chosen, tmp_path / "export.zip", actor="cli:ann")
    with pytest.raises(RefusedError, match="is not replaced"):
        await verbs.to_file(chosen, tmp_path / "export.zip", actor="cli:ann")
    with pytest.raises(RefusedError, match="no case to export"):
        await verbs.to_file([], tmp_path / "other.zip", actor="cli:ann")
    assert [path.name for path in tmp_path.glob("*.zip")] == ["export.zip"]


async def test_a_contact_by_hand_is_exported_as_it_was_written_down(
    store: Store, clock: StoppedClock, tmp_path: Path
) -> None:
    async with store.begin() as work:
        case = await record(work, replace(a_case(b"{}"), kind=ContactKind.PHONE), b"{}")
    await exporting(store, clock).to_file([case.reference], tmp_path / "export.zip", actor="cli:ann")
    with zipfile.ZipFile(tmp_path / "export.zip") as archive:
        assert archive.read(f"cases/{case.reference}/contact.json") == b"{}"
