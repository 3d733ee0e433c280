"""The sender lists: one table, one entry, and what each change did. To change them is `sender_changes`' business."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.responses import Response

from filters.disposition import Mode
from filters.lists import EntryKind
from filters.packs import format_csv, format_pack
from filters.sentence import Sentence
from gateway.console.doors import action, page
from gateway.console.numbers import whole_number
from gateway.console.templating import entry_query
from gateway.errors import RefusedError
from gateway.model.list_table import EntryFilter, EntryOrder
from gateway.model.people import Verb

if TYPE_CHECKING:
    from datetime import date

    from filters.lists import ListEntry
    from gateway.console.visit import Visit
    from gateway.model.list_change import ListChange, ListVersion
    from gateway.model.list_table import EntryPage, EntryRecord

FIELDS = ("q", "kind", "mode", "pack", "due", "unmet", "sort", "down")


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderList:
    """The context of `senders/list.html`. `said` are the fields of the filter."""

    found: EntryPage
    said: dict[str, str]
    is_narrow: bool
    today: date
    version: int

    def address(self, number: int) -> str:
        """Of that page of the table."""
        said = {name: value for name, value in self.said.items() if value}
        return f"/senders?{urlencode({**said, 'page': number})}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPageContext:
    """The context of `senders/entry.html`."""

    record: EntryRecord
    today: date


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The context of `senders/history.html`."""

    versions: tuple[ListVersion, ...]
    all: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """The context of `senders/version.html`: what a version changed, and what a restoration of it would."""

    number: int
    version: ListVersion | None
    change: ListChange
    restoration: ListChange


SHOWN_VERSIONS = 200


async def show(visit: Visit) -> Response:
    """A page of the table."""
    said = {name: visit.query(name)[:200] for name in FIELDS}
    wanted = EntryFilter(
        text=said["q"],
        kind=EntryKind(said["kind"]) if said["kind"] in set(EntryKind) else None,
        mode=Mode(said["mode"]) if said["mode"] in set(Mode) else None,
        pack=said["pack"] or None,
        due=said["due"] == "1",
        unmet=said["unmet"] == "1",
        order=EntryOrder(said["sort"]) if said["sort"] in set(EntryOrder) else EntryOrder.VALUE,
        descending=said["down"] == "1",
    )
    found = await visit.office.listreading.page(wanted, whole_number(visit.query("page")) or 1)
    context = SenderList(
        found=found,
        said=said,
        is_narrow=any(said[name] for name in FIELDS if name not in {"sort", "down"}),
        today=visit.office.clock.now().date(),
        version=visit.office.rulebooks.current.version,
    )
    return await visit.show("senders/list.html", context)


async def show_entry(visit: Visit) -> Response:
    """One entry, what it met, and what it said before; also one that was removed."""
    kind, value = kind_and_value(visit.query("kind"), visit.query("value"))
    record = await visit.office.listreading.record(kind, value)
    context = EntryPageContext(record=record, today=visit.office.clock.now().date())
    return await visit.show("senders/entry.html", context)


async def remove(visit: Visit) -> Response:
    """Off the list."""
    kind, value = kind_and_value(visit.field("kind"), visit.field("value"))
    await visit.office.listkeeping.remove(value, kind, actor=visit.actor)
    return await visit.go("/senders", done=Sentence("{value} is no more on the list.", value=value))


async def export(visit: Visit) -> Response:
    """The whole list as a file that an import takes."""
    entries = await visit.office.listkeeping.entries()
    form = visit.field("form", 10)
    content, name = (format_pack(entries), "senders.toml") if form == "pack" else (format_csv(entries), "senders.csv")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content.encode(), media_type="text/plain; charset=utf-8", headers=headers)


async def history(visit: Visit) -> Response:
    """Every version, the newest first."""
    versions = await visit.office.listkeeping.history()
    return await visit.show(
        "senders/history.html", History(versions=tuple(versions[:SHOWN_VERSIONS]), all=len(versions))
    )


async def show_version(visit: Visit) -> Response:
    """What one version changed."""
    number = _number(visit.part("version"))
    versions = await visit.office.listkeeping.history()
    context = Version(
        number=number,
        version=next((one for one in versions if one.number == number), None),
        change=await visit.office.listkeeping.change_of(number),
        restoration=await visit.office.listkeeping.restoration(number),
    )
    return await visit.show("senders/version.html", context)


async def undo(visit: Visit) -> Response:
    """Take back what the version changed."""
    number = _number(visit.part("version"))
    await visit.office.listkeeping.undo(number, actor=visit.actor)
    return await visit.go("/senders/history", done=Sentence("Version {number} is taken back.", number=number))


async def restore(visit: Visit) -> Response:
    """Put the lists back to that version."""
    number = _number(visit.part("version"))
    await visit.office.listkeeping.restore(number, actor=visit.actor)
    done = Sentence("The lists are as they were under version {number}.", number=number)
    return await visit.go("/senders/history", done=done)


def kind_and_value(kind: str, value: str) -> tuple[EntryKind, str]:
    """Of an entry, as an address or a form names it."""
    if kind not in set(EntryKind):
        raise RefusedError("No entry is named: that takes its kind and its value")
    return EntryKind(kind), value


def entry_address(entry: ListEntry) -> str:
    """The page of an entry."""
    return f"/senders/entry?{entry_query(entry)}"


def _number(said: str) -> int:
    number = whole_number(said)
    if number is None:
        raise RefusedError("There is no version {number} of the lists", number=said)
    return number


ROUTES = [
    page("/senders", show, Verb.SEE_SENDERS),
    page("/senders/entry", show_entry, Verb.SEE_SENDERS),
    action("/senders/remove", remove, Verb.CHANGE_SENDERS),
    action("/senders/export", export, Verb.SEE_SENDERS),
    page("/senders/history", history, Verb.SEE_SENDERS),
    page("/senders/history/{version}", show_version, Verb.SEE_SENDERS),
    action("/senders/history/{version}/undo", undo, Verb.CHANGE_SENDERS),
    action("/senders/history/{version}/restore", restore, Verb.CHANGE_SENDERS),
]
