"""`liaison cases export`: cases as a ZIP file that proves itself, for an access request or for a court."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.case_filters import filter_options
from gateway.cli.invocation import actor, json_option, with_desk
from gateway.cli.output import progress, say, show_json
from gateway.model.case_list import EVERY_CASE
from gateway.model.people import Verb

if TYPE_CHECKING:
    from gateway.desk import Desk
    from gateway.model.case_list import CaseFilter


@click.command()
@click.argument("references", nargs=-1)
@click.option(
    "--to",
    "file",
    required=True,
    metavar="FILE.zip",
    type=click.Path(path_type=Path, resolve_path=True),
    help="A new file.",
)
@click.option("--all", "every", is_flag=True, help="Every case that there is.")
@filter_options
@json_option
@with_desk(Verb.EXPORT_CASES)
async def export(
    desk: Desk, references: tuple[str, ...], file: Path, every: bool, wanted: CaseFilter, as_json: bool
) -> None:
    """Export the cases named by REFERENCES, or those that all of the options hold for, into one ZIP file.

    Originals as received, what was sent, decisions, history, an index, and a list of digests; `python3 verify.py`,
    which is in it, checks all of it on any machine.
    """
    if [bool(references), wanted != EVERY_CASE, every].count(True) != 1:
        raise click.UsageError("Name the cases, narrow them by options, or ask for --all: one of the three.")
    chosen = await desk.exporting.chosen([reference.strip().upper() for reference in references], wanted)
    with progress() as track:
        made = await desk.exporting.to_file(chosen, file, actor=actor(), track=track)
    if as_json:
        show_json(
            {"file": str(file), "export": made.id, "cases": made.cases, "files": made.files, "list": made.list_digest}
        )
        return
    say(f"{file}: {made.cases} {'case' if made.cases == 1 else 'cases'}, {made.files} files.")
    say(f"SHA-256 of its list of digests, also in the audit log as {made.id}: {made.list_digest}")
