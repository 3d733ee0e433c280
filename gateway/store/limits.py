"""What may happen only so often: automatic mail by the day, and one decline to a sender within the window.

Every check is one conditional upsert, so that it holds between processes and nodes. Never knows the limits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select, update

from gateway.store.engine import insert_new
from gateway.store.schema import daily_counts, decline_windows

if TYPE_CHECKING:
    from datetime import date, datetime

    from gateway.model.outbox import Purpose
    from gateway.store.asynchronous import AsyncConnection


class Limits:
    """The counters that a unit of work sees; what it takes is given back when it is undone."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def take(self, purpose: Purpose, scope: str, day: date, limit: int) -> bool:
        """Count one more mail of the day, for a domain or for all ("" as scope); False when the limit is reached."""
        if limit <= 0:
            return False
        statement = insert_new(self._connection, daily_counts).values(
            purpose=purpose, scope=scope, day=day, started=1, refused=0
        )
        one_more = statement.on_conflict_do_update(
            index_elements=[daily_counts.c.purpose, daily_counts.c.scope, daily_counts.c.day],
            set_={"started": daily_counts.c.started + 1},
            where=daily_counts.c.started < limit,
        )
        taken = await self._connection.execute(one_more.returning(daily_counts.c.started))
        return taken.one_or_none() is not None

    async def give_back(self, purpose: Purpose, scope: str, day: date) -> None:
        """Count one less: another limit stopped it."""
        taken = (daily_counts.c.purpose == purpose) & (daily_counts.c.scope == scope) & (daily_counts.c.day == day)
        await self._connection.execute(update(daily_counts).where(taken).values(started=daily_counts.c.started - 1))

    async def refuse(self, purpose: Purpose, day: date) -> None:
        """Count one that a limit stopped, for the digest."""
        statement = insert_new(self._connection, daily_counts).values(
            purpose=purpose, scope="", day=day, started=0, refused=1
        )
        one_more = statement.on_conflict_do_update(
            index_elements=[daily_counts.c.purpose, daily_counts.c.scope, daily_counts.c.day],
            set_={"refused": daily_counts.c.refused + 1},
        )
        await self._connection.execute(one_more)

    async def refused(self, purpose: Purpose, since: date) -> int:
        """How many the limits stopped on that day and after it."""
        wanted = (daily_counts.c.purpose == purpose) & (daily_counts.c.scope == "") & (daily_counts.c.day >= since)
        statement = select(func.coalesce(func.sum(daily_counts.c.refused), 0)).where(wanted)
        return int((await self._connection.execute(statement)).scalar_one())

    async def open_window(self, sender: str, item_id: str, now: datetime, until: datetime) -> bool:
        """Begin the time in which this sender gets no other automatic decline; False while one runs."""
        statement = insert_new(self._connection, decline_windows).values(sender=sender, item_id=item_id, until=until)
        begun = statement.on_conflict_do_update(
            index_elements=[decline_windows.c.sender],
            set_={"item_id": item_id, "until": until},
            where=decline_windows.c.until <= now,
        )
        return (await self._connection.execute(begun.returning(decline_windows.c.item_id))).one_or_none() is not None

    async def prolong_window(self, sender: str, item_id: str, until: datetime) -> None:
        """A decline that a person asked for: no window stops it, but others wait for its end."""
        statement = insert_new(self._connection, decline_windows).values(sender=sender, item_id=item_id, until=until)
        await self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=[decline_windows.c.sender], set_={"item_id": item_id, "until": until}
            )
        )

    async def close_window(self, item_id: str) -> None:
        """The decline did not leave: it stops nobody."""
        await self._connection.execute(delete(decline_windows).where(decline_windows.c.item_id == item_id))
