"""The outbox table: items, their claims, their frozen bytes.

Never sends and never decides when. A claim is a lease, so a dead worker's items come back by themselves; `sending` is
entered by compare-and-set, so nobody sends what another has claimed meanwhile (decision 13). The state of a case's
decline or report follows its item here, in the same unit of work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import Boolean, and_, bindparam, case, delete, exists, func, or_, select, update

from gateway.model.case import ActionState
from gateway.model.outbox import (
    LARGE,
    NEED_THE_ORIGINAL,
    OUTBOX_TRANSITIONS,
    TO_COLLATION,
    OutboxItem,
    OutboxState,
    Post,
    Purpose,
)
from gateway.store.embedded import brief
from gateway.store.engine import insert_new
from gateway.store.schema import cases, frozen_posts, outbox_items, stored_values
from gateway.store.sealing import SMALL, Sealed, columns_of, unseal_aside
from gateway.store.values import OUTBOX_PAUSED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement, RowMapping, Select
    from sqlalchemy.sql.dml import ReturningUpdate

    from gateway.model.case import CaseId
    from gateway.store.engine import Connection
    from gateway.store.sealing import Seal

ItemList = list[OutboxItem]
MadeList: TypeAlias = "list[tuple[datetime, str]]"

_UNTOLD = (OutboxState.WAITING, OutboxState.SENDING)

_NO_CLAIM = {"claimed_by": None, "claimed_node": None, "claimed_until": None}
_PAUSED = exists().where(stored_values.c.key == OUTBOX_PAUSED)
_FROZEN = exists().where(frozen_posts.c.item_id == outbox_items.c.id)
_THIS = outbox_items.c.id == bindparam("this")
_FREE = or_(outbox_items.c.claimed_until.is_(None), outbox_items.c.claimed_until <= bindparam("now"))
"""Nobody holds a claim on the item."""
_OURS = and_(outbox_items.c.claimed_by == bindparam("ours"), outbox_items.c.claimed_until > bindparam("now"))
_DUE = and_(outbox_items.c.state == OutboxState.WAITING, outbox_items.c.due_at <= bindparam("now"), ~_PAUSED)
_SIZE = select(cases.c.size).where(cases.c.id == outbox_items.c.case_id).correlate(outbox_items).scalar_subquery()
_NEEDS_ORIGINAL = and_(outbox_items.c.purpose.in_(NEED_THE_ORIGINAL), ~outbox_items.c.summary)
_OCTETS = case((_NEEDS_ORIGINAL, func.coalesce(_SIZE, 0)), else_=0)
"""Of the original, where it has to be read whole for the item."""
_ABANDONED = and_(outbox_items.c.state == OutboxState.SENDING, _FREE)

_ADD = brief(insert_new(outbox_items).on_conflict_do_nothing().returning(outbox_items.c.id))
_PENDING = brief(select(exists().where(_DUE, _FREE), exists().where(_ABANDONED)))
_NEXT = (
    select(outbox_items.c.id)
    .where(_DUE, _FREE, or_(bindparam("large_too", type_=Boolean), _OCTETS < LARGE))
    .order_by(outbox_items.c.due_at, outbox_items.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
    # A common table expression is evaluated once; PostgreSQL may run a bare sub-select again, past the limit.
    .cte("due")
)
_CLAIM = brief(update(outbox_items).where(outbox_items.c.id.in_(select(_NEXT.c.id))).returning(outbox_items.c.id))
_RENEW = update(outbox_items).where(outbox_items.c.state.in_(_UNTOLD), _OURS).returning(outbox_items.c.id)
"""Only these have a claim; said here, an index by the state finds them among all that has ever left."""
_ITEMS = (
    select(outbox_items, cases.c.reference, _FROZEN.label("frozen"), _OCTETS.label("octets"))
    .select_from(outbox_items.outerjoin(cases))
    .order_by(outbox_items.c.created_at, outbox_items.c.id)
)
_THIS_ITEM = brief(_ITEMS.where(_THIS))
_THESE_ITEMS = brief(_ITEMS.where(outbox_items.c.id.in_(bindparam("these", expanding=True))))
_ITEMS_OF_CASE = brief(
    _ITEMS.where(outbox_items.c.case_id == bindparam("case"), outbox_items.c.purpose == bindparam("of"))
)
_TO_COLLATION = outbox_items.c.purpose.in_(TO_COLLATION)
_REPORT_WITH = brief(
    _ITEMS.where(
        _TO_COLLATION,
        outbox_items.c.id.in_(select(frozen_posts.c.item_id).where(frozen_posts.c.message_id == bindparam("with"))),
    )
)

_FREEZE = (
    insert_new(frozen_posts)
    .on_conflict_do_nothing(index_elements=[frozen_posts.c.item_id])
    .returning(frozen_posts.c.item_id)
)
_FREEZE_SMALL = brief(_FREEZE)
_FROZEN_SIZE = brief(select(frozen_posts.c.size).where(frozen_posts.c.item_id == bindparam("this")))
_FROZEN_POST = select(frozen_posts).where(frozen_posts.c.item_id == bindparam("this"))
_SMALL_FROZEN_POST = brief(_FROZEN_POST)
_MESSAGE_IDS = brief(
    select(frozen_posts.c.item_id, frozen_posts.c.message_id)
    .join(outbox_items)
    .where(outbox_items.c.case_id == bindparam("case"))
)
_THAW = delete(frozen_posts).where(frozen_posts.c.item_id == bindparam("this"))
"""Not brief: a report may be large, and is overwritten with zeros."""

_MOVE = update(outbox_items).returning(outbox_items.c.case_id, outbox_items.c.purpose)
_BEGIN_SENDING = brief(
    _MOVE.where(_THIS, outbox_items.c.state == OutboxState.WAITING, _OURS, _FROZEN, ~_PAUSED).values(
        state=OutboxState.SENDING
    )
)
_SETTLE = brief(_MOVE.where(_THIS, outbox_items.c.state.in_(bindparam("before", expanding=True))))
_SETTLE_OURS = _SETTLE.where(outbox_items.c.claimed_by == bindparam("ours"))
_RETURNED = brief(
    _MOVE.where(
        _THIS,
        _TO_COLLATION,
        outbox_items.c.state.in_((OutboxState.SENT, OutboxState.SENDING)),
    ).values(state=OutboxState.FAILED)
)
_SUMMARIZE = brief(
    update(outbox_items)
    .where(_THIS, outbox_items.c.state == OutboxState.WAITING, ~outbox_items.c.summary)
    .values(summary=True)
    .returning(outbox_items.c.id)
)
_TELL_CASE = brief(update(cases).where(cases.c.id == bindparam("this")))


class Outbox:
    """The outbox that a unit of work sees. Owners name one worker, nodes one machine; both are free text."""

    def __init__(self, connection: Connection, seal: Seal) -> None:
        self._connection = connection
        self._seal = seal

    async def add(self, items: Iterable[OutboxItem]) -> ItemList:
        """Add items that wait; returns those that are new.

        A second decline or report of a case, and a second notice to a recipient, is left out: the first one stands.
        """
        new: ItemList = []
        for item in items:
            if (await self._connection.execute(_ADD, _row_of(item))).one_or_none() is not None:
                new.append(item)
                await self._tell_case(item.case_id, item.purpose, item.state)
        return new

    async def pending(self, now: datetime) -> tuple[bool, bool]:
        """Whether `claim`, and whether `expired_sending`, would find anything: one question, as it is asked all day."""
        to_claim, to_judge = (await self._connection.execute(_PENDING, {"now": now})).one()
        return bool(to_claim), bool(to_judge)

    async def claim(
        self, owner: str, node: str, now: datetime, lease_until: datetime, limit: int, *, large_too: bool = True
    ) -> ItemList:
        """Take up to `limit` due items that nobody holds, the longest due first; none while the outbox is paused."""
        claim = {"claimed_by": owner, "claimed_node": node, "claimed_until": lease_until}
        claimed = await self._connection.execute(_CLAIM, {"now": now, "most": limit, "large_too": large_too, **claim})
        ids = list(claimed.scalars())
        return await self._items(_THESE_ITEMS, {"these": ids}) if ids else []

    async def renew(self, owner: str, now: datetime, lease_until: datetime) -> frozenset[str]:
        """Prolong every claim that the owner still holds; returns the ids of those items."""
        held = await self._connection.execute(_RENEW, {"ours": owner, "now": now, "claimed_until": lease_until})
        return frozenset(held.scalars())

    async def free_claims_of(self, node: str) -> int:
        """Give up every claim of a node that starts again; returns how many there were."""
        freed = update(outbox_items).where(outbox_items.c.claimed_node == node).values(_NO_CLAIM)
        return (await self._connection.execute(freed)).rowcount

    async def expired_sending(self, now: datetime) -> ItemList:
        """Items that a dead worker left in `sending`: nobody holds them, and their outcome is not known."""
        return await self._items(_ITEMS.where(_ABANDONED), {"now": now})

    async def freeze(self, item_id: str, post: Post, sealed: Sealed) -> bool:
        """Keep the bytes that every attempt will send; False if they were frozen before, which then stand.

        `sealed` is the content of the post, which `Store.sealed` has sealed by the item's id.
        """
        row: dict[str, object] = {
            "item_id": item_id,
            "reverse_path": post.reverse_path,
            "recipient": post.recipient,
            "message_id": post.message_id,
            "needs_verified_tls": post.needs_verified_tls,
            "smtputf8": post.smtputf8,
            **columns_of(sealed),
        }
        statement = _FREEZE_SMALL if sealed.size <= SMALL else _FREEZE
        return (await self._connection.execute(statement, row)).one_or_none() is not None

    async def frozen(self, item_id: str) -> Post | None:
        """The mail that was frozen, or None; raises SealError when its bytes can't be opened."""
        size = (await self._connection.execute(_FROZEN_SIZE, {"this": item_id})).scalar_one_or_none()
        if size is None:
            return None
        statement = _SMALL_FROZEN_POST if size <= SMALL else _FROZEN_POST
        row = (await self._connection.execute(statement, {"this": item_id})).one()
        sealed = Sealed(row.sha256, row.size, row.key_id, row.blob)
        return Post(
            reverse_path=row.reverse_path,
            recipient=row.recipient,
            content=await unseal_aside(self._seal, sealed, item_id),
            message_id=row.message_id,
            needs_verified_tls=row.needs_verified_tls,
            smtputf8=row.smtputf8,
        )

    async def message_ids(self, case_id: CaseId) -> dict[str, str]:
        """The Message-IDs of a case's frozen mails, by the ids of their items; opens none of them."""
        rows = await self._connection.execute(_MESSAGE_IDS, {"case": case_id})
        return {row.item_id: row.message_id for row in rows}

    async def mark_sending(self, item_id: str, owner: str, now: datetime) -> bool:
        """The last step before the final dot.

        False unless the item waits, is frozen, the owner's lease holds, and the outbox is not paused.
        """
        return await self._move(_BEGIN_SENDING, OutboxState.SENDING, {"this": item_id, "ours": owner, "now": now})

    async def thaw(self, item_id: str) -> None:
        """Give up the bytes of an item that surely was not taken: they are made anew for its next attempt."""
        await self._connection.execute(_THAW, {"this": item_id})

    async def without_original(self, item_id: str) -> bool:
        """Thaw a report that waits again, so that it is composed anew as a summary; False if it is one already."""
        if (await self._connection.execute(_SUMMARIZE, {"this": item_id})).one_or_none() is None:
            return False
        await self.thaw(item_id)
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
        values: dict[str, object] = {"this": item_id, "before": _before(state), "state": state, "last_reply": reply}
        if owner is not None:
            values["ours"] = owner
        if due_at is not None:
            values["due_at"] = due_at
        if attempts is not None:
            values["attempts"] = attempts
        return await self._move(_SETTLE if owner is None else _SETTLE_OURS, state, values | _NO_CLAIM)

    async def put_in_doubt(self, reply: str) -> int:
        """In a database of yesterday: declines that wait, or are leaving, may have left since. Claims are nobody's.

        The one way from `waiting` to `uncertain`: nothing tells what happened after the copy was made (decision 13).
        """
        doubtful = (outbox_items.c.purpose == Purpose.DECLINE) & outbox_items.c.state.in_(_UNTOLD)
        in_doubt = update(outbox_items).where(doubtful).returning(outbox_items.c.case_id)
        values = {"state": OutboxState.UNCERTAIN, "last_reply": reply}
        of_cases = list((await self._connection.execute(in_doubt, values)).scalars())
        for case_id in of_cases:
            await self._tell_case(case_id, Purpose.DECLINE, OutboxState.UNCERTAIN)
        await self._connection.execute(update(outbox_items), _NO_CLAIM)
        return len(of_cases)

    async def get(self, item_id: str) -> OutboxItem | None:
        """The item with this id."""
        return next(iter(await self._items(_THIS_ITEM, {"this": item_id})), None)

    async def report_with(self, message_id: str) -> OutboxItem | None:
        """The mail to the collation address that was frozen with this Message-ID, angle brackets included."""
        return next(iter(await self._items(_REPORT_WITH, {"with": message_id})), None)

    async def returned(self, item_id: str, reply: str) -> bool:
        """Mail to the collation address that has left has failed after all; False if it is no such, or has not left.

        The one way out of `sent`, which no late worker can take: it is not in the table of transitions. A report may
        come back while its own answer is still being written down.
        """
        return await self._move(_RETURNED, OutboxState.FAILED, {"this": item_id, "last_reply": reply, **_NO_CLAIM})

    async def find(self, case_id: CaseId, purpose: Purpose) -> OutboxItem | None:
        """The case's item for this purpose: the one that is not cancelled, else the newest, else None."""
        found = await self._items(_ITEMS_OF_CASE, {"case": case_id, "of": purpose})
        standing = [item for item in found if item.state is not OutboxState.CANCELLED]
        return next(iter(standing or found[::-1]), None)

    async def list(self, *, case_id: CaseId | None = None, state: OutboxState | None = None) -> ItemList:
        """Every item, or those of a case and state, oldest first."""
        wanted: list[ColumnElement[bool]] = []
        if case_id is not None:
            wanted.append(outbox_items.c.case_id == case_id)
        if state is not None:
            wanted.append(outbox_items.c.state == state)
        return await self._items(_ITEMS.where(*wanted), {})

    async def newest(self, purpose: Purpose, state: OutboxState, most: int) -> MadeList:
        """When at most so many of these were made, the newest first, and their ids: found by an index."""
        these = (
            select(outbox_items.c.created_at, outbox_items.c.id)
            .where(outbox_items.c.purpose == purpose, outbox_items.c.state == state)
            .order_by(outbox_items.c.created_at.desc(), outbox_items.c.id.desc())
            .limit(most)
        )
        return [(created_at, item_id) for created_at, item_id in await self._connection.execute(these)]

    async def declines_since(self, moment: datetime) -> ItemList:
        """Declines that were asked for after that moment and left, or may have left, or still wait; the newest last."""
        kept = outbox_items.c.state.not_in((OutboxState.FAILED, OutboxState.CANCELLED))
        these = (outbox_items.c.purpose == Purpose.DECLINE, outbox_items.c.created_at > moment, kept)
        return await self._items(_ITEMS.where(*these), {})

    async def those(self, ids: Collection[str]) -> Mapping[str, OutboxItem]:
        """The items with these ids, by them."""
        return {item.id: item for item in await self._items(_THESE_ITEMS, {"these": list(ids)})} if ids else {}

    async def _items(self, statement: Select[*tuple[Any, ...]], values: Mapping[str, object]) -> ItemList:
        return [_item_of(row) for row in (await self._connection.execute(statement, values)).mappings()]

    async def _move(
        self, statement: ReturningUpdate[*tuple[Any, ...]], state: OutboxState, values: Mapping[str, object]
    ) -> bool:
        row = (await self._connection.execute(statement, values)).one_or_none()
        if row is None:
            return False
        await self._tell_case(row.case_id, row.purpose, state)
        return True

    async def _tell_case(self, case_id: CaseId | None, purpose: Purpose, state: OutboxState) -> None:
        if purpose in (Purpose.DECLINE, Purpose.REPORT):
            await self._connection.execute(_TELL_CASE, {"this": case_id, purpose.value: ActionState(state.value)})


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
        octets=row["octets"],
    )
