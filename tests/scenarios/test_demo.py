"""`liaison demo`: what it shows is true, what it expects is checked, and it leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from filters.disposition import Tier
from gateway.clock import SystemClock
from gateway.demonstration.judging import differences, outcome_differences
from gateway.demonstration.letters import attachments, entity, text
from gateway.demonstration.play import Performance, play
from gateway.demonstration.stage import open_stage
from gateway.demonstration.stories import INFORMATION_REQUEST, PROVEN, STORIES, Passage, cases_expected
from gateway.model.case import ActionState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEMO = [sys.executable, "-c", "from gateway.cli.demo import demo; demo()"]


@pytest.fixture(scope="module")
def performance() -> Performance:
    """One for all: it is looked at, never changed."""

    async def perform() -> Performance:
        async with open_stage(SystemClock()) as stage:
            return await play(stage, STORIES, lambda _story, _reply: None)

    return asyncio.run(perform())


def test_everything_goes_as_expected(performance: Performance) -> None:
    assert list(differences(performance)) == []
    assert len(STORIES) >= 14
    recorded = {dossier.file.case.reference for outcome in performance.outcomes for dossier in outcome.dossiers}
    assert len(recorded) == cases_expected(STORIES)


def test_the_sender_of_held_mail_is_answered_like_everybody_else(performance: Performance) -> None:
    assert {outcome.reply for outcome in performance.outcomes} == {"250 2.0.0 Message accepted"}


def test_the_decline_goes_to_the_reverse_path_alone_and_can_not_be_answered(performance: Performance) -> None:
    by_itself, asked_for = performance.answered.declines
    for decline, story in ((by_itself, PROVEN), (asked_for, INFORMATION_REQUEST)):
        mail = entity(decline.content)
        assert (decline.reverse_path, decline.recipients) == ("", (story.reverse_path,))
        assert mail.shown("Auto-Submitted") == "auto-replied"
        assert mail.shown("In-Reply-To") == entity(story.content).shown("Message-ID")
        assert "Interpolottawa@rcmp-grc.gc.ca" in text(mail)


def test_every_report_carries_the_original_octet_for_octet(performance: Performance) -> None:
    reported = [outcome for outcome in performance.outcomes if outcome.story.report is ActionState.SENT]
    assert len(reported) > 3
    for outcome in reported:
        (report,) = outcome.reports
        assert [one.octets for one in attachments(entity(report.letter.content))][1:] == [outcome.story.content]


@pytest.mark.parametrize(
    ("wrong", "difference"),
    [
        ({"decline": ActionState.SENT}, "decline: expected sent, was review"),
        ({"report": ActionState.REVIEW}, "report: expected review, was sent"),
        ({"declinable": False}, "a decline may be sent: expected no, was yes"),
    ],
)
def test_another_expectation_of_a_case_is_a_named_difference(
    performance: Performance, wrong: dict[str, ActionState], difference: str
) -> None:
    (outcome,) = (one for one in performance.outcomes if one.story is INFORMATION_REQUEST)
    mistaken = replace(outcome, story=replace(INFORMATION_REQUEST, **wrong))  # type: ignore[arg-type]
    assert difference in outcome_differences(mistaken)


def test_another_tier_or_passage_is_a_named_difference(performance: Performance) -> None:
    (outcome,) = (one for one in performance.outcomes if one.story is INFORMATION_REQUEST)
    (fate,) = INFORMATION_REQUEST.fates
    fates = (replace(fate, tier=Tier.CONFIRMED, passage=Passage.FLAGGED),)
    mistaken = replace(outcome, story=replace(INFORMATION_REQUEST, fates=fates))
    assert outcome_differences(mistaken) == [
        "tier for crime.analysis@police.example: expected confirmed, was unverified",
        "passage to crime.analysis@police.example: expected delivered with a flag, was held",
        "notices: expected none, was crime.analysis@police.example",
    ]


def test_a_report_with_another_original_is_a_named_difference(performance: Performance) -> None:
    (outcome,) = (one for one in performance.outcomes if one.story is INFORMATION_REQUEST)
    (report,) = outcome.reports
    assert report.original is not None
    forged = replace(report, original=replace(report.original, octets=report.original.octets + b"\r\n"))
    (difference,) = outcome_differences(replace(outcome, reports=(forged,)))
    assert difference.endswith("was without the original as received")


def test_a_decline_that_did_not_come_is_a_named_difference(performance: Performance) -> None:
    silent = replace(performance, answered=replace(performance.answered, declines=(), refusal="It is a bounce."))
    found = list(differences(silent))
    assert "The decline: refusal: expected none, was It is a bounce." in found
    assert "The decline: declines in the outbound mailbox: expected 2, was 0" in found


def test_every_person_of_the_stories_is_invented() -> None:
    for story in STORIES:
        assert all(recipient.endswith("@police.example") for recipient in story.recipients)
        author = entity(story.content).shown("From")
        listed = (".gov.cn>",) if not story.is_clear else ()
        assert author.endswith((".example>", *listed)), author


def test_the_command_exits_0_shows_it_in_a_pipe_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = subprocess.run(
        [*DEMO, "--no-browser", "--exit"], env=_environment(tmp_path), capture_output=True, timeout=50, check=False
    )
    shown = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b"")
    assert all(story.title in shown for story in STORIES)
    assert "The original's SHA-256 is equal to what was received: yes" in shown
    assert "\x1b" not in shown
    assert all(line == line.rstrip() and len(line) <= 120 for line in shown.splitlines())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_it_stays_up_ends_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with _running(tmp_path) as demo:
        _read_until(demo, "Ctrl-C ends the demo")
        assert [path.name for path in tmp_path.glob("*/gateway.toml")] == ["gateway.toml"]
        demo.send_signal(number)
        assert demo.wait(20) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_still_takes_everything_down(tmp_path: Path, number: signal.Signals) -> None:
    with _running(tmp_path) as demo:
        _read_until(demo, f"1 of {len(STORIES)}")
        demo.send_signal(number)
        assert demo.wait(20) == 1
        assert demo.stderr is not None
        assert b"Traceback" not in demo.stderr.read()
    assert list(tmp_path.iterdir()) == []


def _environment(directory: Path) -> dict[str, str]:
    """The demo's directory is made in here; a configuration of somebody else must not matter to it."""
    return {**os.environ, "TMPDIR": str(directory), "LIAISON_MODE": '"observe"', "PYTHONIOENCODING": "utf-8"}


@contextmanager
def _running(directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    pipe = subprocess.PIPE
    environment = {**_environment(directory), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(DEMO, env=environment, stdout=pipe, stderr=pipe) as demo:
        try:
            yield demo
        finally:
            demo.kill()


def _read_until(demo: subprocess.Popen[bytes], words: str) -> None:
    assert demo.stdout is not None
    for line in demo.stdout:
        if words in line.decode():
            return
    pytest.fail(f"it ended without saying {words!r}")
