"""A process imports what its role needs and nothing else: modules are counted here, megabytes by `make bench`."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

from gateway.cli import main
from gateway.cli.program import COMMANDS
from tests.support.dialogue import Dialogue
from tests.support.gateway import write_configuration
from tests.support.mta import ScriptedMTA

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

CLEAN = b"From: resident@town.example\r\nSubject: Hello\r\n\r\nGood day.\r\n"

NOBODY = {
    "alembic", "mako", "prometheus_client", "psycopg", "publicsuffixlist", "pygments", "rich",
    "sqlalchemy.dialects.postgresql", "sqlalchemy.orm",
}  # fmt: skip
"""What no role needs on SQLite, once the database is at the head and has a list, while monitoring asks nothing."""
SENDERS = {"aiosmtplib", "dkim", "jinja2", "gateway.compose.templates", "gateway.dispatch", "gateway.sending"}
"""What a role that sends mail needs."""
SUSPECTS = {"dns", "cryptography", "gateway.verify.dmarc", "gateway.verify.spf", "zstandard"}
"""What is imported at the first suspect: the DNS is asked, signatures are checked, the message is kept."""
PEOPLE = {"gateway.desk", "gateway.operations.casework", "gateway.store.case_files", "gateway.store.list_records"}
"""What people call: an SMTP process has no desk."""

_TOLD_AT_THE_END = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted(sys.modules)), flush=True))
from gateway.cli import main
main()
"""


async def modules_of(*arguments: str, next_hop: ScriptedMTA | None = None) -> set[str]:
    """What `liaison` has imported when it ends; `serve` is given a message of clean mail before."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _TOLD_AT_THE_END, *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    async with asyncio.timeout(30):
        if next_hop is not None:
            ready = (await process.stdout.readline()).decode()
            if "smtp=" in ready:
                client = await Dialogue.open(int(ready.partition("smtp=")[2].split()[0].rpartition(":")[2]))
                await client.mail("resident@town.example", ["desk@police.example"], CLEAN, expect="250 2.0.0")
                await client.close()
            process.send_signal(signal.SIGTERM)
        said, _ = await process.communicate()
    return set(json.loads(said.splitlines()[-1]))


def among(imported: set[str], weights: Iterable[str]) -> list[str]:
    return sorted(name for name in weights if name in imported)


@pytest.fixture
async def next_hop() -> AsyncIterator[ScriptedMTA]:
    mta = await ScriptedMTA().start()
    yield mta
    await mta.stop()


@pytest.fixture
def configuration(tmp_path: Path, next_hop: ScriptedMTA) -> Path:
    """With a database that is at the head and has its first list."""
    path = write_configuration(tmp_path, next_hop=next_hop.port, smarthost=None, url="sqlite:///l.db")
    for command in (["db", "upgrade"], ["senders", "list"]):
        subprocess.run([sys.executable, "-m", "gateway", "--config", path, *command], check=True)
    return path


@pytest.mark.parametrize(
    ("role", "absent"),
    [("smtp", NOBODY | SENDERS | SUSPECTS | PEOPLE), ("dispatch", NOBODY), ("all", NOBODY)],
)
async def test_a_role_imports_what_it_needs(
    configuration: Path, next_hop: ScriptedMTA, role: str, absent: set[str]
) -> None:
    imported = await modules_of("--config", str(configuration), "serve", "--role", role, next_hop=next_hop)
    assert among(imported, absent) == []
    assert among(imported, SENDERS) == ([] if role == "smtp" else sorted(SENDERS))


async def test_a_first_start_leaves_what_it_needs_once_to_a_process_that_ends(
    tmp_path: Path, next_hop: ScriptedMTA
) -> None:
    path = write_configuration(tmp_path, next_hop=next_hop.port, smarthost=None, url="sqlite:///new.db")
    imported = await modules_of("--config", str(path), "serve", "--role", "smtp", next_hop=next_hop)
    assert among(imported, NOBODY) == []


async def test_help_comes_without_the_weight_of_what_runs() -> None:
    imported = await modules_of("--help")
    assert among(imported, {"asyncio", "gateway.settings", "gateway.store", "rich", "sqlalchemy", "structlog"}) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_of_itself(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert (command.name, command.get_short_help_str(limit=200)) == (name, COMMANDS[name][1])
