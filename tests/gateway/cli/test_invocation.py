from __future__ import annotations

import os
import pwd
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from gateway.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.gateway.cli.conftest import CommandLine

EVERY_COMMAND = [
    ["cases", "list"],
    ["cases", "show", "LG-TEST-0001"],
    ["outbox", "list"],
    ["senders", "list"],
    ["senders", "export"],
    ["audit", "show"],
    ["audit", "verify"],
    ["db", "upgrade"],
    ["db", "check"],
    ["mode"],
]


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """A process of its own: what a shell sees."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LIAISON_")}
    return subprocess.run(
        [sys.executable, "-m", "gateway", *arguments],
        env=inherited | environ, capture_output=True, text=True, check=False, timeout=50,
    )  # fmt: skip


@pytest.mark.parametrize("place", [0, 1, 2], ids=["before", "between", "after"])
def test_the_configuration_is_named_before_or_after_the_command(liaison: CommandLine, place: int) -> None:
    arguments = ["cases", "list"]
    arguments[place:place] = ["--config", str(liaison.config)]
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, result.stdout) == (0, "There are no cases.\n"), result.output


def every(command: click.Command, words: str = "") -> Iterator[tuple[str, click.Command]]:
    """It and all below it."""
    yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from every(below, f"{words} {name}".strip())


def test_every_command_and_group_lets_the_configuration_be_named_but_the_demo_which_has_none() -> None:
    without = [words for words, command in every(main) if "config" not in {one.name for one in command.params}]
    assert without == ["demo"]


def test_the_configuration_is_named_by_the_environment(liaison: CommandLine) -> None:
    result = CliRunner().invoke(main, ["cases", "list"], env={"LIAISON_CONFIG": str(liaison.config)})
    assert (result.exit_code, result.stdout) == (0, "There are no cases.\n")


def test_the_option_counts_before_the_environment(liaison: CommandLine) -> None:
    result = CliRunner().invoke(
        main, ["cases", "list", "--config", str(liaison.config)], env={"LIAISON_CONFIG": "none.toml"}
    )
    assert result.exit_code == 0


@pytest.mark.parametrize("command", [*EVERY_COMMAND, ["serve"], ["screen", "x.eml"]], ids=" ".join)
def test_a_missing_configuration_is_a_sentence_and_exit_2(command: list[str], tmp_path: Path) -> None:
    result = CliRunner().invoke(main, [*command, "--config", str(tmp_path / "none.toml")])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "none.toml: the file can't be read" in result.stderr


def test_every_configuration_problem_stands_on_its_own_line(liaison: CommandLine) -> None:
    text = liaison.config.read_text().replace("hostname =", "hostnam =").replace('mode = "auto"', 'mode = "fast"')
    liaison.config.write_text(text)
    result = liaison("cases", "list")
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert any(line.startswith(f"{liaison.config}:2: mode: ") for line in lines)
    assert any(line.startswith(f"{liaison.config}:4: smtp.hostnam: ") and "hostname" in line for line in lines)


@pytest.mark.parametrize("command", EVERY_COMMAND, ids=" ".join)
def test_a_store_that_is_away_is_a_sentence_and_exit_1(command: list[str], new_liaison: CommandLine) -> None:
    new_liaison.database.mkdir()
    result = new_liaison(*command)
    assert result.exit_code == 1
    assert "database" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "arguments",
    [["frobnicate"], ["cases", "frobnicate"], ["cases", "list", "--frobnicate"], ["cases", "show"], ["mode", "fast"],
     ["cases", "list", "--tier", "clear"], ["senders", "add", "planet", "mars.example"], ["outbox", "list", "--state", "x"]],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage_is_exit_2(arguments: list[str], new_liaison: CommandLine) -> None:
    result = new_liaison(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Usage:" in result.stderr
    assert not new_liaison.database.exists()


def test_the_actor_is_the_login_name_whatever_the_environment_says(liaison: CommandLine) -> None:
    result = CliRunner().invoke(
        main, ["mode", "assist", "--config", str(liaison.config)], env={"LOGNAME": "somebody", "USER": "somebody"}
    )
    assert result.exit_code == 0
    assert f"cli:{pwd.getpwuid(os.getuid()).pw_name}" in liaison.ok("audit", "show")


def test_results_go_to_stdout_and_trouble_to_stderr_of_a_real_process(liaison: CommandLine) -> None:
    done = run("mode", "--config", str(liaison.config))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("The mode is auto")
    refused = run("cases", "show", "LG-NONE-0000", LIAISON_CONFIG=str(liaison.config))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("There is no case LG-NONE-0000")


def test_a_locale_without_the_characters_costs_no_traceback(liaison: CommandLine) -> None:
    liaison.case(subject="外交部 – rendez-vous")
    shown = run("cases", "list", LIAISON_CONFIG=str(liaison.config), PYTHONIOENCODING="latin-1")
    assert shown.returncode == 0, shown.stderr
    assert "\\u5916" in shown.stdout
