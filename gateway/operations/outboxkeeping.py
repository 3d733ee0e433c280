"""What IT and records staff ask of the outbox: look, try again, cancel, pause and resume.

Every verb is one unit of work, names its actor, and leaves an audit row; a refusal is a RefusedError with a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from filters.sentence import Sentence
from gateway.clock import moment
from gateway.errors import RefusedError
from gateway.model.outbox import OutboxState, Purpose, once_more
from gateway.operations.case_turns import case_of_item
from gateway.operations.gate import called_off
from gateway.store.values import OUTBOX_PAUSED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.clock import Clock
    from gateway.model.outbox import OutboxItem
    from gateway.operations.starting import Starting
    from gateway.store.unit_of_work import Store, Work


URGENCY = (
    OutboxState.UNCERTAIN,
    OutboxState.FAILED,
    OutboxState.SENDING,
    OutboxState.WAITING,
    OutboxState.SENT,
    OutboxState.CANCELLED,
)
"""In which order items are looked at."""


PAGE_SIZE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxPage:
    """Some items, and how many there are of each purpose and state. `number` counts from 1, to `pages`."""

    items: tuple[OutboxItem, ...]
    number: int
    pages: int
    numbers: Mapping[tuple[Purpose, OutboxState], int]

    def count(self, state: OutboxState | None, purpose: Purpose | None) -> int:
        """How many there are of that state and purpose; None stands for all."""
        return _count(self.numbers, state, purpose)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outboxkeeping:
    """The verbs."""

    store: Store
    clock: Clock
    starting: Starting

    async def items(self, *, state: OutboxState | None = None) -> list[OutboxItem]:
        """Every item, or those in a state, the oldest first."""
        async with self.store.reading() as work:
            return await work.outbox.list(state=state)

    async def page(
        self, state: OutboxState | None, purpose: Purpose | None, number: int, size: int = PAGE_SIZE
    ) -> OutboxPage:
        """One page of these items: those that need somebody, then those that wait, then all others; the newest first.

        Of what lies before the page only moments and ids are read, by an index.
        """
        async with self.store.reading() as work:
            numbers = {which: number for which, (number, _) in (await work.backlogs.by_state()).items()}
            pages = max(1, -(-_count(numbers, state, purpose) // size))
            number = min(max(number, 1), pages)
            ids: list[str] = []
            for one in URGENCY if state is None else (state,):
                missing = number * size - len(ids)
                if missing <= 0:
                    break
                kinds = [kind for kind in (Purpose if purpose is None else (purpose,)) if numbers.get((kind, one))]
                made = [each for kind in kinds for each in await work.outbox.newest(kind, one, missing)]
                ids += [item_id for _, item_id in sorted(made, reverse=True)]
            shown = ids[(number - 1) * size : number * size]
            found = await work.outbox.those(shown)
        items = tuple(found[item_id] for item_id in shown if item_id in found)
        return OutboxPage(items=items, number=number, pages=pages, numbers=numbers)

    async def failed(self) -> dict[Purpose, int]:
        """How many items of each purpose have failed."""
        async with self.store.reading() as work:
            return await work.backlogs.failed()

    async def item(self, item_id: str) -> OutboxItem:
        """One item; RefusedError if there is none."""
        async with self.store.reading() as work:
            return await _item(work, item_id)

    async def paused(self) -> str:
        """Since when and by whom nothing is sent, in words; "" when sending goes on."""
        async with self.store.reading() as work:
            return await work.values.get(OUTBOX_PAUSED) or ""

    async def retry(self, item_id: str, *, despite_uncertainty: bool = False, actor: str) -> OutboxItem:
        """Try an item at once, with all its attempts anew. An uncertain decline only by explicit will."""
        async with self.store.begin() as work:
            item = await _item(work, item_id)
            _check_retry(item, despite_uncertainty=despite_uncertainty)
            if item.purpose is Purpose.DECLINE and not await _may_decline(work, item):
                raise RefusedError(
                    "No decline is wanted for {reference} any more: it was silenced or dismissed; cancel {item}",
                    reference=item.case_reference,
                    item=item.id,
                )
            if not await self._wait_again(work, item, actor):
                raise _changed(item)
            await work.audit.append(actor, f"{item.purpose}-retried", item.case_reference or item.id, _was(item))
            return item

    async def retry_failed(self, *, actor: str) -> list[OutboxItem]:
        """Every failed item once more: what an outage has left behind. Returns them."""
        async with self.store.begin() as work:
            failed = await work.outbox.list(state=OutboxState.FAILED)
            moved = [item for item in failed if await self._wait_again(work, item, actor)]
            for item in moved:
                await work.audit.append(actor, f"{item.purpose}-retried", item.case_reference or item.id, _was(item))
            return moved

    async def cancel(self, item_id: str, *, actor: str) -> OutboxItem:
        """Never send it. A cancelled decline stays cancelled; a cancelled report or release can be asked for again."""
        async with self.store.begin() as work:
            item = await _item(work, item_id)
            if item.state in {OutboxState.SENT, OutboxState.CANCELLED}:
                raise RefusedError("{item} is {state}: there is nothing to cancel", item=item_id, state=item.state)
            if item.state is OutboxState.SENDING:
                raise _leaving(item)
            cancelled = Sentence("cancelled by {actor}", actor=actor)
            if not await work.outbox.settle(item.id, state=OutboxState.CANCELLED, reply=cancelled):
                raise _changed(item)
            if item.purpose is Purpose.DECLINE and item.state is not OutboxState.UNCERTAIN:
                await self.starting.give_up_window(work, item)
            await work.audit.append(actor, f"{item.purpose}-cancelled", item.case_reference or item.id, _was(item))
            return item

    async def pause(self, reason: str, *, actor: str) -> None:
        """From now on no attempt begins, on any node; one whose message is leaving already ends."""
        async with self.store.begin() as work:
            if await work.values.get(OUTBOX_PAUSED) is not None:
                raise RefusedError("The outbox is paused already")
            since = moment(self.clock.now())
            paused = Sentence("since {since} by {actor}", since=since, actor=actor)
            if reason.strip():
                paused = Sentence("{paused}: {reason}", paused=paused, reason=reason.strip())
            await work.values.put(OUTBOX_PAUSED, paused)
            await work.audit.append(actor, "outbox-paused", "outbox", {"reason": reason} if reason else {})

    async def resume(self, *, actor: str) -> int:
        """Send again. Returns how many items wait."""
        async with self.store.begin() as work:
            if await work.values.get(OUTBOX_PAUSED) is None:
                raise RefusedError("The outbox is not paused")
            await work.values.remove(OUTBOX_PAUSED)
            waiting = len(await work.outbox.list(state=OutboxState.WAITING))
            await work.audit.append(actor, "outbox-resumed", "outbox", {})
            return waiting

    async def _wait_again(self, work: Work, item: OutboxItem, actor: str) -> bool:
        """A decline that failed has given up its sender's window: it holds it again."""
        reply, due_at = once_more(item, actor), self.clock.now()
        if not await work.outbox.settle(item.id, state=OutboxState.WAITING, reply=reply, due_at=due_at, attempts=0):
            return False
        case = await case_of_item(work, item) if item.purpose is Purpose.DECLINE else None
        if case is not None:
            await self.starting.hold_window(work, case, item.id)
        return True


