"""The case after this one: of a list in its order, and of all that need a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from filters.disposition import Tier
from gateway.model.case import ActionState, CaseStatus, DeliveryState, Disposal
from gateway.model.case_list import EVERY_CASE, CaseFilter, CaseOrder
from gateway.operations.browsing import Browsing
from tests.support.clocks import NOON
from tests.support.records import RAW, a_case, a_delivery, record, stored_id

if TYPE_CHECKING:
    from gateway.model.case import Case
    from gateway.store.unit_of_work import Store


def name(number: int) -> str:
    return f"LG-TEST-{number:04}"


async def written(store: Store, *cases: Case, delivery: DeliveryState = DeliveryState.RELAYED) -> None:
    async with store.begin() as work:
        for case in cases:
            await record(work, case, RAW, a_delivery(state=delivery))


async def walked(store: Store, wanted: CaseFilter, order: CaseOrder, first: str) -> list[str]:
    """From that one to the last."""
    found = [first]
    async with store.reading() as work:
        while following := await work.case_list.following(wanted, order, found[-1]):
            found.append(following)
    return found


@pytest.mark.parametrize("order", CaseOrder)
async def test_one_after_the_other_is_the_list_in_its_order(store: Store, order: CaseOrder) -> None:
    tiers = [Tier.SUSPECT, Tier.EMERGENCY, Tier.CONFIRMED, Tier.EMERGENCY, Tier.SUSPECT]
    missions = ["Consulate", "", "Consulate", "Embassy", ""]
    cases = [
        replace(a_case(number=number), tier=tier, mission_en=mission)
        for number, (tier, mission) in enumerate(zip(tiers, missions, strict=True), 1)
    ]
    at_once = replace(a_case(number=6), received_at=cases[0].received_at)
    await written(store, *cases, at_once)
    async with store.reading() as work:
        listed = [line.reference for line in (await work.case_list.page(EVERY_CASE, order, 1)).lines]
    assert len(listed) == 6
    assert await walked(store, EVERY_CASE, order, listed[0]) == listed


async def test_a_filter_is_walked_through_from_a_case_that_is_none_of_it(store: Store) -> None:
    cases = [a_case(number=number) for number in range(1, 6)]
    suspects = [replace(case, tier=Tier.SUSPECT) if number % 2 else case for number, case in enumerate(cases)]
    await written(store, *suspects)
    wanted = CaseFilter(tier=Tier.SUSPECT, words=("meeting",))
    assert await walked(store, wanted, CaseOrder.NEWEST, name(5)) == [name(5), name(4), name(2)]
    assert await walked(store, wanted, CaseOrder.OLDEST, "LG-NONE") == ["LG-NONE"]


async def closed(store: Store, *numbers: int) -> None:
    async with store.begin() as work:
        for number in numbers:
            case = await work.cases.by_reference(name(number))
            assert case is not None
            await work.cases.close(stored_id(case), Disposal.HANDLED, NOON + timedelta(days=1))


async def test_the_oldest_in_need_is_open_and_another_one(unchecked_store: Store) -> None:
    store = unchecked_store
    failed = replace(a_case(number=1), decline=ActionState.FAILED)
    quiet = [replace(a_case(number=number), decline=ActionState.NONE) for number in (2, 6)]
    await written(store, failed, quiet[0], *(a_case(number=number) for number in (3, 4, 5)))
    await written(store, quiet[1], delivery=DeliveryState.HELD)
    await closed(store, 1, 3)
    async with store.reading() as work:
        assert await work.case_list.oldest_in_need(instead_of="") == name(4)
        assert await work.case_list.oldest_in_need(instead_of=name(4)) == name(5)
    await closed(store, 4, 5)
    async with store.reading() as work:
        assert await work.case_list.oldest_in_need(instead_of="") == name(6)
        assert await work.case_list.oldest_in_need(instead_of=name(6)) == ""


async def test_behind_the_last_of_a_list_comes_the_oldest_that_needs_somebody(store: Store) -> None:
    cases = [a_case(number=number) for number in (1, 2, 3)]
    await written(store, *(replace(case, tier=Tier.SUSPECT) if number else case for number, case in enumerate(cases)))
    browsing, suspects = Browsing(store=store), CaseFilter(tier=Tier.SUSPECT)
    assert await browsing.next_open(suspects, CaseOrder.OLDEST, after=name(2)) == name(3)
    assert await browsing.next_open(suspects, CaseOrder.OLDEST, after=name(3)) == name(1)
    assert await browsing.next_open(None, CaseOrder.NEWEST, after=name(3)) == name(1)
    closed = CaseFilter(status=CaseStatus.CLOSED)
    assert await browsing.next_open(closed, CaseOrder.OLDEST, after=name(1)) == name(2)
