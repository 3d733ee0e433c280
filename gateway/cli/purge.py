"""`liaison purge`: disposes of closed cases whose time is over, and certifies what went."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import click

from gateway.cli.invocation import actor, json_option, read_beginning, with_desk
from gateway.cli.output import complain, progress, say, show_json, show_table
from gateway.cli.two_languages import tell_in
from gateway.errors import RefusedError
from gateway.model.certificate import certificate_text
from gateway.model.people import Verb
from gateway.placing import refuse_missing_directory, write_new

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.desk import Desk
    from gateway.model.disposal import Due, Share
    from gateway.model.retention import Schedule
    from gateway.operations.purging import Purged


class ShareShape(TypedDict):
    """What of one class would go."""

    cases: int
    octets: int
    oldest: str
    newest: str
    days: int


class DueShape(TypedDict):
    """`purge --dry-run`."""

    cases: int
    classes: dict[str, ShareShape]
    on_hold: int
    unfinished: int


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option("--before", metavar="DATE", callback=read_beginning, help="Only cases that closed before this day (UTC).")
@click.option("--yes", is_flag=True, help="Don't ask before.")
@click.option(
    "--to",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Also write the certificate there, as text (English and French) and as JSON.",
)
@json_option
@with_desk(Verb.PURGE_CASES)
async def purge(
    desk: Desk, dry_run: bool, before: datetime | None, yes: bool, directory: Path | None, as_json: bool
) -> None:
    """Dispose of closed cases whose time is over, and certify what went.

    [retention] says when that is; cases on legal hold stay. Shows first what would go. May be broken off at any moment,
    and begun again. JSON is what would go with --dry-run, else the certificate.
    """
    if directory is not None:
        refuse_missing_directory(directory)
    due = await desk.purging.due(before)
    if dry_run and as_json:
        show_json(_due_shape(due, desk.purging.schedule))
    if not as_json:
        _show(due, desk.purging.schedule)
    if dry_run:
        return
    for left in await desk.purging.finish_broken_off():
        complain(f"A purge was broken off before; {left['certificate']} certifies what it disposed of.")
    if not due.going:
        return
    if not yes:
        await asyncio.to_thread(click.confirm, f"Dispose of {_cases(len(due.going))} for good?", abort=True, err=True)
    done = await _purge(desk, due, before, directory)
    if as_json:
        show_json(done.certificate)


async def _purge(desk: Desk, due: Due, before: datetime | None, directory: Path | None) -> Purged:
    try:
        with progress() as track:
            done = await desk.purging.purge(due, actor=actor(), before=before, track=track)
    except asyncio.CancelledError:
        complain("Broken off. What went is certified: liaison audit certificates. To go on, run it again.")
        raise
    if directory is not None:
        for path in _written(done.certificate, directory / done.id):
            complain(f"Written: {path}")
    complain(f"Disposed of: {_cases(done.cases)}. Certificate {done.id}, SHA-256 {done.certificate['sha256']}")
    if not done.erased:
        complain("The log beside the database file is in use, and may hold some of it until the gateway is restarted.")
    return done


def _written(certificate: dict[str, object], path: Path) -> tuple[Path, ...]:
    """As text in both languages, and as JSON."""
    texts = {
        ".txt": "\n".join(certificate_text(certificate)),
        ".fr.txt": "\n".join(certificate_text(certificate, tell_in("fr"))),
        ".json": json.dumps(certificate, indent=2),
    }
    files = tuple(path.with_name(path.name + suffix) for suffix in texts)
    for file, text in zip(files, texts.values(), strict=True):
        try:
            write_new(file, f"{text}\n".encode())
        except OSError as error:
            raise RefusedError(
                "{path}: the certificate can't be written ({reason}); it is in the database all the same",
                path=file,
                reason=error.strerror,
            ) from error
    return files


def _show(due: Due, schedule: Schedule) -> None:
    rows = [
        (kept_as, str(schedule.days[kept_as] or "for ever"), str(share.cases), str(share.octets), *_days(share))
        for kept_as, share in due.shares.items()
    ]
    show_table(("class", "days", "due", "octets", "oldest closed", "newest closed"), rows, empty="")
    if due.on_hold:
        say(f"On legal hold, and kept: {_cases(due.on_hold)}.")
    if due.unfinished:
        say(f"Mail is still to leave, and so kept: {_cases(due.unfinished)}.")
    if not due.going:
        say("Nothing is to be disposed of.")


def _days(share: Share) -> tuple[str, str]:
    return (
        f"{share.oldest:%Y-%m-%d}" if share.oldest else "",
        f"{share.newest:%Y-%m-%d}" if share.newest else "",
    )


def _due_shape(due: Due, schedule: Schedule) -> DueShape:
    return {
        "cases": len(due.going),
        "classes": {
            kept_as.value: {
                "cases": share.cases,
                "octets": share.octets,
                "oldest": share.oldest.isoformat() if share.oldest else "",
                "newest": share.newest.isoformat() if share.newest else "",
                "days": schedule.days[kept_as],
            }
            for kept_as, share in due.shares.items()
        },
        "on_hold": due.on_hold,
        "unfinished": due.unfinished,
    }


def _cases(number: int) -> str:
    return f"{number} {'case' if number == 1 else 'cases'}"
