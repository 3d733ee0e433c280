"""Alerts that stand, and leases: what keeps a restart, or a second node, from telling anything twice."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, or_, select, true, update

from gateway.model.alerts import Standing, Trouble
from gateway.store.alert_schema import alerts, leases
from gateway.store.engine import insert_new

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import ColumnElement, RowMapping

    from gateway.model.alerts import Alarm
    from gateway.store.engine import Connection

_NEW_LEASE = insert_new(leases)
_NEW = insert_new(alerts)
_PUT = _NEW.on_conflict_do_update(
    index_elements=[alerts.c.alarm, alerts.c.node],
    set_={one.name: _NEW.excluded[one.name] for one in alerts.c if one.name not in {"alarm", "node", "told"}},
)


class Alerts:
    """What a unit of work sees of them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def hold(self, duty: str, owner: str, now: datetime, until: datetime) -> bool:
        """Take, or keep, the lease of a duty; False while another owner's has not ended."""
        mine = or_(leases.c.owner == owner, leases.c.until <= now)
        taken = _NEW_LEASE.on_conflict_do_update(
            index_elements=[leases.c.duty],
            set_={"owner": _NEW_LEASE.excluded.owner, "until": _NEW_LEASE.excluded.until},
            where=mine,
        ).returning(leases.c.owner)
        row = (await self._connection.execute(taken, {"duty": duty, "owner": owner, "until": until})).one_or_none()
        return row is not None

    async def give_back(self, owner: str) -> None:
        """Give up every lease of an owner that ends, so that another need not wait."""
        await self._connection.execute(delete(leases).where(leases.c.owner == owner))

    async def all(self) -> list[Standing]:
        """Everything on record, what was noticed first at first."""
        rows = await self._connection.execute(select(alerts).order_by(alerts.c.noticed_at, alerts.c.alarm))
        return [_standing(row) for row in rows.mappings()]

    async def put(self, standings: Iterable[Standing]) -> None:
        """Write these down, over what was on record of them; but who was told is the teller's to say."""
        rows = [_row(standing) for standing in standings]
        if rows:
            await self._connection.execute(_PUT, rows)

    async def tell(self, standing: Standing, told: Mapping[str, datetime]) -> None:
        """Write down who knows of it."""
        values = {"told": _written(told)}
        await self._connection.execute(
            update(alerts).where(_this(standing.trouble.alarm, standing.node)).values(values)
        )

    async def remove(self, alarm: Alarm, node: str, *, ended: bool) -> None:
        """Nothing is on record of it any more; where it has to have `ended`, unless it began again meanwhile."""
        over = alerts.c.ended_at.is_not(None) if ended else true()
        await self._connection.execute(delete(alerts).where(_this(alarm, node), over))


def _this(alarm: Alarm, node: str) -> ColumnElement[bool]:
    return and_(alerts.c.alarm == alarm, alerts.c.node == node)


def _written(told: Mapping[str, datetime]) -> dict[str, str]:
    return {hook: at.isoformat() for hook, at in told.items()}


def _row(standing: Standing) -> dict[str, object]:
    trouble = standing.trouble
    return {
        "alarm": trouble.alarm,
        "node": standing.node,
        "number": trouble.number,
        "since": trouble.since,
        "references": trouble.references,
        "noticed_at": standing.noticed_at,
        "began_at": standing.began_at,
        "seen_at": standing.seen_at,
        "ended_at": standing.ended_at,
        "told": _written(standing.told),
    }


def _standing(row: RowMapping) -> Standing:
    return Standing(
        trouble=Trouble(alarm=row["alarm"], number=row["number"], since=row["since"], references=row["references"]),
        node=row["node"],
        noticed_at=row["noticed_at"],
        began_at=row["began_at"],
        seen_at=row["seen_at"],
        ended_at=row["ended_at"],
        told={hook: datetime.fromisoformat(at) for hook, at in row["told"].items()},
    )
