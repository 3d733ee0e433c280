"""`liaison senders`: the sender lists. Every change is one version, with its author, and all or nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from filters.disposition import MODE_ORDER, STRICTNESS, Delivery, Handling, Mode
from filters.lists import EntryKind, describe
from filters.overlap import overlap_sentences
from filters.pack_rows import Row
from gateway.cli.exemptions import exempt
from gateway.cli.invocation import Word, actor, config_option, json_option, read_date, with_desk
from gateway.cli.list_files import export, import_file
from gateway.cli.list_shapes import (
    change_shape,
    counted,
    entry_shape,
    in_force,
    proposal_shape,
    row_shape,
    version_shape,
)
from gateway.cli.output import say, show_json, show_table
from gateway.clock import moment
from gateway.errors import RefusedError
from gateway.model.list_table import EntryFilter, EntryOrder
from gateway.model.people import Verb
from gateway.model.tally import met_sentence, replay_sentence

if TYPE_CHECKING:
    from datetime import date

    from filters.lists import ListEntry
    from gateway.desk import Desk
    from gateway.model.list_change import ListChange
    from gateway.model.list_table import EntryRow
    from gateway.operations.proposing import Proposal

_HANDLING = Word(STRICTNESS)
_KIND = Word(EntryKind)


class _Version(click.ParamType[int]):
    """The number of a version."""

    name = "number"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """From 1."""
        if not (value.isascii() and value.isdigit()) or int(value) < 1:
            self.fail(f"{value!r} is no number of a version; `liaison senders history` lists them", param, ctx)
        return int(value)


_VERSION = _Version()


@click.group()
@config_option
def senders() -> None:
    """The listed missions and bodies: whose mail is flagged."""


for _command in (exempt, import_file, export):
    senders.add_command(_command)


@senders.command("list")
@click.option("--kind", type=_KIND, help="Only entries of this kind.")
@click.option("--mode", type=Word(MODE_ORDER), help="Only entries with this mode of their own.")
@click.option("--pack", metavar="NAME", help="Only entries of this pack.")
@click.option("--text", metavar="WORDS", default="", help="Only entries that say all of these words.")
@click.option("--due", is_flag=True, help="Only entries that are due for review.")
@click.option("--unmet", is_flag=True, help="Only entries that met nothing in 30 days.")
@click.option("--sort", type=Word(EntryOrder), default=EntryOrder.ADDED, help="The order of the list, if not said.")
@click.option("--descending", is_flag=True, help="The other way round.")
@click.option("--hits", is_flag=True, help="Also what each entry met in 30 days, and who said it and when.")
@json_option
@with_desk(Verb.SEE_SENDERS)
async def list_entries(
    desk: Desk,
    kind: EntryKind | None,
    mode: Mode | None,
    pack: str | None,
    text: str,
    due: bool,
    unmet: bool,
    sort: EntryOrder,
    descending: bool,
    hits: bool,
    as_json: bool,
) -> None:
    """List every entry in force."""
    wanted = EntryFilter(
        text=text, kind=kind, mode=mode, pack=pack, due=due, unmet=unmet, order=sort, descending=descending
    )
    rows = await desk.listreading.rows(wanted)
    if as_json:
        show_json([row_shape(row) if hits else entry_shape(row.entry) for row in rows])
        return
    columns = ("kind", "value", "mission", "delivery", "decline", "report", "mode", "verified", "pack")
    more = ("hits", "last hit", "added by", "in force since", "review by") if hits else ()
    show_table(
        (*columns, *more),
        [(*_row(row.entry), *(_records(row) if hits else ())) for row in rows],
        empty=f"There is no {kind} entry." if kind else "No entry is listed that is so.",
    )


def _records(row: EntryRow) -> tuple[str, ...]:
    last, review_by = row.hits.last, row.entry.review_by
    return (
        str(row.hits.recent),
        moment(last) if last else "-",
        f"{row.added.actor} in version {row.added.version}",
        moment(row.changed.at),
        f"{review_by or '-'}",
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
@with_desk(Verb.CHANGE_SENDERS, makes=True)
async def add(desk: Desk, /, **columns: str | bool | date | None) -> None:
    """Add one entry: VALUE is an address, a domain, or a label such as `gat.*.gov.cn`."""
    row = Row({column: given for column, given in columns.items() if given is not None}, {})
    entry = row.entry(pack="")
    if entry is None:
        raise RefusedError("; ".join(problem.message for problem in row.problems))
    overlaps = await desk.proposing.overlap(entry)
    version = await desk.listkeeping.add(entry, actor=actor())
    say(f"Listed: {describe(entry)}. {in_force(version)}")
    for sentence in overlap_sentences(overlaps):
        say(f"{sentence}.")
    if entry.mode is None and not overlaps.covered_by:
        say(f"Its mail is handled from now on. To only record it: liaison senders edit {entry.value} --mode observe")


_MOST_DOMAINS = 10
"""Domains that a replay names one by one."""
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
@json_option
@with_desk(Verb.CHANGE_SENDERS, makes=True)
async def edit(
    desk: Desk, /, value: str, kind: EntryKind | None, *, as_json: bool, **columns: str | date | None
) -> None:
    """Change what the entry with this VALUE says. Whom it covers can't be edited: remove it, and add another."""
    given = {column: said for column, said in columns.items() if said is not None}
    if not given:
        raise click.UsageError("Say what is to be changed, such as --mode observe.")
    own = {column: None if said == _POLICY else said for column, said in given.items()}
    entry = await desk.listkeeping.edit(value, kind, lambda before: _edited(before, own), actor=actor())
    version = (await desk.rulebooks.load()).version
    if as_json:
        show_json({"version": version, "entry": entry_shape(entry)})
        return
    say(f"Changed: {describe(entry)}. {in_force(version)}")


