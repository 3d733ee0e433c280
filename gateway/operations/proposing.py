"""Proposing: what a change of the sender lists would do, before anybody makes it. Nothing here changes anything.

A value is read, checked against what may be listed and against what stands, and replayed over the ledger.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from filters.address_list import parse_address_list
from filters.disposition import Mode
from filters.identities import IdentityKind
from filters.lists import EntryKind, ListEntry, ListIndex, canonical_entry_value
from filters.overlap import covered_by, covered_sentence, covers_sentence, overlap, overlap_sentences
from filters.pack_rows import PackProblem, Row
from filters.sentence import Sentence
from gateway.errors import RefusedError
from gateway.model.list_change import differences
from gateway.model.list_import import ImportLine, ImportSheet, LineFate
from gateway.model.tracking import Track, untracked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from filters.overlap import Overlap
    from filters.pack_rows import PackLine
    from gateway.clock import Clock
    from gateway.model.case import Case
    from gateway.model.tally import Replay
    from gateway.operations.listkeeping import Listkeeping
    from gateway.operations.tallying import Tallying
    from gateway.store.unit_of_work import Store

NEXT_REVIEW = timedelta(days=365)
"""After which a new entry is proposed to be looked at again: missions move and change their domains."""
FIRST_MODE = Mode.OBSERVE
"""In which a new entry is proposed: it records what it meets, and holds nobody's mail until somebody has seen that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """An entry that somebody wants, and all that can be said of it before it is saved.

    Where something is `wrong` there is nothing else: `overlap` and `replay` are None.
    """

    entry: ListEntry | None
    wrong: tuple[Sentence, ...]
    """Why it can't be saved, and what would be right."""
    overlap: Overlap | None = None
    remarks: tuple[Sentence, ...] = ()
    """What its overlaps mean."""
    replay: Replay | None = None
    """What it would have matched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The columns of a form for a new entry, and the kinds and values among which a person may choose instead."""

    columns: Mapping[str, str]
    choices: tuple[tuple[EntryKind, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposing:
    """The questions."""

    store: Store
    clock: Clock
    listkeeping: Listkeeping
    tallying: Tallying

    async def propose(self, columns: Mapping[str, object], *, edited: bool = False) -> Proposal:
        """Check an entry given by its columns (`filters.pack_rows.COLUMNS`). `edited`: it takes its own old place."""
        row = Row({column: given for column, given in columns.items() if given not in ("", None)}, {})
        entry = row.entry(pack="")
        if entry is None:
            return Proposal(entry=None, wrong=tuple(problem.message for problem in row.problems))
        objection = self.listkeeping.objection(entry)
        if objection is not None:
            return Proposal(entry=entry, wrong=(objection,))
        found = await self.overlap(entry)
        remarks = tuple(overlap_sentences(replace(found, same=None) if edited else found))
        if found.same is not None and not edited:
            return Proposal(entry=entry, wrong=remarks[:1], overlap=found)
        return Proposal(entry=entry, wrong=(), overlap=found, remarks=remarks, replay=await self.tallying.replay(entry))

    async def overlap(self, entry: ListEntry) -> Overlap:
        """What stands beside an entry."""
        live = await self.listkeeping.entries()
        return await asyncio.to_thread(lambda: overlap(entry, ListIndex(live)))

    def blank(self) -> Draft:
        """A form as it is first shown."""
        next_review = (self.clock.now() + NEXT_REVIEW).date()
        return Draft(
            columns=MappingProxyType(
                {"kind": EntryKind.ADDRESS, "mode": FIRST_MODE, "review_by": next_review.isoformat()}
            )
        )

    async def draft_from(self, reference: str, wanted: tuple[EntryKind, str] | None = None) -> Draft:
        """A form for the sender of a case: its exact address, or which of the choices is wanted.

        To list more than the address is for a person to say; no choice is one that would be refused.
        """
        async with self.store.reading() as work:
            case = await work.cases.by_reference(reference)
        if case is None:
            raise RefusedError("There is no case {reference}", reference=reference)
        addresses = _addresses_of(case)
        if not addresses:
            raise RefusedError("{reference} names no sender that could be listed", reference=reference)
        choices = self._choices(addresses)
        kind, value = wanted if wanted in choices else choices[0]
        columns = {**self.blank().columns, "kind": kind, "value": value, "source": reference}
        return Draft(columns=MappingProxyType(columns), choices=choices)

    def _choices(self, addresses: Sequence[str]) -> tuple[tuple[EntryKind, str], ...]:
        """The addresses, then those of their domains that may be listed."""
        domains = dict.fromkeys(address.rpartition("@")[2] for address in addresses)
        listable = (
            (EntryKind.DOMAIN, domain)
            for domain in domains
            if self.listkeeping.objection(ListEntry(kind=EntryKind.DOMAIN, value=domain)) is None
        )
        return (*((EntryKind.ADDRESS, address) for address in addresses), *listable)

    async def sheet(self, lines: Sequence[PackLine], track: Track = untracked) -> ImportSheet:
        """What an import of these lines would do."""
        live = await self.listkeeping.entries()
        return await asyncio.to_thread(self._sheet, lines, live, track)

    def _sheet(self, lines: Sequence[PackLine], live: Sequence[ListEntry], track: Track) -> ImportSheet:
        known = {(entry.kind, entry.value): entry for entry in live}
        judged = [self._judged(line, known) for line in track(lines, "Checking")]
        new = [line.entry for line in judged if line.fate is LineFate.NEW and line.entry is not None]
        whole, covers = ListIndex([*live, *new]), _covers(new, live)
        return ImportSheet(lines=tuple(_remarked(line, whole, covers) for line in judged))

    def _judged(self, line: PackLine, known: Mapping[tuple[EntryKind, str], ListEntry]) -> ImportLine:
        entry = line.entry
        objection = None if entry is None else self.listkeeping.objection(entry)
        reasons = (*line.problems, *((PackProblem(line.line, objection),) if objection else ()))
        said = ImportLine(
            line=line.line, fate=LineFate.REFUSED, kind=line.kind, value=line.value, entry=entry, reasons=reasons
        )
        if entry is None or reasons:
            return said
        stands = known.get((entry.kind, entry.value))
        if stands is None:
            return replace(said, fate=LineFate.NEW)
        columns = ", ".join(one.column for one in differences(stands, replace(entry, pack=stands.pack)))
        remarks = (Sentence("stands already and is left as it is; the file differs in {columns}", columns=columns),)
        return replace(said, fate=LineFate.KNOWN, remarks=remarks if columns else ())


def _covers(new: Sequence[ListEntry], live: Sequence[ListEntry]) -> dict[tuple[EntryKind, str], list[ListEntry]]:
    """What stands below each of the new entries. One look-up for each that stands, however many are new."""
    index = ListIndex(new)
    covers: dict[tuple[EntryKind, str], list[ListEntry]] = {}
    for entry in live:
        for wider in covered_by(entry, index):
            covers.setdefault((wider.kind, wider.value), []).append(entry)
    return covers


def _remarked(
    line: ImportLine, whole: ListIndex, covers: Mapping[tuple[EntryKind, str], list[ListEntry]]
) -> ImportLine:
    if line.fate is not LineFate.NEW or line.entry is None:
        return line
    remarks: list[Sentence] = []
    wider = covered_by(line.entry, whole)
    if wider:
        remarks.append(covered_sentence(line.entry, wider[0]))
    below = covers.get((line.entry.kind, line.entry.value))
    if below:
        remarks.append(covers_sentence(tuple(below)))
    return replace(line, remarks=tuple(remarks))


def _addresses_of(case: Case) -> tuple[str, ...]:
    """The addresses that the case claims to be from: its From first, then its reverse-path."""
    claimed = [one.address for one in case.findings if one.identity == IdentityKind.FROM and one.address]
    parsed = parse_address_list(case.header_from)
    written = [str(mailbox) for mailbox in parsed.mailboxes] if parsed is not None else []
    addresses = (*claimed, *written, *((case.reverse_path,) if case.reverse_path else ()))
    return tuple(dict.fromkeys(canonical_entry_value(EntryKind.ADDRESS, address) for address in addresses))
