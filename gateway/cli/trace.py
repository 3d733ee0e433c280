"""`liaison trace`: what became of a message, out of the log, the cases and the outbox, in one order of time."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway import logs
from gateway.cli.invocation import json_option, with_desk
from gateway.cli.log_lines import Search
from gateway.cli.output import complain, show_json, show_table
from gateway.clock import moment
from gateway.errors import RefusedError
from gateway.events import Event
from gateway.model.people import Verb
from gateway.model.tracing import sought
from gateway.operations.tracing import Tracing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateway.desk import Desk
    from gateway.model.tracing import Step

STDIN = Path("-")


@click.command()
@click.argument("what", metavar="ADDRESS|MESSAGE-ID")
@click.argument("files", metavar="[LOG]...", nargs=-1, type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--log", "more", metavar="LOG", multiple=True, type=click.Path(path_type=Path, allow_dash=True),
    help="A file with lines of the log; - for standard input. May be given several times.",
)  # fmt: skip
@json_option
@with_desk(Verb.TRACE)
async def trace(desk: Desk, what: str, files: Sequence[Path], more: Sequence[Path], as_json: bool) -> None:
    """Show what became of a message: by an address of its envelope, or by its Message-ID.

    Cases and the outbox are looked through; and LOG, lines of the gateway's log: clean mail is nowhere else. With
    addresses hashed in the log, the argument is hashed the same way.
    """
    logs.hash_with(desk.foundation.gate.secret)
    wanted = sought(what)
    steps = await Tracing(store=desk.store).of(wanted)
    search = Search(wanted, [name for step in steps for name in (step.name, step.case)])
    for text in _lines([*files, *more]):
        steps += search.look_at(text)
    steps.sort(key=lambda step: step.at)
    if as_json:
        show_json([{**asdict(step), "at": step.at.isoformat()} for step in steps])
    else:
        show_table(("at", "from", "name", "what"), [_row(step) for step in steps], empty=_nothing(bool(files or more)))
    if search.unread:
        complain(f"Lines that are none of the gateway's log, and were left out: {search.unread}.")


def _nothing(with_log: bool) -> str:
    if with_log:
        return "Nothing is known of it, neither in this log nor on record."
    return (
        "Nothing is known of it on record. Of clean mail only the log tells: name its files, or - for standard input."
    )


def _lines(files: Sequence[Path]) -> Iterator[str]:
    for file in files:
        try:
            with sys.stdin if file == STDIN else file.open(encoding="utf-8", errors="replace") as stream:
                yield from stream
        except OSError as error:
            raise RefusedError(f"{file}: the log can't be read: {error.strerror}.") from error


def _row(step: Step) -> tuple[str, ...]:
    event = "" if step.event == Event.TRANSACTION else f"{step.event} by {step.by}" if step.by else step.event
    what = ": ".join(filter(None, (step.tier, event, step.reply)))
    if step.case and step.case != step.name:
        what += f", case {step.case}"
    if step.heard:
        what += f"; {step.next_hop} said {step.heard}"
    elif step.next_hop:
        what += f"; {step.next_hop} was asked"
    return (moment(step.at), step.source, step.name, what)
