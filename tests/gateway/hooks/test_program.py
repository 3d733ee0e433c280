"""The program that gets alerts: what it is given, and how little it can hold up."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from gateway.hooks.program import Program

if TYPE_CHECKING:
    from pathlib import Path


def program(text: str, *arguments: str, seconds: float = 10.0) -> Program:
    return Program(command=(sys.executable, "-c", text, *arguments), seconds=seconds)


async def test_it_gets_the_document_on_its_standard_input_and_its_arguments_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIAISON_STORE__URL", "postgresql://liaison:password@db.example/liaison")
    kept = tmp_path / "kept"
    text = "import os, sys; open(sys.argv[1], 'w').write(repr((sys.stdin.read(), sys.argv[2], dict(os.environ))))"
    assert await program(text, str(kept), "$(id); `id` && id").tell(b'{"a": 1}') == ""
    said = kept.read_text()
    assert json.loads(said.partition("', ")[0][2:]) == {"a": 1}
    assert "$(id); `id` && id" in said
    assert "password@db.example" not in said
    assert "PATH" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import sys; sys.exit('no such\\n  pager')", "it ended with 1: no such pager"),
        ("import sys; sys.exit(3)", "it ended with 3"),
        ("import sys; sys.stderr.write('x' * 300000); sys.exit(1)", "it ended with 1: " + "x" * 500),
        ("import sys; sys.stdout.write('x' * 300000)", ""),
        ("import os; os.kill(os.getpid(), 9)", "it ended with -9"),
    ],
)
async def test_what_it_complains_about_is_told_on_in_one_short_line(text: str, said: str) -> None:
    assert await program(text).tell(b"x" * 100000) == said


async def test_one_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    text = (
        "import os, subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "open(sys.argv[1], 'w').write(str(child.pid)); time.sleep(60)"
    )
    kept = tmp_path / "pid"
    async with asyncio.timeout(20):
        assert await program(text, str(kept), seconds=2.0).tell(b"{}") == "it had not ended after 2 s"
        while is_running(int(kept.read_text())):
            await asyncio.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


async def test_one_that_is_gone_is_said_in_words(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    assert await Program(command=(str(gone),), seconds=5).tell(b"{}") == f"it can't be run: {os.strerror(2)}"
