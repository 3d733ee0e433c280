"""`liaison senders`: the sender lists. Every change is one version, with its author, and all or nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from filters.disposition import MODE_ORDER, STRICTNESS, Delivery, Handling, Mode
from filters.lists import EntryKind, describe
from filters.pack_rows import Row
from filters.packs import format_csv, format_pack, parse_csv, parse_pack
from gateway.cli.exemptions import exempt
from gateway.cli.invocation import Word, actor, config_option, fail, json_option, read_date, with_desk
from gateway.cli.list_shapes import change_shape, entry_shape, version_shape
from gateway.cli.output import complain, moment, progress, say, show_json, show_table
from gateway.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from filters.lists import ListEntry
    from filters.pack_rows import PackProblem
    from gateway.assembly import Desk
    from gateway.model.list_change import ListChange
    from gateway.operations.listkeeping import ImportPreview

_TOML, _CSV = "toml", "csv"
_HANDLING = Word(STRICTNESS)
_KIND = Word(EntryKind)
_FORMAT = click.Choice([_TOML, _CSV], case_sensitive=False)
_MOST_SHOWN = 1000
"""Entries of an import that are shown one by one."""
_LARGEST_LIST = 32 * 1024 * 1024
"""Octets of a file that may be imported; a hundred thousand entries are less."""


@click.group()
@config_option
def senders() -> None:
    """The listed missions and bodies: whose mail is flagged."""


senders.add_command(exempt)


@senders.command("list")
@click.option("--kind", type=_KIND, help="Only entries of this kind.")
@json_option
@with_desk
async def list_entries(desk: Desk, kind: EntryKind | None, as_json: bool) -> None:
    """List every entry in force."""
    entries = [entry for entry in await desk.listkeeping.entries() if kind is None or entry.kind is kind]
    if as_json:
        show_json([entry_shape(entry) for entry in entries])
        return
    show_table(
        ("kind", "value", "mission", "delivery", "decline", "report", "mode", "verified", "pack"),
        [_row(entry) for entry in entries],
        empty="The sender lists are empty." if kind is None else f"There is no {kind} entry.",
    )


def _row(entry: ListEntry) -> tuple[str, ...]:
    """Where the entry says nothing, the policy of the tier holds; a dash says so."""
    own = (entry.delivery, entry.decline, entry.report, entry.mode)
    return (entry.kind, entry.value, entry.mission_en, *(word or "-" for word in own), entry.verified, entry.pack)


@senders.command()
@click.argument("kind", type=_KIND)
@click.argument("value")
@click.option("--mission-en", metavar="NAME", help="The mission's name in English.")
@click.option("--mission-fr", metavar="NAME", help="… in French.")
@click.option("--mission-zh", metavar="NAME", help="… in its own language.")
@click.option("--country", metavar="CODE", help="ISO 3166-1, such as CN.")
@click.option("--class", "class", metavar="WORD", help="consular, police, foreign-ministry …")
@click.option("--delivery", type=Word([Delivery.HOLD, Delivery.FLAG]), help="Instead of the policy's.")
@click.option("--decline", type=_HANDLING, help="Who may start a decline: the stricter of this and the policy.")
@click.option("--report", type=_HANDLING, help="Who may start a report: the stricter of this and the policy.")
@click.option("--mode", type=Word(MODE_ORDER), help="A lower ceiling for this entry.")
@click.option("--legacy", is_flag=True, help="A domain or an address of former times.")
@click.option("--source", metavar="TEXT", help="How it is known.")
@click.option("--verified", metavar="TEXT", help='"published 2026-05", "to verify" …')
@click.option("--review-by", metavar="DATE", callback=read_date, help="When to look at it again: 2027-05-31.")
@click.option("--note", metavar="TEXT")
@with_desk
async def add(desk: Desk, /, **columns: str | bool | date | None) -> None:
    """Add one entry: VALUE is an address, a domain, or a label such as `gat.*.gov.cn`."""
    row = Row({column: given for column, given in columns.items() if given is not None}, {})
    entry = row.entry(pack="")
    if entry is None:
        raise RefusedError("; ".join(problem.message for problem in row.problems))
    version = await desk.listkeeping.add(entry, actor=actor())
    say(f"Listed: {describe(entry)}. {_in_force(version)}")


_POLICY = "policy"
"""For an entry that is to say nothing of its own any more."""


@senders.command()
@click.argument("value")
@click.option("--kind", type=_KIND, help="Which one, where several entries have this value.")
@click.option("--delivery", type=Word([Delivery.HOLD, Delivery.FLAG, _POLICY]), help="`policy`: no own value any more.")
@click.option("--decline", type=Word([*STRICTNESS, _POLICY]))
@click.option("--report", type=Word([*STRICTNESS, _POLICY]))
@click.option("--mode", type=Word([*MODE_ORDER, _POLICY]), help="A lower ceiling for this entry.")
@click.option("--verified", metavar="TEXT", help='"published 2026-05", "to verify" …')
@click.option("--review-by", metavar="DATE", callback=read_date, help="When to look at it again: 2027-05-31.")
@click.option("--note", metavar="TEXT")
@with_desk
async def edit(desk: Desk, /, value: str, kind: EntryKind | None, **columns: str | date | None) -> None:
    """Change what the entry with this VALUE says. Whom it covers can't be edited: remove it, and add another."""
    given = {column: said for column, said in columns.items() if said is not None}
    if not given:
        raise click.UsageError("Say what is to be changed, such as --mode observe.")
    own = {column: None if said == _POLICY else said for column, said in given.items()}
    entry = await desk.listkeeping.edit(value, kind, lambda before: _edited(before, own), actor=actor())
    say(f"Changed: {describe(entry)}. {_in_force((await desk.rulebooks.load()).version)}")


