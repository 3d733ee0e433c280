"""`liaison demo`: the whole gateway on loopback, with no configuration, playing real messages through SMTP."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import webbrowser
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import click
import uvloop

from gateway import logs
from gateway.cli.invocation import FAILED, fail
from gateway.cli.output import complain
from gateway.clock import SystemClock
from gateway.demonstration.judging import differences
from gateway.demonstration.play import play
from gateway.demonstration.showing import Showing
from gateway.demonstration.stage import open_stage
from gateway.demonstration.stories import STORIES
from gateway.settings import Log, LogLevel

if TYPE_CHECKING:
    from gateway.demonstration.play import Performance
    from gateway.demonstration.stage import Stage
    from gateway.demonstration.stories import Story

_PLAYED_WITHIN = 25.0
"""Seconds for all messages: something hangs if they take longer."""


@click.command()
@click.option("--no-browser", is_flag=True, help="Don't open the console in a browser.")
@click.option("--exit", "leave", is_flag=True, help="End after the messages: 0 if all went as expected, else 1.")
def demo(no_browser: bool, leave: bool) -> None:
    """Play real messages through a gateway of its own, and show what becomes of each and why.

    Needs no configuration and nothing that runs. Everything stays on this machine: next hop and outbound mailbox are
    the demo's own. Without --exit it stays up for a look, until Ctrl-C.
    """
    logs.configure(Log(level=LogLevel.WARNING))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            as_expected = runner.run(_demonstrate(Showing(_program()), leave=leave, browse=not no_browser))
    except TimeoutError:
        complain(f"The messages took longer than {_PLAYED_WITHIN:.0f} seconds: something hangs.")
        fail()
    except asyncio.CancelledError as error:
        raise click.Abort from error
    if not as_expected:
        fail(FAILED)


async def _demonstrate(show: Showing, *, leave: bool, browse: bool) -> bool:
    """Whether everything went as expected. Stopped in the middle, it still takes down what it has set up."""
    _let_sigterm_stop()
    async with open_stage(SystemClock()) as stage:
        show.opens(stage)
        performance = await _play(stage, show)
        found = list(differences(performance))
        show.ends(performance)
        show.concludes(performance, found)
        if leave:
            show.leaves()
        else:
            stage.service.obey_signals()  # from here on, Ctrl-C ends it as it ends `serve`
            show.stays(stage, performance)
            if browse:
                await asyncio.to_thread(_open_browser, stage.console)
            await stage.service.run()
    return not found


async def _play(stage: Stage, show: Showing) -> Performance:
    numbers = count(1)

    def sent(story: Story, reply: str) -> None:
        show.sent(next(numbers), story, reply)
        _obey_lost_cancellation()

    async with asyncio.timeout(_PLAYED_WITHIN):
        performance = await play(stage, STORIES, sent)
    _obey_lost_cancellation()
    return performance


def _obey_lost_cancellation() -> None:
    """Up to Python 3.11 `asyncio.wait_for` loses a cancellation that comes together with what it waits for."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _open_browser(address: str) -> None:
    """Where there is a screen; the address stands in the terminal anyway."""
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or sys.platform == "darwin":
        webbrowser.open(address)


def _let_sigterm_stop() -> None:
    """As Ctrl-C does by itself: the running task is cancelled, and cleans up."""
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


def _program() -> str:
    """How the reader can call this command line: by name if the shell finds it, else by its path, else by module."""
    if shutil.which("liaison"):
        return "liaison"
    beside = Path(sys.executable).with_name("liaison")
    if not beside.exists():
        return f"{sys.executable} -m gateway"
    return str(beside.relative_to(Path.cwd())) if beside.is_relative_to(Path.cwd()) else str(beside)
