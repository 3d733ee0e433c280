"""The outbox table: items, their claims, their frozen bytes.

Never sends and never decides when. A claim is a lease, so a dead worker's items come back by themselves; `sending` is
entered by compare-and-set, so nobody sends what another has claimed meanwhile (decision 13). The state of a case's
decline or report follows its item here, in the same unit of work.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, exists, or_, select, update

from gateway.model.case import ActionState
from gateway.model.outbox import OUTBOX_TRANSITIONS, OutboxItem, OutboxState, Post, Purpose
from gateway.store.engine import insert_new
from gateway.store.schema import cases, frozen_posts, outbox_items, stored_values
from gateway.store.sealing import Sealed
from gateway.store.values import OUTBOX_PAUSED

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import ColumnElement, RowMapping

    from gateway.model.case import CaseId
    from gateway.store.asynchronous import AsyncConnection
    from gateway.store.sealing import Seal

ItemList = list[OutboxItem]

_NO_CLAIM = {"claimed_by": None, "claimed_node": None, "claimed_until": None}
_PAUSED = exists().where(stored_values.c.key == OUTBOX_PAUSED)
_FROZEN = exists().where(frozen_posts.c.item_id == outbox_items.c.id)


class Outbox:
    """The outbox that a unit of work sees. Owners name one worker, nodes one machine; both are free text."""

    def __init__(self, connection: AsyncConnection, seal: Seal) -> None:
        self._connection = connection
        self._seal = seal

    async def add(self, items: Iterable[OutboxItem]) -> ItemList:
        """Add items that wait; returns those that are new.

        A second decline or report of a case, and a second notice to a recipient, is left out: the first one stands.
        """
        new: ItemList = []
        for item in items:
            once = insert_new(self._connection, outbox_items).values(_row_of(item)).on_conflict_do_nothing()
            if (await self._connection.execute(once.returning(outbox_items.c.id))).one_or_none() is not None:
                new.append(item)
                await self._tell_case(item.case_id, item.purpose, item.state)
        return new

    async def pending(self, now: datetime) -> tuple[bool, bool]:
        """Whether `claim`, and whether `expired_sending`, would find anything: one question, as it is asked all day."""
        due = exists().where(outbox_items.c.state == OutboxState.WAITING, outbox_items.c.due_at <= now, ~_PAUSED)
        abandoned = exists().where(outbox_items.c.state == OutboxState.SENDING)
        found = select(due.where(_free(now)), abandoned.where(_free(now)))
        to_claim, to_judge = (await self._connection.execute(found)).one()
        return bool(to_claim), bool(to_judge)

    async def claim(self, owner: str, node: str, now: datetime, lease_until: datetime, limit: int) -> ItemList:
        """Take up to `limit` due items that nobody holds, the longest due first; none while the outbox is paused."""
        due = (
            select(outbox_items.c.id)
            .where(outbox_items.c.state == OutboxState.WAITING, outbox_items.c.due_at <= now, _free(now), ~_PAUSED)
            .order_by(outbox_items.c.due_at, outbox_items.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
            # A common table expression is evaluated once; PostgreSQL may run a bare sub-select again, past the limit.
            .cte("due")
        )
        claimed = await self._connection.execute(
            update(outbox_items)
            .where(outbox_items.c.id.in_(select(due.c.id)))
            .values(claimed_by=owner, claimed_node=node, claimed_until=lease_until)
            .returning(outbox_items.c.id)
        )
        ids = list(claimed.scalars())
        return await self._matching(outbox_items.c.id.in_(ids)) if ids else []

    async def renew(self, owner: str, now: datetime, lease_until: datetime) -> frozenset[str]:
        """Prolong every claim that the owner still holds; returns the ids of those items."""
        held = await self._connection.execute(
            update(outbox_items)
            .where(outbox_items.c.claimed_by == owner, outbox_items.c.claimed_until > now)
            .values(claimed_until=lease_until)
            .returning(outbox_items.c.id)
        )
        return frozenset(held.scalars())

    async def free_claims_of(self, node: str) -> int:
        """Give up every claim of a node that starts again; returns how many there were."""
        freed = update(outbox_items).where(outbox_items.c.claimed_node == node).values(_NO_CLAIM)
        return (await self._connection.execute(freed)).rowcount

    async def expired_sending(self, now: datetime) -> ItemList:
        """Items that a dead worker left in `sending`: nobody holds them, and their outcome is not known."""
        return await self._matching(and_(outbox_items.c.state == OutboxState.SENDING, _free(now)))

    async def freeze(self, item_id: str, post: Post) -> bool:
        """Keep the bytes that every attempt will send; False if they were frozen before, which then stand."""
        sealed = await asyncio.to_thread(self._seal.seal, post.content, item_id)
        statement = insert_new(self._connection, frozen_posts).values(
            item_id=item_id,
            reverse_path=post.reverse_path,
            recipient=post.recipient,
            message_id=post.message_id,
            needs_verified_tls=post.needs_verified_tls,
            smtputf8=post.smtputf8,
            sha256=sealed.sha256,
            size=sealed.size,
            key_id=sealed.key_id,
            blob=sealed.blob,
        )
        once = statement.on_conflict_do_nothing(index_elements=[frozen_posts.c.item_id])
        return (await self._connection.execute(once.returning(frozen_posts.c.item_id))).one_or_none() is not None

    async def frozen(self, item_id: str) -> Post | None:
        """The mail that was frozen, or None; raises SealError when its bytes can't be opened."""
        statement = select(frozen_posts).where(frozen_posts.c.item_id == item_id)
        row = (await self._connection.execute(statement)).one_or_none()
        if row is None:
            return None
        sealed = Sealed(row.sha256, row.size, row.key_id, row.blob)
        return Post(
            reverse_path=row.reverse_path,
            recipient=row.recipient,
            content=await asyncio.to_thread(self._seal.unseal, sealed, item_id),
            message_id=row.message_id,
            needs_verified_tls=row.needs_verified_tls,
            smtputf8=row.smtputf8,
        )

    async def mark_sending(self, item_id: str, owner: str, now: datetime) -> bool:
        """The last step before the final dot.

        False unless the item waits, is frozen, the owner's lease holds, and the outbox is not paused.
        """
        ours = and_(outbox_items.c.claimed_by == owner, outbox_items.c.claimed_until > now)
        ready = and_(outbox_items.c.id == item_id, outbox_items.c.state == OutboxState.WAITING, ours, _FROZEN, ~_PAUSED)
        return await self._move(ready, OutboxState.SENDING, {})

    async def without_original(self, item_id: str) -> bool:
        """Thaw a report that waits again, so that it is composed anew as a summary; False if it is one already."""
        waits = and_(outbox_items.c.id == item_id, outbox_items.c.state == OutboxState.WAITING, ~outbox_items.c.summary)
        changed = update(outbox_items).where(waits).values(summary=True).returning(outbox_items.c.id)
        if (await self._connection.execute(changed)).one_or_none() is None:
            return False
        await self._connection.execute(delete(frozen_posts).where(frozen_posts.c.item_id == item_id))
        return True

    async def settle(
        self,
        item_id: str,
        *,
        state: OutboxState,
        reply: str,
        due_at: datetime | None = None,
        attempts: int | None = None,
        owner: str | None = None,
    ) -> bool:
        """Record an outcome and give up the claim; False if the item can't go to that state from its own.

        An item that waits may go on waiting, with a new `due_at`. With `owner`, False too if another has claimed it.
        """
        if state is OutboxState.SENDING:
            raise ValueError("only mark_sending begins an attempt")
        possible = and_(outbox_items.c.id == item_id, outbox_items.c.state.in_(_before(state)))
        if owner is not None:
            possible &= outbox_items.c.claimed_by == owner
        changed: dict[str, object] = {**_NO_CLAIM, "last_reply": reply}
        if due_at is not None:
            changed["due_at"] = due_at
        if attempts is not None:
            changed["attempts"] = attempts
        return await self._move(possible, state, changed)

    async def get(self, item_id: str) -> OutboxItem | None:
        """The item with this id."""
        return next(iter(await self._matching(outbox_items.c.id == item_id)), None)

    async def report_with(self, message_id: str) -> OutboxItem | None:
        """The report whose frozen mail has this Message-ID, angle brackets included."""
        frozen = select(frozen_posts.c.item_id).where(frozen_posts.c.message_id == message_id)
        report = outbox_items.c.purpose == Purpose.REPORT
        return next(iter(await self._matching(outbox_items.c.id.in_(frozen), report)), None)

    async def returned(self, item_id: str, reply: str) -> bool:
        """A report that has left has failed after all; False if it is no report, or has not left.

        The one way out of `sent`, which no late worker can take: it is not in the table of transitions. A report may
        come back while its own answer is still being written down.
        """
        left = outbox_items.c.state.in_((OutboxState.SENT, OutboxState.SENDING))
        report = and_(outbox_items.c.id == item_id, outbox_items.c.purpose == Purpose.REPORT, left)
        return await self._move(report, OutboxState.FAILED, {**_NO_CLAIM, "last_reply": reply})

    async def find(self, case_id: CaseId, purpose: Purpose) -> OutboxItem | None:
        """The case's item for this purpose: the one that is not cancelled, else the newest, else None."""
        found = await self._matching(and_(outbox_items.c.case_id == case_id, outbox_items.c.purpose == purpose))
        standing = [item for item in found if item.state is not OutboxState.CANCELLED]
        return next(iter(standing or found[::-1]), None)

    async def list(self, *, case_id: CaseId | None = None, state: OutboxState | None = None) -> ItemList:
        """Every item, or those of a case and state, oldest first."""
        wanted: list[ColumnElement[bool]] = []
        if case_id is not None:
            wanted.append(outbox_items.c.case_id == case_id)
        if state is not None:
            wanted.append(outbox_items.c.state == state)
        return await self._matching(*wanted)

    async def _matching(self, *wanted: ColumnElement[bool]) -> ItemList:
        statement = (
            select(outbox_items, cases.c.reference, _FROZEN.label("frozen"))
            .select_from(outbox_items.outerjoin(cases))
            .where(*wanted)
            .order_by(outbox_items.c.created_at, outbox_items.c.id)
        )
        return [_item_of(row) for row in (await self._connection.execute(statement)).mappings()]

    async def _move(self, possible: ColumnElement[bool], state: OutboxState, changed: dict[str, object]) -> bool:
        moved = await self._connection.execute(
            update(outbox_items)
            .where(possible)
            .values(changed | {"state": state})
            .returning(outbox_items.c.case_id, outbox_items.c.purpose)
        )
        row = moved.one_or_none()
        if row is None:
            return False
        await self._tell_case(row.case_id, row.purpose, state)
        return True

    async def _tell_case(self, case_id: CaseId | None, purpose: Purpose, state: OutboxState) -> None:
        if purpose in (Purpose.DECLINE, Purpose.REPORT):
            told = update(cases).where(cases.c.id == case_id).values({purpose.value: ActionState(state.value)})
            await self._connection.execute(told)