def _edited(entry: ListEntry, own: dict[str, str | date | None]) -> ListEntry:
    words = {"delivery": Delivery, "decline": Handling, "report": Handling, "mode": Mode}
    read = {name: words[name](str(said)) if name in words and said is not None else said for name, said in own.items()}
    return replace(entry, **read)  # type: ignore[arg-type]


@senders.command()
@click.argument("value")
@click.option("--kind", type=_KIND, help="Which one, where several entries have this value.")
@with_desk
async def remove(desk: Desk, value: str, kind: EntryKind | None) -> None:
    """Remove the entry that has this VALUE."""
    entry = await desk.listkeeping.remove(value, kind, actor=actor())
    say(f"No longer listed: {describe(entry)}. {_in_force((await desk.rulebooks.load()).version)}")


@senders.command("try")
@click.argument("value")
@click.option("--kind", type=_KIND, help="What VALUE is; else an address with an @, a label with a *, else a subtree.")
@json_option
@with_desk
async def try_value(desk: Desk, value: str, kind: EntryKind | None, as_json: bool) -> None:
    """Say what an entry with this VALUE would have matched in the mail of the last days, before it is added."""
    tried = await desk.listkeeping.tried(value, kind)
    found = await desk.tallying.replay(tried)
    days = desk.tallying.days
    if as_json:
        show_json(
            {
                "kind": tried.kind,
                "value": tried.value,
                "days": days,
                "messages": found.messages,
                "senders": found.senders,
                "emergency": found.emergency,
            }
        )
        return
    say(
        f"{describe(tried)}: would have matched {found.messages} messages from {found.senders} senders in {days} days, "
        f"{found.emergency} to emergency recipients."
    )


@senders.command()
@click.argument("number", type=click.IntRange(1), required=False)
@json_option
@with_desk
async def history(desk: Desk, number: int | None, as_json: bool) -> None:
    """List every version of the lists, newest first; with a NUMBER, the entries that this one added and removed."""
    if number is not None:
        _show_change(await desk.listkeeping.change_of(number), as_json=as_json)
        return
    versions = await desk.listkeeping.history()
    if as_json:
        show_json([version_shape(version) for version in versions])
        return
    show_table(
        ("version", "when", "who", "added", "removed", "what"),
        [(str(one.number), moment(one.at), one.actor, str(one.added), str(one.removed), one.text) for one in versions],
        empty="The sender lists never changed.",
    )


def _show_change(change: ListChange, *, as_json: bool) -> None:
    """The difference, as a diff has it: what went with a minus, what came with a plus."""
    if as_json:
        show_json(change_shape(change))
        return
    signed = [*(("-", entry) for entry in change.removed), *(("+", entry) for entry in change.added)]
    show_table(
        ("", "kind", "value", "mission", "delivery", "decline", "report", "mode", "verified", "pack"),
        [(sign, *_row(entry)) for sign, entry in signed],
        empty="This version changed no entry: it made every process read the lists again.",
    )


