"""`liaison serve`: runs the gateway until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import uvloop

from gateway import logs
from gateway.cli.invocation import config_option, load_settings
from gateway.clock import SystemClock
from gateway.foundation import open_foundation, open_store
from gateway.settings import load
from gateway.supervisor import Role, Systemd, hold_back_reload, tell_of_new_database
from gateway.supervisor import serve as run
from gateway.supervisor.handover import first_told

if TYPE_CHECKING:
    from gateway.settings import Settings


@click.command()
@click.option(
    "--role",
    type=click.Choice([*map(str, Role)], case_sensitive=False),
    default=str(Role.ALL),
    show_default=True,
    help="smtp takes mail, dispatch sends what the gateway itself writes, console shows pages; one database for all.",
)
@click.option("--make-database", is_flag=True, hidden=True, help="Make the database of a first start, and end.")
@click.option("--inherit", hidden=True, default="", help="Listening sockets that a parent process hands over.")
@click.option("--counters", hidden=True, default="", help="A parent's counters, and which of their slots is ours.")
@click.option("--connections", hidden=True, default="", help="The same for a parent's count of connections.")
@config_option
def serve(role: str, make_database: bool, inherit: str, counters: str, connections: str) -> None:
    """Run the gateway.

    Prints `ready smtp=HOST:PORT console=HOST:PORT metrics=HOST:PORT` once it accepts. SIGTERM lets the mail
    transactions in hand end; SIGHUP reads the configuration again, and keeps the old one if it is wrong.
    """
    hold_back_reload()
    known, settings = first_told() if inherit else (None, load_settings())
    logs.configure(settings.log)
    if make_database:
        asyncio.run(_make(settings))
        return
    if not inherit:  # a worker's parent has done it
        _prepare(settings)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(
            run(
                settings,
                Role(role),
                SystemClock(),
                _ready,
                lambda: load(settings.file, os.environ),
                inherited=[int(number) for number in inherit.split(",") if number],
                worker_command=_worker_command(settings),
                slot=_slot(counters),
                part=_slot(connections),
                known=known,
                systemd=Systemd({} if inherit else os.environ),
            )
        )


def _prepare(settings: Settings) -> None:
    """A first start needs once what weighs 10 MB: a process that ends takes it along.

    What that one can't do, such as when the configuration is wrong, is tried again and complained about here.
    """
    store = open_store(settings, SystemClock())
    if store.is_missing:
        command = [sys.executable, "-m", "gateway", "--config", str(settings.file), "serve", "--make-database"]
        making = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)  # noqa: S603
        if making.returncode == 0:
            tell_of_new_database(store.file)


async def _make(settings: Settings) -> None:
    async with open_foundation(settings, SystemClock()):
        pass


def _ready(line: str) -> None:
    """Say it. What was made until now stays for good, and the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
    click.echo(line)


def _slot(handed: str) -> tuple[int, int] | None:
    """`DESCRIPTOR:NUMBER`, or None where no parent counts."""
    descriptor, _, number = handed.partition(":")
    return (int(descriptor), int(number)) if descriptor else None


def _worker_command(settings: Settings) -> list[str]:
    """What starts one SMTP worker with this configuration."""
    return [sys.executable, "-m", "gateway", "--config", str(settings.file), "serve", "--role", str(Role.SMTP)]
