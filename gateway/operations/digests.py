"""The daily digest: once a day, on one node, and only when something waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway import tokens
from gateway.errors import RefusedError
from gateway.model.outbox import OutboxItem, Purpose, new_item
from gateway.operations.recording import GATEWAY

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.model.lateness import Patience
    from gateway.store.unit_of_work import Store, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """Asks for digests; they are composed when they leave, like all other mail. `hour` is of the day in UTC."""

    store: Store
    clock: Clock
    recipient: str
    hour: int
    patience: Patience

    async def write_if_due(self) -> OutboxItem | None:
        """The digest of today, if its hour has come, nobody has written it, and something waits."""
        now = self.clock.now()
        if now.hour < self.hour:
            return None
        async with self.store.begin() as work:
            if not await work.digests.take_day(now.date()):
                return None
            return await self._write(work, GATEWAY)

    async def write(self, *, actor: str) -> OutboxItem:
        """A digest now, whatever the hour. Refused when nothing waits."""
        async with self.store.begin() as work:
            item = await self._write(work, actor)
            if item is None:
                raise RefusedError("Nothing waits for a decision, so there is no digest to write")
            return item

    async def _write(self, work: Work, actor: str) -> OutboxItem | None:
        now = self.clock.now()
        if not (await work.digests.digest(now, self.patience)).says_something:
            return None
        item = new_item(tokens.item_id(), Purpose.DIGEST, self.recipient, None, now=now, requested_by=actor)
        await work.outbox.add([item])
        await work.audit.append(actor, "digest-requested", item.id, {})
        return item
