from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gateway.errors import StoreError
from gateway.model.case import CaseId, DeliveryState
from tests.support.records import a_delivery, record, stored_id

if TYPE_CHECKING:
    from gateway.model.case import Delivery
    from gateway.store.unit_of_work import Store

KEY = "inspector@police.example"


async def test_a_later_transaction_adds_only_the_recipients_that_are_new(store: Store) -> None:
    known, new = a_delivery("a@police.example"), a_delivery("b@police.example")
    async with store.begin() as work:
        case = await record(work, None, b"x", known)
        again = replace(known, recipient="A@police.example", state=DeliveryState.PENDING)
        assert await work.deliveries.add_missing(stored_id(case), [again, new]) == [new]
        assert await work.deliveries.of(stored_id(case)) == [known, new]
        assert await work.deliveries.add_missing(stored_id(case), []) == []


async def test_a_thousand_recipients_are_added_at_once(store: Store) -> None:
    many = [a_delivery(f"{number}@police.example") for number in range(1000)]
    async with store.begin() as work:
        case = await record(work, None, b"x", many[500])
        assert await work.deliveries.add_missing(stored_id(case), many) == many[:500] + many[501:]


async def test_two_transactions_at_once_add_each_recipient_once(store: Store) -> None:
    async with store.begin() as work:
        case_id = stored_id(await record(work))

    async def add() -> list[Delivery]:
        async with store.begin() as work:
            new = await work.deliveries.add_missing(case_id, [a_delivery("b@police.example")])
            await asyncio.sleep(0.02)
        return new

    assert sorted(map(len, await asyncio.gather(add(), add()))) == [0, 1]


async def test_a_delivery_without_a_case_is_trouble(store: Store) -> None:
    with pytest.raises(StoreError):
        async with store.begin() as work:
            await work.deliveries.add_missing(CaseId(4711), [a_delivery()])


@pytest.mark.parametrize(
    ("before", "after", "possible"),
    [
        (DeliveryState.PENDING, DeliveryState.RELAYED, True),
        (DeliveryState.PENDING, DeliveryState.REFUSED, True),
        (DeliveryState.PENDING, DeliveryState.PENDING, True),
        (DeliveryState.PENDING, DeliveryState.RELEASED, False),
        (DeliveryState.HELD, DeliveryState.RELEASED, True),
        (DeliveryState.HELD, DeliveryState.RELAYED, False),
        (DeliveryState.REFUSED, DeliveryState.RELAYED, True),
        (DeliveryState.REFUSED, DeliveryState.REFUSED, True),
        (DeliveryState.RELAYED, DeliveryState.REFUSED, False),
        (DeliveryState.RELAYED, DeliveryState.RELAYED, False),
        (DeliveryState.RELEASED, DeliveryState.HELD, False),
    ],
)
async def test_a_delivery_is_settled_by_the_table(
    store: Store, before: DeliveryState, after: DeliveryState, possible: bool
) -> None:
    async with store.begin() as work:
        case = await record(work, None, b"x", a_delivery(state=before))
        assert await work.deliveries.settle(stored_id(case), KEY, after, "250 2.0.0 ok") is possible
        found = (await work.deliveries.of(stored_id(case)))[0]
    assert (found.state, found.reply) == ((after, "250 2.0.0 ok") if possible else (before, ""))


async def test_settling_an_unknown_recipient_changes_nothing(store: Store) -> None:
    async with store.begin() as work:
        case = await record(work, None, b"x", a_delivery(state=DeliveryState.PENDING))
        assert not await work.deliveries.settle(stored_id(case), "nobody", DeliveryState.RELAYED, "250")