def _free(now: datetime) -> ColumnElement[bool]:
    """Nobody holds a claim on the item."""
    return or_(outbox_items.c.claimed_until.is_(None), outbox_items.c.claimed_until <= now)


def _before(state: OutboxState) -> list[OutboxState]:
    """The states that an item may come from; `waiting` also from itself, which is a postponement."""
    origins = [origin for origin, targets in OUTBOX_TRANSITIONS.items() if state in targets]
    return [*origins, state] if state is OutboxState.WAITING else origins


def _row_of(item: OutboxItem) -> dict[str, object]:
    return {
        "id": item.id,
        "case_id": item.case_id,
        "purpose": item.purpose,
        "recipient": item.to,
        "state": item.state,
        "created_at": item.created_at,
        "due_at": item.due_at,
        "attempts": item.attempts,
        "last_reply": item.last_reply,
        "requested_by": item.requested_by,
        "summary": item.summary,
    }


def _item_of(row: RowMapping) -> OutboxItem:
    return OutboxItem(
        id=row["id"],
        purpose=row["purpose"],
        to=row["recipient"],
        state=row["state"],
        created_at=row["created_at"],
        due_at=row["due_at"],
        case_id=row["case_id"],
        case_reference=row["reference"] or "",
        attempts=row["attempts"],
        last_reply=row["last_reply"],
        frozen=row["frozen"],
        requested_by=row["requested_by"],
        summary=row["summary"],
    )
