"""What we are made of: each direct dependency has its reason, each package its licence, and the audit says what it found."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest

from tests.support import licences
from tests.support.audit import Verdict, audit, main
from tests.support.checkout import ROOT, document

if TYPE_CHECKING:
    from pathlib import Path

REASONS = ROOT / "docs/decisions/0015-dependencies.md"


def direct() -> set[str]:
    declared = tomllib.loads(document("pyproject.toml"))["project"]["dependencies"]
    return {re.split(r"[\[<>=!~ ;]", one)[0].lower() for one in declared}


def test_every_direct_dependency_has_its_reason_and_nothing_else_has_one() -> None:
    rows = re.findall(r"^\| ([a-z0-9-]+) \| (.+?) \|$", REASONS.read_text("utf-8"), re.MULTILINE)
    reasons = {name: reason for name, reason in rows if name != "package"}
    assert set(reasons) == direct()
    assert [name for name, reason in reasons.items() if len(reason) < 15] == []


def test_the_list_of_licences_is_that_of_the_lock_file() -> None:
    assert licences.LIST.read_text("utf-8") == licences.written(), "run `make licences`"


def test_every_locked_package_has_a_licence_or_is_for_another_system() -> None:
    listed = licences.listed(licences.LIST.read_text("utf-8"))
    for package in licences.locked():
        assert package.name in listed or package.marker, package.name
    assert [name for name, licence in listed.items() if not licence or "unknown" in licence.lower()] == []


def test_no_licence_asks_for_more_than_its_own_code() -> None:
    listed = licences.listed(licences.LIST.read_text("utf-8"))
    strong = {
        name: one for name, one in listed.items() if re.search(r"(?<!L)GPL|AGPL|SSPL|proprietary", one, re.IGNORECASE)
    }
    assert {name for name in strong if "LGPL" not in strong[name] and "Lesser" not in strong[name]} == set()


def says(tmp_path: Path, out: object, err: str = "", code: int = 0) -> list[str]:
    """A stand-in for pip-audit, at the edge of the network."""
    script = tmp_path / "pip_audit.py"
    text = out if isinstance(out, str) else json.dumps(out)
    script.write_text(f"import sys\nsys.stdout.write({text!r})\nsys.stderr.write({err!r})\nsys.exit({code})\n")
    return [sys.executable, str(script)]


CLEAN = {"name": "click", "version": "8.2", "vulns": []}
HOLED = {"name": "jinja2", "version": "3.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3.1"]}]}
SKIPPED = {"name": "uvloop", "skip_reason": "not found on PyPI"}


@pytest.mark.parametrize(
    ("packages", "verdict"),
    [
        ([CLEAN], Verdict.CLEAN),
        ([CLEAN, HOLED], Verdict.FOUND),
        ([HOLED, SKIPPED], Verdict.FOUND),
        ([CLEAN, SKIPPED], Verdict.BROKEN),
        ([SKIPPED], Verdict.AWAY),
        ([], Verdict.BROKEN),
    ],
)
def test_what_the_service_says_is_judged(tmp_path: Path, packages: list[object], verdict: Verdict) -> None:
    command = says(tmp_path, {"dependencies": packages}, code=int(verdict is Verdict.FOUND))
    assert audit(command).verdict is verdict


@pytest.mark.parametrize(
    ("err", "verdict"),
    [
        ("HTTPSConnectionPool(host='pypi.org', port=443): Max retries exceeded: Connection refused", Verdict.AWAY),
        ("error: Failed to fetch: `https://pypi.org/simple/pip-audit/`", Verdict.AWAY),
        ("Temporary failure in name resolution", Verdict.AWAY),
        ("usage: pip-audit: error: unrecognized arguments: --disable-pip", Verdict.BROKEN),
        ("", Verdict.BROKEN),
    ],
)
def test_a_service_that_is_away_is_told_from_an_audit_that_is_broken(
    tmp_path: Path, err: str, verdict: Verdict
) -> None:
    assert audit(says(tmp_path, "", err, 1)).verdict is verdict


def test_on_a_build_machine_a_service_that_is_away_is_a_loud_warning_and_a_hole_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    away = says(tmp_path, "", "Connection refused", 1)
    assert main(["--may-be-away"], away) == 0
    assert "WARNING: NOT AUDITED" in capsys.readouterr().out
    assert main([], away) == Verdict.AWAY
    assert main(["--may-be-away"], says(tmp_path, {"dependencies": [HOLED]}, code=1)) == Verdict.FOUND
    assert "jinja2 3.0: PYSEC-1, mended in ['3.1']" in capsys.readouterr().out
    assert main(["--may-be-away"], says(tmp_path, "", "unrecognized arguments", 2)) == Verdict.BROKEN


def test_the_build_runs_the_audit_and_fails_by_it() -> None:
    run = document(".ci/run")
    assert "audit --may-be-away" in run
    assert re.search(r'\[ "\$audit" = passed \]', run)
    done = subprocess.run(["/bin/bash", "-n", str(ROOT / ".ci/run")], check=False)
    assert done.returncode == 0
