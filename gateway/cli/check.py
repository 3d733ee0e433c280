"""`liaison check`: is everything there that the gateway needs? One line for each thing that was looked at.

Changes nothing: a database that is not there yet stays so. What is looked at stands in `gateway.cli.checks`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from gateway.cli.checks.files import OFFLINE
from gateway.cli.checks.line import misconfigured
from gateway.cli.checks.online import ONLINE
from gateway.cli.invocation import config_option, fail, json_option, load_quietly
from gateway.cli.output import say, show_json, waiting
from gateway.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.cli.checks.line import Line


@click.command()
@click.option("--online", is_flag=True, help="Also ask the next hops, the smarthost and the DNS.")
@json_option
@config_option
def check(online: bool, as_json: bool) -> None:
    """Check configuration, lists, templates, TLS files, DKIM key and database.

    Exit codes: 0 all is well, 1 something does not work, 2 the configuration is wrong. Warnings leave it at 0.
    """
    if as_json:
        lines = list(_lines(online=online))
        show_json([line.shape() for line in lines])
        worst = max(line.code for line in lines)
    else:
        worst = check_all(online=online)
    if worst:
        fail(worst)


def check_all(*, online: bool) -> int:
    """Say each line as it is found; the exit code that the worst asks for."""
    worst = 0
    for line in _lines(online=online):
        say(str(line))
        worst = max(worst, line.code)
    return worst


def _lines(*, online: bool) -> Iterator[Line]:
    """Every check; those that need settings are left out while there are none."""
    try:
        settings = load_quietly()
    except ConfigurationError as error:
        yield from misconfigured("configuration", error.problems)
        return
    for look in OFFLINE:
        yield from look(settings)
    for doing, ask in ONLINE if online else ():
        with waiting(doing):
            lines = asyncio.run(ask(settings))
        yield from lines