@senders.command()
@click.argument("number", type=click.IntRange(1))
@with_desk
async def undo(desk: Desk, number: int) -> None:
    """Take back what version NUMBER changed, as a new version; refused where later ones changed the same entries."""
    change = await desk.listkeeping.undo(number, actor=actor())
    out, back = _counted(len(change.removed)), _counted(len(change.added))
    version = (await desk.rulebooks.load()).version
    say(f"Version {number} is undone: {out} taken out, {back} put back. {_in_force(version)}")


@senders.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "file_format", type=_FORMAT, help="What FILE is; else its name says it.")
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
@with_desk
async def import_file(desk: Desk, file: Path, file_format: str | None, dry_run: bool) -> None:
    """Add the entries of FILE, a TOML pack or CSV, as one version: all of them, or none if one is refused.

    Entries that stand already are left as they are.
    """
    entries, problems = _read(file, file_format or _format_of(file))
    with progress() as track:
        preview = await desk.listkeeping.preview(entries, track)
    _show_preview(entries, problems, preview)
    refused = len(problems) + len(preview.refused)
    if refused:
        complain(f"Nothing is imported: {_counted(refused)} of {file.name} can't be.")
        fail()
    if dry_run or not preview.new:
        say(f"{_counted(len(preview.new))} would be added." if preview.new else "There is nothing new to import.")
        return
    with progress() as track:
        added = await desk.listkeeping.import_(preview, file.name, actor=actor(), track=track)
    say(f"{_counted(len(added))} added. {_in_force((await desk.rulebooks.load()).version)}")


@senders.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--format", "file_format", type=_FORMAT, help="toml, unless FILE is named otherwise.")
@with_desk
async def export(desk: Desk, file: Path | None, file_format: str | None) -> None:
    """Write the entries in force to FILE, or to stdout, in a form that `import` reads back."""
    entries = await desk.listkeeping.entries()
    chosen = file_format or (_format_of(file) if file is not None else _TOML)
    written = (format_csv(entries) if chosen == _CSV else format_pack(entries)).encode()
    if file is None:
        click.echo(written, nl=False)
        return
    _write(file, written)
    say(f"{_counted(len(entries))} written to {file}.")


def _write(file: Path, octets: bytes) -> None:
    try:
        file.write_bytes(octets)
    except OSError as error:
        raise RefusedError(f"{file}: the file can't be written: {error.strerror}.") from error


def _read(file: Path, file_format: str) -> tuple[Sequence[ListEntry], Sequence[PackProblem]]:
    """The entries of a file, and what is wrong with others; RefusedError when there is no text to read."""
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
    return parse_csv(text, file.stem) if file_format == _CSV else parse_pack(text, file.stem)


def _format_of(file: Path) -> str:
    suffix = file.suffix.lower().removeprefix(".")
    if suffix not in {_TOML, _CSV}:
        raise click.UsageError(f"{file} is named neither .toml nor .csv: say which it is with --format.")
    return suffix


def _show_preview(entries: Sequence[ListEntry], problems: Sequence[PackProblem], preview: ImportPreview) -> None:
    """One line for each entry, in the order of the file; first those that could not be read at all.

    Of a long list only what is wrong: the rest nobody would read.
    """
    known = {(entry.kind, entry.value) for entry in preview.known}
    refused: dict[tuple[str, str], str] = {(entry.kind, entry.value): reason for entry, reason in preview.refused}
    rows: list[tuple[str, ...]] = [
        ("refused", f"line {problem.line}" if problem.line else "", "", problem.message) for problem in problems
    ]
    for entry in entries:
        key = (entry.kind, entry.value)
        word = "refused" if key in refused else "known" if key in known else "new"
        if len(entries) > _MOST_SHOWN and word != "refused":
            continue
        rows.append((word, entry.kind, entry.value, refused.get(key, entry.mission_en)))
    if entries and not rows:
        say(f"{_counted(len(entries))} read: {len(preview.new)} new, {len(preview.known)} known, none refused.")
        return
    show_table(("", "kind", "value", "mission or reason"), rows, empty="There is no entry in the file.")


def _counted(count: int) -> str:
    return "1 entry" if count == 1 else f"{count} entries"


def _in_force(version: int) -> str:
    return f"The lists are at version {version}, in force everywhere within two seconds."
