"""The audit log, for those who read it: pages backwards, an export, and the verification of the chain.

A long chain is looked through in slices, so that mail does not wait for it: what is new every hour, all of it once a
day, and whenever somebody asks. What came of it is in the store, for every node and after every start; an error in the
log says that the chain is broken. Who can rewrite the chain can rewrite that too: only a head that was noted elsewhere
proves the log (`liaison audit verify --head`).
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from filters.sentence import Sentence
from gateway.counters import FAULTS, STORE_FAILURES, count
from gateway.errors import StoreError
from gateway.events import Event
from gateway.model.audit import BEGINNING, AuditEntry, ChainHead, Verification, verify_chain
from gateway.store.telling import as_heard, as_told
from gateway.store.values import AUDIT_VERIFIED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateway.clock import Clock
    from gateway.model.audit import AuditFilter
    from gateway.store.unit_of_work import Store, Work

PAGE = 50
"""Rows on a page."""
SLICE = 250
"""Rows that are read, and looked through, at one go: some milliseconds."""
NEW_ROWS_EVERY = timedelta(hours=1)
WHOLE_EVERY = timedelta(days=1)
LOOK_EVERY = 60.0
"""Seconds between looks at whether a verification is due."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Rows, the newest first. `older` is what to ask with for those before them; None where there are none."""

    entries: tuple[AuditEntry, ...]
    older: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a verification is."""

    done: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Auditing:
    """The questions."""

    store: Store

    async def page(self, wanted: AuditFilter, *, before: int | None = None) -> AuditPage:
        """The newest rows that are asked for, or those before the row of that number."""
        async with self.store.reading() as work:
            found = await work.audit.page(wanted, before=before, most=PAGE + 1)
        shown = tuple(found[:PAGE])
        return AuditPage(entries=shown, older=shown[-1].seq if len(found) > PAGE else None)

    async def words(self) -> tuple[list[str], list[str]]:
        """The actors and the actions that occur, for filters."""
        async with self.store.reading() as work:
            return await work.audit.actors(), await work.audit.actions()

    async def export(self, wanted: AuditFilter, *, actor: str) -> AsyncIterator[AuditEntry]:
        """All rows that are asked for, the newest first, a slice at a time; that they were taken out is a row too."""
        async with self.store.begin() as work:
            await work.audit.append(actor, "audit-exported", "audit", _told(wanted))
            before = (await work.audit.head()).seq
        while before > 1:
            async with self.store.reading() as work:
                found = await work.audit.page(wanted, before=before, most=SLICE)
            for entry in found:
                yield entry
            before = found[-1].seq if len(found) == SLICE else 0

    async def head(self) -> ChainHead:
        """The end of the chain, to be noted outside."""
        async with self.store.reading() as work:
            return await work.audit.head()

    async def verification(self) -> Verification | None:
        """What the last verification found, on whichever node; None before the first."""
        async with self.store.reading() as work:
            return await last_verification(work)


class ChainWatch:
    """Verifies the chain when it is due, and when somebody asks. One for the process, which runs `keep()`."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._asked = asyncio.Event()
        self.progress: Progress | None = None
        """Of the verification that runs now, if one does."""

    async def ask(self, *, actor: str) -> None:
        """Verify all of it soon. Asked twice before that, once is enough."""
        async with self._store.begin() as work:
            await work.audit.append(actor, "audit-verification-requested", "audit", {})
        self._asked.set()

    @property
    def waiting(self) -> bool:
        """Somebody asked, and it has not begun."""
        return self._asked.is_set()

    async def keep(self) -> None:
        """For as long as the process lives."""
        while True:
            try:
                await self.verify_if_due()
            except StoreError as error:
                count(STORE_FAILURES)
                log.warning(Event.STORE_FAILED, doing="verifying the audit log", reason=str(error))
            except Exception:  # no fault here may end the mail of this process
                count(FAULTS)
                log.exception(Event.FAULT, doing="verifying the audit log")
            await self._until_asked()

    async def verify_if_due(self) -> Verification | None:
        """What came of it, None when nothing was due. Two nodes that find it due at once both do it: no harm."""
        async with self._store.reading() as work:
            last = await last_verification(work)
        now, asked = self._clock.now(), self._asked.is_set()
        self._asked.clear()
        if asked or last is None or last.broken or now - last.whole_at >= WHOLE_EVERY:
            return await self.verify()
        return await self.verify(last) if now - last.at >= NEW_ROWS_EVERY else None

    async def verify(self, last: Verification | None = None) -> Verification:
        """Look through the whole chain, or through what is newer than the last verification; and write it down."""
        try:
            now = self._clock.now()
            head, broken = await self._look_through(last.head if last is not None else BEGINNING)
            whole_at = last.whole_at if last is not None else now
            found = Verification(at=now, whole_at=whole_at, head=head, broken=broken)
        finally:
            self.progress = None
        async with self._store.begin() as work:
            await work.values.put(AUDIT_VERIFIED, _written(found))
        if broken:
            log.error(Event.AUDIT_BROKEN, reason=broken)
        return found

    async def _look_through(self, after: ChainHead) -> tuple[ChainHead, str]:
        """The last row that holds, and what is wrong behind it, "" if nothing is."""
        if not await self._still_there(after):
            return after, Sentence("row {row} is not the one that was verified before", row=after.seq)
        while True:
            async with (
                self._store.reading() as work
            ):  # the end and the last rows in one snapshot: rows come all the time
                entries = await _following(work, after)
                end = await work.audit.head()
            if isinstance(entries, str):
                return after, entries
            self.progress = Progress(done=after.seq, rows=end.seq)
            broken = await asyncio.to_thread(verify_chain, entries, after=after)
            if broken is not None:
                return after, broken.reason
            after = ChainHead(entries[-1].seq, entries[-1].hash) if entries else after
            if len(entries) < SLICE:
                return after, "" if after == end else Sentence(
                    "{written} rows were written, and {present} are there", written=end.seq, present=after.seq
                )

    async def _still_there(self, head: ChainHead) -> bool:
        if head == BEGINNING:
            return True
        async with self._store.reading() as work:
            entries = await _following(work, BEGINNING if head.seq < 1 else ChainHead(head.seq - 1, ""), most=1)
        return not isinstance(entries, str) and [(one.seq, one.hash) for one in entries] == [(head.seq, head.hash)]

    async def _until_asked(self) -> None:
        try:
            async with asyncio.timeout(LOOK_EVERY):
                await self._asked.wait()
        except TimeoutError:
            return


