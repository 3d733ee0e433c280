"""The audit log: who did what and when, and whether the chain of its rows holds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.responses import StreamingResponse

from gateway.console.audit_words import details, happened
from gateway.console.days import ignored_day, whole_days
from gateway.console.doors import action, page
from gateway.console.navigation import N_
from gateway.console.numbers import whole_number
from gateway.errors import RefusedError
from gateway.model.audit import AuditFilter
from gateway.model.people import Verb
from gateway.operations.listkeeping import LIST_CHANGED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from starlette.responses import Response

    from filters.sentence import Sentence
    from gateway.console.visit import Visit
    from gateway.model.audit import AuditEntry, ChainHead, Verification
    from gateway.operations.auditing import Progress

FIELDS = ("actor", "action", "subject", "since", "until")


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One row, and what of it is said in words."""

    entry: AuditEntry
    what: str
    subject: str
    details: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLog:
    """The context of `audit/audit.html`. `said` are the fields of the filter as typed."""

    rows: tuple[AuditRow, ...]
    said: dict[str, str]
    ignored: tuple[Sentence, ...]
    """Of those what filters nothing."""
    actors: list[tuple[str, str]]
    actions: list[tuple[str, str]]
    """Codes, and what they mean."""
    verification: Verification | None
    progress: Progress | None
    waiting: bool
    head: ChainHead
    older: str
    """The address of the rows before these; "" for none."""


async def show(visit: Visit) -> Response:
    """Rows, the newest first."""
    said = {name: visit.query(name)[:200] for name in FIELDS}
    auditing, watch = visit.office.auditing, visit.office.chain_watch
    found = await auditing.page(_wanted(visit, said), before=whole_number(visit.query("before")))
    actors, actions = await auditing.words()
    kept = {name: value for name, value in said.items() if value}
    context = AuditLog(
        rows=await _rows(visit, found.entries),
        said=said,
        ignored=_ignored(said),
        actors=[(one, one) for one in actors],
        actions=sorted(((one, happened(one, visit.words)) for one in actions), key=lambda pair: pair[1]),
        verification=await auditing.verification(),
        progress=watch.progress,
        waiting=watch.waiting,
        head=await auditing.head(),
        older=f"/audit?{urlencode({**kept, 'before': found.older})}" if found.older is not None else "",
    )
    return await visit.show("audit/audit.html", context)


async def _rows(visit: Visit, entries: Sequence[AuditEntry]) -> tuple[AuditRow, ...]:
    """What a change of the lists is about stands in its row as English text, and in its version as a sentence."""
    versions = {one.seq: int(one.detail["version"]) for one in entries if one.action == LIST_CHANGED}
    texts = await visit.office.listreading.texts(versions.values())
    words = visit.words
    return tuple(
        AuditRow(
            entry=one,
            what=happened(one.action, words),
            subject=words.say(texts.get(versions.get(one.seq, 0), one.subject)),
            details=details(one, words),
        )
        for one in entries
    )


async def verify(visit: Visit) -> Response:
    """Look through the whole chain soon."""
    await visit.office.chain_watch.ask(actor=visit.actor)
    return await visit.go("/audit", done=ASKED)


async def export(visit: Visit) -> Response:
    """All rows of the filter, the newest first, a JSON object a line."""
    said = {name: visit.field(name, 200) for name in FIELDS}
    for why in _ignored(said):
        raise RefusedError(why)
    rows = visit.office.auditing.export(_wanted(visit, said), actor=visit.actor)
    headers = {"Content-Disposition": 'attachment; filename="audit.jsonl"'}
    return StreamingResponse(_lines(rows), media_type="application/x-ndjson", headers=headers)


async def _lines(entries: AsyncIterator[AuditEntry]) -> AsyncIterator[str]:
    async for entry in entries:
        yield json.dumps(entry.row(), ensure_ascii=False) + "\n"


def _ignored(said: dict[str, str]) -> tuple[Sentence, ...]:
    return tuple(why for name in ("since", "until") if (why := ignored_day(said[name])))


def _wanted(visit: Visit, said: dict[str, str]) -> AuditFilter:
    since, until = whole_days(said["since"], said["until"], visit.office.zone)
    return AuditFilter(actor=said["actor"], action=said["action"], subject=said["subject"], since=since, until=until)


ASKED = N_("The whole chain is verified now; the page shows how far that is.")

ROUTES = [
    page("/audit", show, Verb.SEE_AUDIT),
    action("/audit/verify", verify, Verb.SEE_AUDIT),
    action("/audit/export", export, Verb.SEE_AUDIT),
]
