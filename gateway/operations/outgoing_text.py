"""The exact text of what was sent for a case, or of what would be: for a person who decides, or has to prove it.

A draft is composed as the mail itself would be, and kept nowhere. Of what leaves encrypted, a draft is the inside; once
it was sent, only the outside is there to show, and nobody here can open it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from gateway import tokens
from gateway.compose.enveloping import is_enveloped
from gateway.compose.stretches import languages_of, stretches
from gateway.compose.text import ComposeError
from gateway.errors import RefusedError
from gateway.model.outbox import Purpose, new_item
from gateway.operations.case_turns import case_of_item, find

if TYPE_CHECKING:
    from gateway.clock import Clock
    from gateway.compose.stretches import Stretch
    from gateway.model.case import Case
    from gateway.model.outbox import OutboxItem, Post
    from gateway.operations.composing import Composer
    from gateway.store.unit_of_work import Store, Work


class Side(Enum):
    """What one sees of a mail."""

    OPEN = "open"
    """All of it: it is not encrypted."""
    INSIDE = "inside"
    """What will be encrypted before it leaves."""
    OUTSIDE = "outside"
    """The encrypted octets."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A mail, from one side."""

    post: Post
    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingText:
    """What can be asked. `collation_address` is where reports go."""

    store: Store
    clock: Clock
    composer: Composer
    collation_address: str

    async def draft(self, reference: str, purpose: Purpose, *, actor: str) -> Seen:
        """What would be sent now. RefusedError says why nothing can be."""
        async with self.store.reading() as work:
            case = await find(work, reference)
            seen = await self._compose(work, self._item(case, purpose))
        await self._viewed(reference, f"draft-{purpose}", actor)
        return seen

    async def of_item(self, item: OutboxItem, *, actor: str) -> Seen:
        """The octets that were frozen for an item of a case, or those that would be now."""
        async with self.store.reading() as work:
            frozen = await work.outbox.frozen(item.id)
            seen = await self._compose(work, item) if frozen is None else _as_it_left(frozen)
        await self._viewed(item.case_reference, str(item.purpose), actor)
        return seen

    def by_language(self, purpose: Purpose, post: Post, text: str) -> tuple[Stretch, ...]:
        """The text of such a mail of ours, as far as it is certain what is in which language."""
        if purpose is Purpose.RELEASE:  # whose text is the stranger's
            return ((None, text),)
        return stretches(text, languages_of(post.content), self.composer.voice.texts)

    async def _viewed(self, reference: str, part: str, actor: str) -> None:
        """A report and a release have the stranger's message inside."""
        async with self.store.begin() as work:
            await work.audit.append(actor, "content-viewed", reference, {"part": part})

    async def _compose(self, work: Work, item: OutboxItem) -> Seen:
        try:
            if self.composer.encrypts(item.purpose):
                return Seen(await self.composer.legible(work, item, await case_of_item(work, item)), Side.INSIDE)
            return Seen(await self.composer.compose(work, item, await case_of_item(work, item)), Side.OPEN)
        except ComposeError as error:
            raise RefusedError("The mail can't be written: {why}", why=str(error)) from error

    def _item(self, case: Case, purpose: Purpose) -> OutboxItem:
        to = {Purpose.DECLINE: case.reverse_path, Purpose.REPORT: self.collation_address}.get(purpose)
        if not to:
            raise RefusedError("There is nobody to send it to")
        return new_item(tokens.item_id(), purpose, to, case, now=self.clock.now(), requested_by="draft")


def _as_it_left(post: Post) -> Seen:
    return Seen(post, Side.OUTSIDE if is_enveloped(post.content) else Side.OPEN)