def _edited(entry: ListEntry, own: dict[str, str | date | None]) -> ListEntry:
    words = {"delivery": Delivery, "decline": Handling, "report": Handling, "mode": Mode}
    read = {name: words[name](str(said)) if name in words and said is not None else said for name, said in own.items()}
    return replace(entry, **read)  # type: ignore[arg-type]


@senders.command()
@click.argument("value")
@click.option("--kind", type=_KIND, help="Which one, where several entries have this value.")
@with_desk(Verb.CHANGE_SENDERS, makes=True)
async def remove(desk: Desk, value: str, kind: EntryKind | None) -> None:
    """Remove the entry that has this VALUE."""
    entry = await desk.listkeeping.remove(value, kind, actor=actor())
    say(f"No longer listed: {describe(entry)}. {in_force((await desk.rulebooks.load()).version)}")


@senders.command("try")
@click.argument("values", metavar="VALUE...", nargs=-1, required=True)
@click.option("--kind", type=_KIND, help="What VALUE is; else an address with an @, a label with a *, else a subtree.")
@json_option
@with_desk(Verb.SEE_SENDERS)
async def try_values(desk: Desk, values: tuple[str, ...], kind: EntryKind | None, as_json: bool) -> None:
    """Say what an entry with this VALUE would have matched in the mail of the last days, before it is added.

    Mail is counted within a minute. Of several: each by itself, and all together. In JSON one value is an object,
    several are an array of them.
    """
    proposals = [await _proposed(desk, value, kind) for value in values]
    if as_json:
        shapes = [proposal_shape(one) for one in proposals]
        show_json(shapes[0] if len(shapes) == 1 else shapes)
        return
    for one in proposals:
        _show_proposal(one)
    if len(proposals) > 1:
        together = await desk.tallying.replay(*(one.entry for one in proposals if one.entry is not None))
        say(f"All {len(proposals)} together: {replay_sentence(together)}.")


async def _proposed(desk: Desk, value: str, kind: EntryKind | None) -> Proposal:
    """RefusedError where it may not be listed; what is listed already is tried all the same."""
    proposal = await desk.proposing.propose(
        {"kind": kind or desk.listkeeping.kind_of(value), "value": value}, edited=True
    )
    if proposal.wrong:
        raise RefusedError("; ".join(proposal.wrong))
    return proposal


def _show_proposal(proposal: Proposal) -> None:
    if proposal.entry is None or proposal.overlap is None or proposal.replay is None:
        return
    say(f"{describe(proposal.entry)}: {replay_sentence(proposal.replay)}.")
    for total in proposal.replay.domains[:_MOST_DOMAINS]:
        say(f"  {total.domain}: {met_sentence(total.messages, total.senders)}")
    if len(proposal.replay.domains) > _MOST_DOMAINS:
        say(f"  and {len(proposal.replay.domains) - _MOST_DOMAINS} domains more")
    if proposal.overlap.same is not None:
        say(f"  {describe(proposal.entry)} is on the list already.")
    for sentence in proposal.remarks:
        say(f"  {sentence}.")


@senders.command()
@click.argument("number", type=_VERSION, required=False)
@json_option
@with_desk(Verb.SEE_SENDERS)
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
@click.argument("number", type=_VERSION)
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@json_option
@with_desk(Verb.CHANGE_SENDERS)
async def undo(desk: Desk, number: int, dry_run: bool, as_json: bool) -> None:
    """Take back what version NUMBER changed, as a new version; refused where later ones changed the same entries."""
    if dry_run:
        _show_change(await desk.listkeeping.undoing(number), as_json=as_json)
        return
    change = await desk.listkeeping.undo(number, actor=actor())
    await _tell(desk, f"Version {number} is undone", change, as_json=as_json)


@senders.command()
@click.argument("number", type=_VERSION)
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@json_option
@with_desk(Verb.CHANGE_SENDERS)
async def restore(desk: Desk, number: int, dry_run: bool, as_json: bool) -> None:
    """Put the lists back to how they were under version NUMBER, as a new version."""
    if dry_run:
        _show_change(await desk.listkeeping.restoration(number), as_json=as_json)
        return
    change = await desk.listkeeping.restore(number, actor=actor())
    await _tell(desk, f"The lists are as under version {number}", change, as_json=as_json)


async def _tell(desk: Desk, done: str, change: ListChange, *, as_json: bool) -> None:
    """What was taken out and put back, and the version in which it was."""
    version = (await desk.rulebooks.load()).version
    if as_json:
        show_json({"version": version, **change_shape(change)})
        return
    out, back = counted(len(change.removed)), counted(len(change.added))
    say(f"{done}: {out} taken out, {back} put back. {in_force(version)}")
