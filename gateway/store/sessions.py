"""Sessions of the console: kept here, so that signing out, disabling and time end them at once on every node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, insert, select, update

from gateway.model.people import Session
from gateway.store.embedded import brief
from gateway.store.people import person_of
from gateway.store.people_schema import console_sessions, people

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.model.people import Stage
    from gateway.store.engine import Connection

_THIS = console_sessions.c.digest == bindparam("this")

_START = brief(insert(console_sessions))
_FIND = brief(
    select(console_sessions.c.digest, console_sessions.c.stage, console_sessions.c.started_at,
           console_sessions.c.seen_at, console_sessions.c.told, people)
    .join(people, people.c.name == console_sessions.c.name)
    .where(_THIS)
)  # fmt: skip
_CHANGE = brief(update(console_sessions).where(_THIS))
_END = brief(delete(console_sessions).where(_THIS))


class Sessions:
    """The sessions that a unit of work sees."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def start(self, digest: str, name: str, stage: Stage, at: datetime) -> None:
        """A new session."""
        values = {"digest": digest, "name": name, "stage": stage, "started_at": at, "seen_at": at, "told": ()}
        await self._connection.execute(_START, values)

    async def find(self, digest: str) -> Session | None:
        """The session, whatever its age."""
        row = (await self._connection.execute(_FIND, {"this": digest})).mappings().one_or_none()
        if row is None:
            return None
        return Session(
            digest=row["digest"],
            person=person_of(row),
            stage=row["stage"],
            started_at=row["started_at"],
            seen_at=row["seen_at"],
            told=row["told"],
        )

    async def seen(self, digest: str, at: datetime) -> None:
        """Somebody is still there."""
        await self._connection.execute(_CHANGE, {"this": digest, "seen_at": at})

    async def tell(self, digest: str, told: tuple[str, ...]) -> None:
        """What the next page says; nothing, once it was said."""
        await self._connection.execute(_CHANGE, {"this": digest, "told": told})

    async def end(self, digest: str) -> None:
        """Sign out."""
        await self._connection.execute(_END, {"this": digest})

    async def end_all_of(self, name: str, *, but: str = "") -> None:
        """Every session of a person, but perhaps the one that asks."""
        others = (console_sessions.c.name == name) & (console_sessions.c.digest != but)
        await self._connection.execute(delete(console_sessions).where(others))

    async def end_all(self) -> None:
        """Everybody signs in again."""
        await self._connection.execute(delete(console_sessions))

    async def forget(self, *, seen_before: datetime, started_before: datetime) -> None:
        """Those that time has ended."""
        old = (console_sessions.c.seen_at < seen_before) | (console_sessions.c.started_at < started_before)
        await self._connection.execute(delete(console_sessions).where(old))
