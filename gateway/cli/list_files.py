"""Lists as files: `liaison senders import` and `export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from filters.disposition import MODE_ORDER, Mode
from filters.packs import csv_lines, format_csv, format_pack, pack_lines
from gateway.cli.invocation import Word, actor, fail, json_option, with_desk
from gateway.cli.list_shapes import counted, in_force, sheet_shape
from gateway.cli.output import complain, progress, say, show_json, show_table
from gateway.errors import RefusedError
from gateway.model.list_import import LineFate
from gateway.model.people import Verb
from gateway.placing import refuse_missing_directory, refuse_to_replace, write_new

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from filters.lists import ListEntry
    from filters.packs import Lines
    from gateway.desk import Desk
    from gateway.model.list_import import ImportLine, ImportSheet

_TOML, _CSV = "toml", "csv"
_FORMAT = click.Choice([_TOML, _CSV], case_sensitive=False)
_MOST_SHOWN = 1000
"""Entries of an import that are shown one by one."""
_LARGEST_LIST = 32 * 1024 * 1024
"""Octets of a file that may be imported; a hundred thousand entries are less."""


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "file_format", type=_FORMAT, help="What FILE is; else its name says it.")
@click.option(
    "--mode",
    type=Word(MODE_ORDER),
    help="For entries that say none; observe only records their mail. Without it the mode in force is theirs, at once.",
)
@click.option("--skip-refused", is_flag=True, help="Leave out what is refused, instead of importing nothing.")
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
@json_option
@with_desk(Verb.CHANGE_SENDERS, makes=True)
async def import_file(
    desk: Desk,
    file: Path,
    file_format: str | None,
    mode: str | None,
    skip_refused: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Add the entries of FILE, a TOML pack or CSV, as one version: all of them, or none if one is refused.

    Entries that stand already are left as they are.
    """
    lines = _read(file, file_format or format_of(file))
    with progress() as track:
        sheet = await desk.proposing.sheet(lines, track)
    refused = len(sheet.refused)
    if as_json:
        show_json(sheet_shape(sheet))
    else:
        _show_sheet(sheet)
    if refused and not skip_refused:
        complain(f"Nothing is imported: {counted(refused)} of {file.name} can't be.")
        fail()
    tell = complain if as_json else say
    if dry_run or not sheet.new:
        tell(f"{counted(len(sheet.new))} would be added." if sheet.new else "There is nothing new to import.")
        _say_whose_mail_is_handled(sheet.new, mode, tell)
        return
    with progress() as track:
        added = await desk.listkeeping.import_(
            sheet,
            file.name,
            actor=actor(),
            without_refused=skip_refused,
            mode=None if mode is None else Mode(mode),
            track=track,
        )
    tell(f"{counted(len(added))} added. {in_force((await desk.rulebooks.load()).version)}")
    _say_whose_mail_is_handled(added, mode, tell)


def _say_whose_mail_is_handled(entries: Sequence[ListEntry], mode: str | None, tell: Callable[[str], None]) -> None:
    """As `senders add` does: whoever has just seen a list for the first time may not mean that."""
    number = sum(entry.mode is None for entry in entries)
    if number and mode is None:
        tell(f"At once the mail of {counted(number)} is handled; with --mode observe it would only be recorded.")


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--format", "file_format", type=_FORMAT, help="toml, unless FILE is named otherwise.")
@with_desk(Verb.SEE_SENDERS)
async def export(desk: Desk, file: Path | None, file_format: str | None) -> None:
    """Write the entries in force to FILE, a new one, or to stdout, in a form that `import` reads back."""
    entries = await desk.listkeeping.entries()
    chosen = file_format or (format_of(file) if file is not None else _TOML)
    written = (format_csv(entries) if chosen == _CSV else format_pack(entries)).encode()
    if file is None:
        click.echo(written, nl=False)
        return
    _write(file, written)
    say(f"{counted(len(entries))} written to {file}.")


def _write(file: Path, octets: bytes) -> None:
    try:
        refuse_missing_directory(file.parent)
        refuse_to_replace(file)
        write_new(file, octets)
    except OSError as error:
        raise RefusedError(f"{file}: the file can't be written: {error.strerror}.") from error


def _read(file: Path, file_format: str) -> Lines:
    """Every entry of a file with its line; RefusedError when there is no text to read."""
    try:
        with file.open("rb") as stream:
            octets = stream.read(_LARGEST_LIST + 1)
        text = octets.decode("utf-8-sig")
    except OSError as error:
        raise RefusedError(f"{file}: the file can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise RefusedError(f"{file}:{line}: the file is not in UTF-8; save it as UTF-8.") from error
    if len(octets) > _LARGEST_LIST:
        raise RefusedError(f"{file}: the file is larger than {_LARGEST_LIST} octets.")
    return csv_lines(text, file.stem) if file_format == _CSV else pack_lines(text, file.stem)


def format_of(file: Path) -> str:
    """What the name of a file says that it is."""
    suffix = file.suffix.lower().removeprefix(".")
    if suffix not in {_TOML, _CSV}:
        raise click.UsageError(f"{file} is named neither .toml nor .csv: say which it is with --format.")
    return suffix


def _show_sheet(sheet: ImportSheet) -> None:
    """One row for each line, in the order of the file.

    Of a long list only what is wrong: the rest nobody would read.
    """
    shown = [line for line in sheet.lines if len(sheet.lines) <= _MOST_SHOWN or line.fate is LineFate.REFUSED]
    if sheet.lines and not shown:
        text = f"{len(sheet.new)} new, {sheet.known} known, none refused."
        say(f"{counted(len(sheet.lines))} read: {text}")
        return
    headings = ("", "kind", "value", "line", "mission or reason")
    show_table(headings, [row for line in shown for row in _rows(line)], empty="There is no entry in the file.")
    if any(line.fate is LineFate.KNOWN and line.remarks for line in shown):
        say("What stands already is left as it is; `liaison senders edit VALUE` changes it.")


def _rows(line: ImportLine) -> list[tuple[str, ...]]:
    """A row for every reason of a refusal, else one."""
    entry = line.entry
    kind, value = (entry.kind, entry.value) if entry is not None else (line.kind, line.value)
    if line.reasons:
        return [(line.fate, kind, value, _place(reason.line), reason.message) for reason in line.reasons]
    said = "; ".join(filter(None, (entry.mission_en if entry else "", *line.remarks)))
    return [(line.fate, kind, value, _place(line.line), said)]


def _place(line: int) -> str:
    return f"line {line}" if line else ""
