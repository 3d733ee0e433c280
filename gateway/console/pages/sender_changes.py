"""Changing the sender lists: a value, a check with a replay, and only then a change; and imports line by line.

Between two steps nothing is kept here: the form carries what was typed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from starlette.datastructures import UploadFile

from filters.disposition import Mode
from filters.lists import EntryKind
from filters.pack_rows import COLUMNS, columns_of
from filters.packs import csv_lines, pack_lines
from filters.sentence import Sentence
from gateway.console.doors import action, page
from gateway.console.navigation import N_
from gateway.console.pages.sender_list import entry_address, kind_and_value
from gateway.errors import RefusedError
from gateway.model.list_import import LineFate
from gateway.model.people import Verb
from gateway.model.tally import replay_sentence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.responses import Response

    from filters.lists import ListEntry
    from filters.pack_rows import PackLine
    from gateway.console.visit import Visit
    from gateway.model.list_import import ImportLine, ImportSheet
    from gateway.model.tally import DomainTotal
    from gateway.operations.proposing import Proposal

SHOWN_LINES = 300
"""Lines of an import on a page, behind all that are refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryForm:
    """The context of `senders/form.html`: the columns as typed, and what was found about them after a check."""

    columns: Mapping[str, str]
    case: str
    """The case whose sender it is about; "" without one."""
    choices: tuple[tuple[EntryKind, str], ...]
    """What else of that case could be listed."""
    proposal: Proposal | None
    wrong: tuple[Sentence, ...]
    replayed: Sentence | None
    domains: tuple[DomainTotal, ...]
    editing: bool
    was: str
    """Of an entry that is edited: what tells whether somebody else has changed it since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportForm:
    """The context of `senders/import.html`. `sheet` is None before a check; `lines` are those that are shown."""

    text: str
    form: str
    sheet: ImportSheet | None
    lines: tuple[ImportLine, ...]
    new: int
    wrong: str


async def ask(visit: Visit) -> Response:
    """The first step: a blank form, or one for the sender of a case, as narrow or as wide as was chosen."""
    reference, kind = _case(visit, visit.query("case")), visit.query("kind")
    wanted = (EntryKind(kind), visit.query("value")) if kind in set(EntryKind) else None
    proposing = visit.office.proposing
    draft = await proposing.draft_from(reference, wanted) if reference else proposing.blank()
    columns = {name: str(draft.columns.get(name, "")) for name in COLUMNS}
    return await _form(visit, columns, case=reference)


async def check(visit: Visit) -> Response:
    """The second and third step: refusals and overlaps, and what it would have matched. Nothing is saved."""
    columns, editing = _typed(visit), visit.field("editing") == "yes"
    if editing:
        kind_and_value(columns["kind"], columns["value"])
    proposal = await visit.office.proposing.propose(columns, edited=editing)
    return await _form(visit, columns, proposal=proposal, editing=editing, was=visit.field("was", 64))


async def add(visit: Visit) -> Response:
    """Save it: in the mode of the form, or enforced, as the button says."""
    columns = dict(_typed(visit))
    if visit.field("enforce") == "yes":
        columns["mode"] = ""
    proposal = await visit.office.proposing.propose(columns)
    if proposal.wrong or proposal.entry is None:
        return await _form(visit, columns, proposal=proposal)
    await visit.office.listkeeping.add(proposal.entry, actor=visit.actor)
    done = Sentence("{value} is on the list, in force within two seconds.", value=proposal.entry.value)
    return await visit.go(entry_address(proposal.entry), done=done)


async def ask_edit(visit: Visit) -> Response:
    """The form of an entry that stands."""
    kind, value = kind_and_value(visit.query("kind"), visit.query("value"))
    record = await visit.office.listreading.record(kind, value)
    if record.removed is not None:
        raise RefusedError("{value} is not on the list", value=value)
    entry = record.row.entry
    return await _form(visit, columns_of(entry), editing=True, was=_digest(entry))


async def edit(visit: Visit) -> Response:
    """What an entry says, changed."""
    columns, was = _typed(visit), visit.field("was", 64)
    kind_and_value(columns["kind"], columns["value"])
    proposal = await visit.office.proposing.propose(columns, edited=True)
    if proposal.wrong or proposal.entry is None:
        return await _form(visit, columns, proposal=proposal, editing=True, was=was)
    wanted = proposal.entry

    def edited(before: ListEntry) -> ListEntry:
        """The entry as typed, in its old pack; the second of two people is told."""
        if _digest(before) != was:
            raise RefusedError("{value} was changed meanwhile: look at it again", value=before.value)
        return replace(wanted, pack=before.pack)

    await visit.office.listkeeping.edit(wanted.value, wanted.kind, edited, actor=visit.actor)
    return await visit.go(entry_address(wanted), done=Sentence("{value} is changed.", value=wanted.value))


async def ask_import(visit: Visit) -> Response:
    """A box and a file."""
    return await visit.show(
        "senders/import.html", ImportForm(text="", form="csv", sheet=None, lines=(), new=0, wrong="")
    )


async def check_import(visit: Visit) -> Response:
    """Line by line what an import would do."""
    text, form = await _file_or_text(visit)
    sheet = await visit.office.proposing.sheet(_lines(text, form))
    order = {LineFate.REFUSED: 0, LineFate.NEW: 1, LineFate.KNOWN: 2}
    lines = tuple(sorted(sheet.lines, key=lambda line: (order[line.fate], line.line)))
    lines = lines[: len(sheet.refused) + SHOWN_LINES]
    context = ImportForm(text=text, form=form, sheet=sheet, lines=lines, new=len(sheet.new), wrong="")
    return await visit.show("senders/import.html", context)


async def import_(visit: Visit) -> Response:
    """All that is new, as one version."""
    text, form = await _file_or_text(visit)
    sheet = await visit.office.proposing.sheet(_lines(text, form))
    added = await visit.office.listkeeping.import_(
        sheet,
        Sentence("lines of a form"),
        actor=visit.actor,
        without_refused=visit.field("without_refused") == "yes",
        mode=Mode.OBSERVE if visit.field("observe") == "yes" else None,
    )
    done = Sentence("Entries added as one version: {number}. The history can take it back.", number=len(added))
    return await visit.go("/senders/history", done=done)


async def _form(
    visit: Visit,
    columns: Mapping[str, str],
    *,
    case: str = "",
    proposal: Proposal | None = None,
    editing: bool = False,
    was: str = "",
) -> Response:
    replay, case = proposal.replay if proposal is not None else None, case or _case(visit, visit.field("case", 64))
    context = EntryForm(
        columns=MappingProxyType(dict(columns)),
        case=case,
        choices=(await visit.office.proposing.draft_from(case)).choices if case else (),
        proposal=proposal,
        wrong=proposal.wrong if proposal is not None else (),
        replayed=replay_sentence(replay) if replay is not None else None,
        domains=replay.domains[:10] if replay is not None else (),
        editing=editing,
        was=was,
    )
    return await visit.show("senders/form.html", context, status=400 if context.wrong else 200)


def _case(visit: Visit, reference: str) -> str:
    """Whose senders are proposed; "" for those who see no cases: they are not to learn here who wrote."""
    return reference if visit.may(Verb.SEE_CASES) else ""


def _typed(visit: Visit) -> Mapping[str, str]:
    """The columns of the form; a kind that was not chosen is guessed by nobody."""
    columns = {name: visit.field(name, 2000) for name in COLUMNS}
    if columns["kind"] not in set(EntryKind):
        columns["kind"] = ""
    return columns


def _digest(entry: ListEntry) -> str:
    """Of all that an entry says."""
    return hashlib.sha256(repr(sorted(columns_of(entry).items())).encode()).hexdigest()


async def _file_or_text(visit: Visit) -> tuple[str, str]:
    """What was sent, and whether it is CSV or a pack: a file goes before the box."""
    form = "pack" if visit.field("form") == "pack" else "csv"
    upload = visit.form.get("file")
    if isinstance(upload, UploadFile) and upload.filename:
        try:
            text = (await upload.read()).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise RefusedError(NO_UTF8) from error
        return text, "pack" if upload.filename.endswith(".toml") else form
    text = visit.typed("text").replace("\0", "")
    if not text.strip():
        raise RefusedError("Choose a file, or put lines into the box")
    return text, form


def _lines(text: str, form: str) -> Sequence[PackLine]:
    return pack_lines(text, "console") if form == "pack" else csv_lines(text, "console")


NO_UTF8 = N_("The file is not in UTF-8: save it as UTF-8 text")

ROUTES = [
    page("/senders/add", ask, Verb.CHANGE_SENDERS),
    action("/senders/check", check, Verb.CHANGE_SENDERS),
    action("/senders/add", add, Verb.CHANGE_SENDERS),
    page("/senders/edit", ask_edit, Verb.CHANGE_SENDERS),
    action("/senders/edit", edit, Verb.CHANGE_SENDERS),
    page("/senders/import", ask_import, Verb.CHANGE_SENDERS),
    action("/senders/import/check", check_import, Verb.CHANGE_SENDERS),
    action("/senders/import", import_, Verb.CHANGE_SENDERS),
]
