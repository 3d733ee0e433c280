"""The database file is away, or can't be reached: nothing is made in its place by who only looks, and it is named."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.checkout import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gateway.cli.conftest import CommandLine

LOOKING = [
    "cases list", "cases show LG-TEST-0001", "cases close LG-TEST-0001", "senders list", "senders history",
    "senders export", "senders try mission.example", "senders undo 1", "senders restore 1", "senders exempt",
    "senders import {pack} --dry-run", "audit show", "audit verify", "audit statement", "outbox list", "users list",
    "alerts list", "mode", "trace x@mission.example", "purge --dry-run", "db check", "db backup copy", "db rekey",
]  # fmt: skip
WRITING = [
    "users add anna --role administrator",
    "senders add domain mission.example",
    "senders import {pack}",
    "db upgrade",
]


def words(command: str) -> list[str]:
    return command.format(pack=ROOT / "config" / "senders" / "prc.toml").split()


def keyed(liaison: CommandLine) -> None:
    """`db rekey` needs a key before it needs a database."""
    liaison.ok("db", "key", "--file", str(liaison.directory / "keys"))
    written = liaison.config.read_text()
    liaison.config.write_text(written.replace("[store]", f'[store]\nkey_file = "{liaison.directory}/keys"'))


@pytest.mark.parametrize("command", LOOKING)
def test_who_only_looks_makes_no_database_and_says_that_there_is_none(command: str, new_liaison: CommandLine) -> None:
    keyed(new_liaison)
    before = sorted(new_liaison.directory.iterdir())
    result = new_liaison(*words(command))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"The database file {new_liaison.database} is not there: see that store.url is right, or put the file back; "
        "before the first start there is none\n"
    )
    assert sorted(new_liaison.directory.iterdir()) == before


@pytest.mark.parametrize("command", ["cases list", "audit verify", "users list", "mode"])
def test_who_only_looks_fills_no_database_that_is_empty(command: str, new_liaison: CommandLine) -> None:
    new_liaison.file("liaison.db", b"")
    result = new_liaison(*words(command))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("The database is empty: see that store.url is right")
    assert new_liaison("users", "add", "anna", "--role", "administrator").exit_code == 0
    assert new_liaison(*words(command)).exit_code == 0


def test_a_mistyped_directory_is_not_made(new_liaison: CommandLine) -> None:
    new_liaison.config.write_text(new_liaison.config.read_text().replace("liaison.db", "mistyped/liaison.db"))
    assert new_liaison("audit", "verify").exit_code == 1
    assert not (new_liaison.directory / "mistyped").exists()


@pytest.mark.parametrize("command", WRITING)
def test_who_sets_up_makes_the_database_and_says_so(command: str, new_liaison: CommandLine) -> None:
    result = new_liaison(*words(command))
    assert (result.exit_code, result.stderr) == (0, f"made a new, empty database: {new_liaison.database}\n")
    assert new_liaison(*words(command)).stderr != result.stderr
    assert new_liaison.json("db", "check") == {"sound": True, "problems": []}


def test_a_check_warns_of_a_database_that_may_be_lost(new_liaison: CommandLine) -> None:
    line = new_liaison.ok("check").splitlines()[-1]
    assert line.startswith(f"warning database: {new_liaison.database} is not there: the next start")
    assert "put the file back" in line


@pytest.mark.parametrize(
    "command", ["check", "check --online", "db check", "db backup copy", "cases list", "serve", "screen -"]
)
def test_a_directory_that_may_not_be_entered_is_named(command: str, liaison: CommandLine) -> None:
    closed = liaison.directory / "var"
    closed.mkdir()
    liaison.database.rename(closed / "liaison.db")
    liaison.config.write_text(liaison.config.read_text().replace("liaison.db", "var/liaison.db"))
    done = without_rights(closed, liaison, *words(command))
    assert "Traceback" not in done.stdout + done.stderr
    assert f"this account may not enter {closed}" in done.stdout + done.stderr
    assert done.returncode == 1


@pytest.mark.parametrize("command", ["check", "db check", "db backup copy"])
def test_a_file_that_may_not_be_written_is_named(command: str, liaison: CommandLine) -> None:
    done = without_rights(liaison.database, liaison, *words(command))
    assert f"{liaison.database} can't be opened: this account may not read and write it" in done.stdout + done.stderr
    assert done.returncode == 1


def without_rights(place: Path, liaison: CommandLine, *arguments: str) -> subprocess.CompletedProcess[str]:
    """While nobody may do anything with `place`; root keeps its name, and not the right to overlook that."""
    if os.getuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("as root it needs setpriv (util-linux)")
    weaker = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.getuid() == 0 else []
    mode = place.stat().st_mode
    place.chmod(0)
    try:
        return subprocess.run(
            [*weaker, sys.executable, "-m", "gateway", "--config", str(liaison.config), *arguments],
            input="", capture_output=True, text=True, check=False, timeout=50,
        )  # fmt: skip
    finally:
        place.chmod(mode)
