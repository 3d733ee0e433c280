"""What may happen only so often: automatic mail by the day, and one decline to a sender within the window.

Every check is one conditional upsert, so that it holds between processes and nodes. Never knows the limits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, func, select, update

from gateway.store.embedded import brief
from gateway.store.engine import insert_new
from gateway.store.schema import daily_counts, decline_windows

if TYPE_CHECKING:
    from datetime import date, datetime

    from gateway.model.outbox import Purpose
    from gateway.store.engine import Connection


_THIS_DAY = (
    (daily_counts.c.purpose == bindparam("of"))
    & (daily_counts.c.scope == bindparam("for"))
    & (daily_counts.c.day == bindparam("on"))
)
_TAKE = brief(
    insert_new(daily_counts)
    .values(started=1, refused=0)
    .on_conflict_do_update(
        index_elements=[daily_counts.c.purpose, daily_counts.c.scope, daily_counts.c.day],
        set_={"started": daily_counts.c.started + 1},
        where=daily_counts.c.started < bindparam("limit"),
    )
    .returning(daily_counts.c.started)
)
_GIVE_BACK = brief(update(daily_counts).where(_THIS_DAY).values(started=daily_counts.c.started - 1))
_REFUSE = brief(
    insert_new(daily_counts)
    .values(scope="", started=0, refused=1)
    .on_conflict_do_update(
        index_elements=[daily_counts.c.purpose, daily_counts.c.scope, daily_counts.c.day],
        set_={"refused": daily_counts.c.refused + 1},
    )
)
_NEW_WINDOW = insert_new(decline_windows)
_PROLONG_WINDOW = brief(
    _NEW_WINDOW.on_conflict_do_update(
        index_elements=[decline_windows.c.sender],
        set_={"item_id": _NEW_WINDOW.excluded.item_id, "until": _NEW_WINDOW.excluded.until},
    )
)
_OPEN_WINDOW = brief(
    _NEW_WINDOW.on_conflict_do_update(
        index_elements=[decline_windows.c.sender],
        set_={"item_id": _NEW_WINDOW.excluded.item_id, "until": _NEW_WINDOW.excluded.until},
        where=decline_windows.c.until <= bindparam("now"),
    ).returning(decline_windows.c.item_id)
)
_CLOSE_WINDOW = brief(delete(decline_windows).where(decline_windows.c.item_id == bindparam("this")))


class Limits:
    """The counters that a unit of work sees; what it takes is given back when it is undone."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def take(self, purpose: Purpose, scope: str, day: date, limit: int) -> bool:
        """Count one more mail of the day, for a domain or for all ("" as scope); False when the limit is reached."""
        if limit <= 0:
            return False
        counted = {"purpose": purpose, "scope": scope, "day": day, "limit": limit}
        return (await self._connection.execute(_TAKE, counted)).one_or_none() is not None

    async def give_back(self, purpose: Purpose, scope: str, day: date) -> None:
        """Count one less: another limit stopped it."""
        await self._connection.execute(_GIVE_BACK, {"of": purpose, "for": scope, "on": day})

    async def refuse(self, purpose: Purpose, day: date) -> None:
        """Count one that a limit stopped, for the digest."""
        await self._connection.execute(_REFUSE, {"purpose": purpose, "day": day})

    async def refused(self, purpose: Purpose, since: date) -> int:
        """How many the limits stopped on that day and after it."""
        wanted = (daily_counts.c.purpose == purpose) & (daily_counts.c.scope == "") & (daily_counts.c.day >= since)
        statement = select(func.coalesce(func.sum(daily_counts.c.refused), 0)).where(wanted)
        return int((await self._connection.execute(statement)).scalar_one())

    async def open_window(self, sender: str, item_id: str, now: datetime, until: datetime) -> bool:
        """Begin the time in which this sender gets no other automatic decline; False while one runs."""
        window = {"sender": sender, "item_id": item_id, "until": until, "now": now}
        return (await self._connection.execute(_OPEN_WINDOW, window)).one_or_none() is not None

    async def prolong_window(self, sender: str, item_id: str, until: datetime) -> None:
        """A decline that a person asked for: no window stops it, but others wait for its end."""
        await self._connection.execute(_PROLONG_WINDOW, {"sender": sender, "item_id": item_id, "until": until})

    async def close_window(self, item_id: str) -> bool:
        """The decline did not leave: it stops nobody. False if the sender's window is that of another decline."""
        return (await self._connection.execute(_CLOSE_WINDOW, {"this": item_id})).rowcount > 0
