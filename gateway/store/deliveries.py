"""Deliveries: what becomes of a case's message for each recipient, unique on (case, recipient key).

Never relays; settles what the next hop answered, by the model's table of transitions.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select, update

from gateway.model.case import DELIVERY_TRANSITIONS, Delivery, DeliveryState
from gateway.store.case_search import keep_recipients
from gateway.store.columns import storable
from gateway.store.embedded import FEW, brief
from gateway.store.engine import insert_new
from gateway.store.schema import deliveries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import RowMapping

    from gateway.model.case import CaseId
    from gateway.store.engine import Connection

_FIELDS = tuple(field.name for field in fields(Delivery))

_ADD = (
    insert_new(deliveries)
    .on_conflict_do_nothing(index_elements=[deliveries.c.case_id, deliveries.c.key])
    .returning(deliveries.c.key)
)
_ADD_FEW = brief(_ADD)
_OF_CASE = brief(select(deliveries).where(deliveries.c.case_id == bindparam("this")).order_by(deliveries.c.id))
_SETTLE = brief(
    update(deliveries).where(
        deliveries.c.case_id == bindparam("this"),
        deliveries.c.key == bindparam("of"),
        deliveries.c.state.in_(bindparam("before", expanding=True)),
    )
)


class Deliveries:
    """The deliveries that a unit of work sees."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def of(self, case_id: CaseId) -> list[Delivery]:
        """The deliveries of a case, in the order in which they came."""
        rows = (await self._connection.execute(_OF_CASE, {"this": case_id})).mappings()
        return [delivery_of(row) for row in rows]

    async def add_missing(self, case_id: CaseId, wanted: Iterable[Delivery]) -> list[Delivery]:
        """Add those whose key the case does not have yet; returns what was new, in their order."""
        unique = {delivery.key: delivery for delivery in wanted}
        if not unique:
            return []
        rows = [_row_of(case_id, delivery) for delivery in unique.values()]
        added = set((await self._connection.execute(_ADD if len(rows) > FEW else _ADD_FEW, rows)).scalars())
        new = [delivery for delivery in unique.values() if storable(delivery.key) in added]
        await keep_recipients(self._connection, case_id, new)
        return new

    async def settle(self, case_id: CaseId, key: str, state: DeliveryState, reply: str) -> bool:
        """Record the next hop's answer or a release; False if the delivery can't go to that state from its own.

        A state that is not final may be recorded again, with a newer reply.
        """
        settled = {"this": case_id, "of": key, "before": _before(state), "state": state, "reply": reply}
        return (await self._connection.execute(_SETTLE, settled)).rowcount == 1


def delivery_of(row: RowMapping) -> Delivery:
    """The delivery of a row."""
    return Delivery(**{name: row[name] for name in _FIELDS})


def _row_of(case_id: CaseId, delivery: Delivery) -> dict[str, object]:
    return {name: getattr(delivery, name) for name in _FIELDS} | {"case_id": case_id}


def _before(state: DeliveryState) -> list[DeliveryState]:
    """The states that a delivery may come from."""
    return [
        origin for origin, targets in DELIVERY_TRANSITIONS.items() if state in targets or (origin is state and targets)
    ]
