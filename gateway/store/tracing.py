"""Which cases and outbox items are about an address or a Message-ID: the rows themselves are gone through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select

from gateway.store.schema import cases, deliveries, frozen_posts, outbox_items

if TYPE_CHECKING:
    from gateway.model.case import CaseId
    from gateway.model.tracing import Sought
    from gateway.store.engine import Connection


class Traces:
    """What a unit of work sees of them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def cases(self, what: Sought) -> list[tuple[CaseId, str]]:
        """Those whose sender or recipient the address is, or whose message has that id; the oldest first."""
        sender, author = func.lower(cases.c.reverse_path), func.lower(cases.c.header_from)
        to = select(deliveries.c.case_id).where(func.lower(deliveries.c.recipient) == what.address)
        theirs = or_(
            sender == what.address,
            author == what.address,
            author.contains(f"<{what.address}>", autoescape=True),
            cases.c.message_id == what.message_id,
            cases.c.id.in_(to),
        )
        found = select(cases.c.id, cases.c.reference).where(theirs).order_by(cases.c.received_at, cases.c.id)
        return [(row.id, row.reference) for row in await self._connection.execute(found)]

    async def items(self, what: Sought) -> list[str]:
        """Ids of outbox items that go to the address, or that left under that Message-ID."""
        under_it = select(frozen_posts.c.item_id).where(frozen_posts.c.message_id == what.message_id)
        ours = or_(func.lower(outbox_items.c.recipient) == what.address, outbox_items.c.id.in_(under_it))
        return list((await self._connection.execute(select(outbox_items.c.id).where(ours))).scalars())
