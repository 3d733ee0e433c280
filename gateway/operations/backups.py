"""Back-up and restoration of the database, the first while everything runs.

A restored database is in doubt: what happened after the copy was made it does not know. So nothing leaves from it
before a person says so, and a decline that still had to leave is not sent again by the machine (decision 13).
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from filters.sentence import Sentence
from gateway.clock import moment
from gateway.errors import RefusedError, StoreError
from gateway.model.audit import verify_chain
from gateway.model.tracking import untracked
from gateway.placing import directory_beside, put_in_place, refuse_to_replace
from gateway.store.sqlite_file import copy_database, holds_cases, set_aside, unsoundness
from gateway.store.unit_of_work import Store
from gateway.store.values import OUTBOX_PAUSED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from gateway.clock import Clock
    from gateway.model.audit import ChainHead
    from gateway.model.tracking import Track
    from gateway.store.sealing import Seal

LOOK_EVERY = 0.05
"""Seconds between looks at how far a copy is."""
BACKED_UP = "database-backed-up"
RESTORED = "database-restored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A copy of the database."""

    file: Path
    octets: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A database that was put in place. `in_doubt` declines may have left after its copy was made.

    `aside` is where the database that was there before is now; None without one.
    """

    head: ChainHead
    rows: int
    in_doubt: int
    aside: Path | None


async def back_up(store: Store, file: Path, *, actor: str, track: Track = untracked) -> Backup:
    """A copy in a new file, of one moment, while others write. Never in place of a file that is there."""
    refuse_to_replace(file)
    with directory_beside(file) as directory:
        copy = directory / "copy"
        if store.file is not None:
            await _copy(store.file, copy, track)
        else:
            from gateway.store.postgresql_tools import dump  # the driver, which a node on SQLite does without

            await dump(store.url, copy)
        made = Backup(file=file, octets=copy.stat().st_size, sha256=await asyncio.to_thread(_sha256, copy))
        await asyncio.to_thread(put_in_place, copy, file)
    async with store.begin() as work:
        await work.audit.append(actor, BACKED_UP, file.name, {"sha256": made.sha256, "octets": str(made.octets)})
    return made


async def _copy(source: Path, copy: Path, track: Track) -> None:
    """In a thread, and look how far it is."""
    done = 0.0

    def seen(part: float) -> None:
        nonlocal done
        done = part

    copying = asyncio.ensure_future(asyncio.to_thread(copy_database, source, copy, seen))
    for percent in track(range(1, 101), "Copying"):
        while done * 100 < percent and not copying.done():
            await asyncio.wait({copying}, timeout=LOOK_EVERY)
    await copying
    wrong = await asyncio.to_thread(unsoundness, copy)
    if wrong:
        raise StoreError(f"The copy is not sound, and so the database may not be: {wrong}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoring:
    """Puts a copy in the place of a database. `store` is that place; its gateways are stopped."""

    store: Store
    seal: Seal
    clock: Clock

    async def restore(self, file: Path, *, actor: str, force: bool = False) -> Restored:
        """The copy, checked first, brought to this version's schema, and put in doubt."""
        digest = await asyncio.to_thread(_sha256, file)
        if self.store.file is None:
            return await self._restore_server(file, digest, actor)
        return await self._restore_file(self.store.file, file, digest, actor, force=force)

    async def _restore_file(self, place: Path, file: Path, digest: str, actor: str, *, force: bool) -> Restored:
        if not force and await asyncio.to_thread(holds_cases, place):
            raise RefusedError("{place} holds cases already", place=place)
        with directory_beside(place, make=True) as directory:  # as `serve` makes it: the configuration names it
            copy = directory / "copy"
            await asyncio.to_thread(shutil.copyfile, file, copy)
            wrong = await asyncio.to_thread(unsoundness, copy)
            if wrong:
                raise RefusedError(
                    "{file} can't be restored: it is no sound database ({wrong})", file=file, wrong=wrong
                )
            async with self._opened(f"sqlite:///{quote(str(copy))}") as store:
                restored = await self._checked_and_in_doubt(store, file, digest, actor)
            aside = await asyncio.to_thread(self._set_aside, place)
            await asyncio.to_thread(put_in_place, copy, place)
        return replace(restored, aside=aside)

    async def _restore_server(self, file: Path, digest: str, actor: str) -> Restored:
        """Into an empty database: what is on a server is never overwritten."""
        from gateway.store import postgresql_tools  # the driver, which a node on SQLite does without

        if (await self.store.schema_state()).current is not None:
            raise RefusedError(
                "The database has a gateway's tables already: make an empty one, and name it in store.url"
            )
        await postgresql_tools.listed(file)
        await postgresql_tools.restore(self.store.url, file)
        return await self._checked_and_in_doubt(self.store, file, digest, actor)

    async def _checked_and_in_doubt(self, store: Store, file: Path, digest: str, actor: str) -> Restored:
        state = await store.schema_state()
        if state.current is None:
            raise RefusedError("{file} can't be restored: it is no gateway's database", file=file)
        async with store.reading() as work:
            entries, head = await work.audit.entries(), await work.audit.head()
        broken = verify_chain(entries, head=head.hash)
        if broken is not None:
            raise RefusedError(
                "{file} can't be restored: its audit chain does not hold, {why}", file=file, why=broken.reason
            )
        await store.upgrade()
        async with store.begin() as work:
            since = moment(self.clock.now())
            may_have_left = Sentence("the database was restored at {since}: it may have left before", since=since)
            in_doubt = await work.outbox.put_in_doubt(may_have_left)
            await work.sessions.end_all()
            await work.values.put(OUTBOX_PAUSED, Sentence("since {since} by {actor}", since=since, actor=actor))
            said = {"sha256": digest, "head": head.hash, "row": str(head.seq), "in_doubt": str(in_doubt)}
            await work.audit.append(actor, RESTORED, file.name, said)
        return Restored(head=head, rows=len(entries), in_doubt=in_doubt, aside=None)

    def _set_aside(self, place: Path) -> Path | None:
        if not place.exists():
            return None
        aside = place.with_name(f"{place.name}.replaced-{self.clock.now():%Y%m%dT%H%M%S}")
        set_aside(place, aside)
        return aside

    @asynccontextmanager
    async def _opened(self, url: str) -> AsyncIterator[Store]:
        store = Store.open(url, self.seal, self.clock)
        try:
            yield store
        finally:
            await store.close()


def _sha256(file: Path) -> str:
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise RefusedError("{file} can't be read: {why}", file=file, why=error.strerror) from error
