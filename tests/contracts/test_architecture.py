"""Who may import whom: the contracts of pyproject.toml hold, and they refuse what they are meant to refuse."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.checkout import PACKAGES, ROOT

if TYPE_CHECKING:
    from pathlib import Path


def lint_imports(directory: Path) -> subprocess.CompletedProcess[str]:
    """In a process of its own: import-linter puts the directory on its path and remembers what it has seen."""
    run = (
        "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True, is_debug_mode=False))"
    )
    return subprocess.run([sys.executable, "-c", run], cwd=directory, capture_output=True, check=False, text=True)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("house")
    shutil.copy(ROOT / "pyproject.toml", directory)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, directory / package, ignore=shutil.ignore_patterns("__pycache__"))
    return directory


def test_every_room_imports_only_what_lies_below_it(copy: Path) -> None:
    done = lint_imports(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("filters/rules.py", "import gateway.clock", "never the other way round"),
        ("filters/address.py", "import filters.lists", "The modules of the filters"),
        ("filters/rules.py", "import socket", "Pure code"),
        ("filters/rules.py", "import dns.resolver", "dnspython is for questions"),
        ("gateway/model/plan.py", "import random", "Pure code"),
        ("gateway/smtp/session.py", "import gateway.dispatch.worker", "The rooms of the gateway"),
        ("gateway/store/cases.py", "import gateway.compose.mime", "The rooms of the gateway"),
        ("gateway/operations/intake.py", "import gateway.assembly", "The rooms of the gateway"),
        ("gateway/assembly.py", "import gateway.desk", "The rooms of the gateway"),
        ("gateway/dispatch/worker.py", "import gateway.store.unit_of_work", "Units of work"),
        ("gateway/operations/outbox.py", "import sqlalchemy", "SQLAlchemy, Alembic and the drivers"),
        ("gateway/operations/intake.py", "import aiosmtpd.smtp", "aiosmtpd is the SMTP server's"),
        ("gateway/smtp/session.py", "import aiosmtplib", "aiosmtplib is the relay's"),
        ("gateway/operations/composing.py", "import jinja2", "Jinja2 is the mail templates'"),
        ("gateway/compose/decline.py", "import dkim", "dkimpy is the signature's"),
        ("gateway/compose/decline.py", "import cryptography", "SQLAlchemy, Alembic and the drivers"),
        ("gateway/operations/casework.py", "import click", "click and rich are the command line's"),
        ("gateway/supervisor/service.py", "import prometheus_client", "prometheus_client is the monitoring pages'"),
        ("gateway/operations/casework.py", "import nh3", "nh3 is the preview's"),
        ("gateway/preview/message.py", "import gateway.store.messages", "The rooms of the gateway"),
        ("gateway/metrics/pages.py", "import gateway.store.unit_of_work", "Units of work"),
        ("gateway/metrics/pages.py", "import gateway.smtp.server", "The rooms of the gateway"),
        ("gateway/counters.py", "import gateway.clock", "The rooms of the gateway"),
        ("gateway/utilities.py", "", "The rooms of the gateway"),
        ("filters/extras.py", "", "The modules of the filters"),
    ],
)
def test_a_forbidden_import_or_a_stray_module_is_refused(copy: Path, module: str, line: str, contract: str) -> None:
    path = copy / module
    before = path.read_text(encoding="utf-8") if path.exists() else None
    path.write_text(f"{before or ''}\n{line}\n", encoding="utf-8")
    try:
        done = lint_imports(copy)
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_text(before, encoding="utf-8")
    assert done.returncode != 0
    assert any(contract in broken and "BROKEN" in broken for broken in done.stdout.splitlines()), done.stdout
