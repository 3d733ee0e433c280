"""The exact text of what was sent for a case, or of what would be: for a person who decides, or has to prove it.

A draft is composed as the mail itself would be, and kept nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway import tokens
from gateway.compose.text import ComposeError
from gateway.errors import RefusedError
from gateway.model.outbox import Purpose, new_item
from gateway.operations.case_turns import find

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.model.case import Case
    from gateway.model.outbox import OutboxItem, Post
    from gateway.operations.composing import Composer
    from gateway.store.unit_of_work import Store, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingText:
    """What can be asked. `collation_address` is where reports go."""

    store: Store
    clock: Clock
    composer: Composer
    collation_address: str

    async def draft(self, reference: str, purpose: Purpose, *, actor: str) -> Post:
        """What would be sent now. RefusedError says why nothing can be."""
        async with self.store.reading() as work:
            case = await find(work, reference)
            post = await self._compose(work, self._item(case, purpose))
        await self._viewed(reference, f"draft-{purpose}", actor)
        return post

    async def of_item(self, item: OutboxItem, *, actor: str) -> Post:
        """The octets that were frozen for an item of a case, or those that would be now."""
        async with self.store.reading() as work:
            post = await work.outbox.frozen(item.id) or await self._compose(work, item)
        await self._viewed(item.case_reference, str(item.purpose), actor)
        return post

    async def _viewed(self, reference: str, part: str, actor: str) -> None:
        """A report and a release have the stranger's message inside."""
        async with self.store.begin() as work:
            await work.audit.append(actor, "content-viewed", reference, {"part": part})

    async def _compose(self, work: Work, item: OutboxItem) -> Post:
        try:
            return await self.composer.compose(work, item)
        except ComposeError as error:
            raise RefusedError("The mail can't be written: {why}", why=str(error)) from error

    def _item(self, case: Case, purpose: Purpose) -> OutboxItem:
        to = {Purpose.DECLINE: case.reverse_path, Purpose.REPORT: self.collation_address}.get(purpose)
        if not to:
            raise RefusedError("There is nobody to send it to")
        return new_item(tokens.item_id(), purpose, to, case, now=self.clock.now(), requested_by="draft")
