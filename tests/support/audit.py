"""Asks a vulnerability service about every locked package: `make audit`, and `.ci/run`.

A vulnerability is a failure, and so is a package that the service was not asked about while it was about others. A
service that can't be reached is one too, except with `--may-be-away`, where it is a warning that nobody can overlook: a
build machine without the network has to be able to build.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from tests.support.checkout import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

PIP_AUDIT = (
    str(ROOT / ".venv/bin/uv"), "tool", "run", "--from", "pip-audit==2.10.1", "pip-audit",
    "--disable-pip", "--require-hashes", "-r", str(ROOT / "requirements.lock"), "--format", "json",
)  # fmt: skip
TIMEOUT = 300
"""Seconds."""
_AWAY = re.compile(
    r"connect|timed out|timeout|unreachable|name resolution|resolve host|dns error|proxy|failed to fetch|\b50[234]\b",
    re.IGNORECASE,
)
"""What is said of a network that is not there."""


class Verdict(IntEnum):
    """What came of it; the number is the exit code."""

    CLEAN = 0
    FOUND = 1
    AWAY = 2
    BROKEN = 3


@dataclass(frozen=True, slots=True)
class Audit:
    """The verdict, and what to print."""

    verdict: Verdict
    lines: tuple[str, ...]


def audit(command: Sequence[str] = PIP_AUDIT) -> Audit:
    """Run pip-audit, and judge what it says."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        return Audit(Verdict.AWAY, (f"no answer within {TIMEOUT} s",))
    except OSError as error:
        return Audit(Verdict.BROKEN, (str(error),))
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return Audit(Verdict.AWAY if _AWAY.search(done.stderr) else Verdict.BROKEN, (last,))
    return _judged(packages)


def _judged(packages: list[dict[str, object]]) -> Audit:
    skipped = [f"{one['name']}: {one['skip_reason']}" for one in packages if "skip_reason" in one]
    found = [line for one in packages for line in _vulnerabilities(one)]
    if found:
        return Audit(Verdict.FOUND, tuple(found))
    if not packages:
        return Audit(Verdict.BROKEN, ("it was asked about no package",))
    if len(skipped) == len(packages):
        return Audit(Verdict.AWAY, (skipped[0], f"and so for all {len(packages)} packages"))
    if skipped:
        return Audit(Verdict.BROKEN, tuple(skipped))
    return Audit(Verdict.CLEAN, (f"no known vulnerability in {len(packages)} packages",))


def _vulnerabilities(package: dict[str, object]) -> list[str]:
    known = package.get("vulns")
    where = f"{package['name']} {package.get('version', '')}"
    return [f"{where}: {one['id']}, mended in {one['fix_versions'] or 'no version'}" for one in known or ()]  # type: ignore[attr-defined]


def main(arguments: Sequence[str], command: Sequence[str] = PIP_AUDIT) -> int:
    """`--may-be-away` makes a warning of a service that can't be reached."""
    result = audit(command)
    for line in result.lines:
        print(line)  # noqa: T201 -- its result
    if result.verdict is Verdict.AWAY:
        print("WARNING: NOT AUDITED. The vulnerability service could not be asked: run `make audit` where it can.")  # noqa: T201
        return 0 if "--may-be-away" in arguments else int(Verdict.AWAY)
    return int(result.verdict)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
