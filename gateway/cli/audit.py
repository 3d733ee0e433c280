"""`liaison audit`: the hash-chained log of everything that was done, shown and verified.

Verifying needs nothing but the rows: an export can be checked on a machine that has neither configuration nor store.
"""

from __future__ import annotations

import asyncio
import json
import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.invocation import (
    actor,
    config_option,
    fail,
    json_option,
    load_quietly,
    read_beginning,
    read_end,
    with_desk,
)
from gateway.cli.output import complain, say, show_json, show_json_line, show_table
from gateway.cli.record_shapes import run_shape
from gateway.cli.two_languages import language_option, tell_in
from gateway.clock import SystemClock, moment
from gateway.desk import open_desk
from gateway.errors import RefusedError
from gateway.model.audit import GENESIS, AuditEntry, verify_chain
from gateway.model.certificate import certificate_text
from gateway.model.people import Verb
from gateway.model.statement import statement_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.desk import Desk
    from gateway.model.audit import ChainHead

_HEAD = re.compile(r"[0-9A-Fa-f]{64}")


@click.group()
@config_option
def audit() -> None:
    """Who did what and when; each row's hash covers the row before it."""


@audit.command()
@click.option("--subject", help="Only rows about this case reference, list entry or outbox item.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line: the export that `audit verify` reads.")
@with_desk(Verb.SEE_AUDIT)
async def show(desk: Desk, subject: str | None, as_json: bool) -> None:
    """Show every row, the oldest first."""
    async with desk.store.reading() as work:
        entries = await work.audit.entries(subject=subject)
    if as_json:
        for entry in entries:
            show_json_line(entry.row())
        return
    show_table(
        ("row", "at", "actor", "action", "subject", "detail", "hash"),
        [
            (
                *(str(entry.seq), moment(entry.at), entry.actor, entry.action, entry.subject),
                *(", ".join(f"{key}: {value}" for key, value in entry.detail.items()), entry.hash),
            )
            for entry in entries
        ],
        empty="The audit log is empty." if subject is None else f"The audit log has nothing about {subject}.",
    )


def _read_head(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """A mistyped one must not look like a chain that was tampered with."""
    if value is not None and not _HEAD.fullmatch(value):
        raise click.BadParameter(f"{value!r} is no head; one has 64 hexadecimal digits, as `audit verify` prints it")
    return value


@audit.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option(
    "--head", metavar="HASH", callback=_read_head, help="The hash of a row, noted earlier: it has to be in the chain."
)
@config_option
def verify(file: Path | None, head: str | None) -> None:
    """Verify the chain: that of the store, or that of FILE, an export by `audit show --json`."""
    entries, end = (_exported(file), None) if file is not None else asyncio.run(_stored())
    trouble = _trouble(entries, end, head)
    if trouble is not None:
        complain(f"The audit chain does not hold: {trouble}.")
        fail()
    say(f"The audit chain holds: {len(entries)} {'row' if len(entries) == 1 else 'rows'}.")
    if head is not None:
        say(f"{_after(entries, head)} the head that was given.")
    say(f"Its head is {entries[-1].hash if entries else GENESIS}")


@audit.command()
@json_option
@with_desk(Verb.SEE_AUDIT)
async def certificates(desk: Desk, as_json: bool) -> None:
    """List every purge with its disposal certificate, the newest first."""
    runs = await desk.purging.runs()
    if as_json:
        show_json([run_shape(run) for run in runs])
        return
    show_table(
        ("certificate", "begun", "ended", "by"),
        [(run.id, moment(run.begun_at), moment(run.ended_at) if run.ended_at else "", run.actor) for run in runs],
        empty="Nothing was disposed of.",
    )


@audit.command()
@click.argument("certificate_id", metavar="CERTIFICATE")
@language_option
@json_option
@with_desk(Verb.SEE_AUDIT)
async def certificate(desk: Desk, certificate_id: str, language: str, as_json: bool) -> None:
    """Show one disposal certificate: what went, under which class and rule, by whom, when."""
    document = await desk.purging.certificate(certificate_id)
    if as_json:
        show_json(document)
        return
    for line in certificate_text(document, tell_in(language)):
        say(line)


@audit.command()
@click.option("--since", metavar="DATE", callback=read_beginning, help="From this day (UTC) on.")
@click.option("--until", metavar="DATE", callback=read_end, help="Up to this day (UTC), and it included.")
@language_option
@json_option
@with_desk(Verb.SEE_AUDIT)
async def statement(desk: Desk, since: datetime | None, until: datetime | None, language: str, as_json: bool) -> None:
    """State the integrity of the system, for a court or an auditor: versions, chain, accounts, backups, known gaps."""
    if since is not None and until is not None and since >= until:
        raise click.UsageError("The period ends before it begins: --until is a day before --since.")
    made = await desk.stating.statement(since, until, actor=actor())
    if as_json:
        show_json(made)
        return
    for line in statement_text(made, tell_in(language)):
        say(line)


def _trouble(entries: Sequence[AuditEntry], end: ChainHead | None, head: str | None) -> str | None:
    """`end` is where the store says that the chain ends; `head` was noted by a person.

    The chain grows after a head was noted, so any row may carry it; a chain that was cut or rewritten lacks it.
    """
    broken = verify_chain(entries)
    if broken is not None:
        return broken.reason
    hashes = [GENESIS, *(entry.hash for entry in entries)]
    if end is not None and (end.seq, end.hash) != (len(entries), hashes[-1]):
        return f"{end.seq} rows were written, and {len(entries)} are there"
    if head is not None and head.lower() not in hashes:
        return f"no row has the hash {head}: rows were taken out or rewritten, or it is the head of another chain"
    return None


def _after(entries: Sequence[AuditEntry], head: str) -> str:
    count = len(entries) - next((entry.seq for entry in entries if entry.hash == head.lower()), 0)
    return {0: "No row follows", 1: "1 row follows"}.get(count, f"{count} rows follow")


async def _stored() -> tuple[list[AuditEntry], ChainHead]:
    desk_as_it_is = open_desk(load_quietly(), SystemClock(), makes=False, migrates=False)
    async with desk_as_it_is as desk, desk.store.reading() as work:
        return await work.audit.entries(), await work.audit.head()


def _exported(file: Path) -> list[AuditEntry]:
    """The rows of an export; RefusedError names the line that is none. Not one row proves nothing."""
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise RefusedError(f"{file}: the export can't be read: {error.strerror}.") from error
    rows = [_row(line, f"{file}:{number}") for number, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise RefusedError(f"{file}: no row of an audit export is in it: see that `audit show --json` wrote it.")
    return rows


def _row(line: bytes, place: str) -> AuditEntry:
    """What stands there is what `audit show --json` writes, and nothing besides: all of it is under the hash."""
    try:
        row = json.loads(line, object_pairs_hook=_once)
        entry = AuditEntry(**row | {"at": datetime.fromisoformat(row["at"])})
        _demand_form(row, entry)
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError) as error:
        raise RefusedError(f"{place}: this line is no row of an audit export ({type(error).__name__}).") from error
    return entry


def _demand_form(row: dict[str, object], entry: AuditEntry) -> None:
    """Every value as the export writes it: 1.0 or true is no number of a row, and 1 is no text."""
    texts = (entry.actor, entry.action, entry.subject, *entry.detail.values())
    if type(entry.seq) is not int or not all(isinstance(text, str) for text in texts):
        raise TypeError("a value of another type")
    if json.dumps(row, sort_keys=True) != json.dumps(entry.row(), sort_keys=True):
        raise ValueError("a value in another form")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object; ValueError for a name that stands twice, for readers differ in which of the two they see."""
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)