async def _may_decline(work: Work, item: OutboxItem) -> bool:
    """Else its attempt would fail, and take the doubt with it whether an earlier one arrived."""
    case = await case_of_item(work, item)
    return case is not None and called_off(case) is None


def _changed(item: OutboxItem) -> RefusedError:
    return RefusedError("{item} has changed meanwhile; look at it again", item=item.id)


def _leaving(item: OutboxItem) -> RefusedError:
    return RefusedError("{item} is being sent right now; look again in a minute", item=item.id)


def _check_retry(item: OutboxItem, *, despite_uncertainty: bool) -> None:
    match item.state:
        case OutboxState.WAITING | OutboxState.FAILED:
            return
        case OutboxState.UNCERTAIN if despite_uncertainty:
            return
        case OutboxState.UNCERTAIN:
            raise RefusedError("{item} may have been delivered", item=item.id)
        case OutboxState.SENDING:
            raise _leaving(item)
        case OutboxState.SENT | OutboxState.CANCELLED:
            raise RefusedError("{item} is {state}: it is not sent again", item=item.id, state=item.state)
        case unreachable:
            assert_never(unreachable)


async def _item(work: Work, item_id: str) -> OutboxItem:
    item = await work.outbox.get(item_id)
    if item is None:
        raise RefusedError("There is no outbox item {item}", item=item_id)
    return item


def _was(item: OutboxItem) -> dict[str, str]:
    return {"item": item.id, "was": item.state}


def _count(
    numbers: Mapping[tuple[Purpose, OutboxState], int], state: OutboxState | None, purpose: Purpose | None
) -> int:
    return sum(number for (kind, one), number in numbers.items() if state in (None, one) and purpose in (None, kind))