async def _following(work: Work, after: ChainHead, most: int = SLICE) -> list[AuditEntry] | str:
    """The next rows; or in words which one can't be read, because it was never written so."""
    try:
        return await work.audit.following(after.seq, most)
    except StoreError as error:
        if isinstance(error.__cause__, (ValueError, TypeError, RecursionError)):
            return str(error)
        raise


def _told(wanted: AuditFilter) -> dict[str, str]:
    """What was asked for, as a row tells it."""
    told = {name: str(getattr(wanted, name) or "") for name in ("actor", "action", "subject", "since", "until")}
    return {name: value for name, value in told.items() if value}


def _written(found: Verification) -> str:
    return json.dumps(
        {
            "at": found.at.isoformat(),
            "whole_at": found.whole_at.isoformat(),
            "seq": found.head.seq,
            "hash": found.head.hash,
            "broken": as_told(found.broken),
        }
    )


async def last_verification(work: Work) -> Verification | None:
    """The one on record. None too for what is none of ours: the chain is then verified anew."""
    written = await work.values.get(AUDIT_VERIFIED)
    try:
        found = json.loads(written or "null")
        return Verification(
            at=datetime.fromisoformat(found["at"]),
            whole_at=datetime.fromisoformat(found["whole_at"]),
            head=ChainHead(found["seq"], found["hash"]),
            broken=as_heard(found["broken"]),
        )
    except (ValueError, TypeError, LookupError):
        return None
