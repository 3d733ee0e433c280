from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from filters.disposition import Delivery, Handling, Mode
from filters.lists import EntryKind, ListEntry
from filters.rulebook import Exemption
from gateway.errors import RefusedError
from gateway.model.list_change import ListChange
from tests.support.clocks import NOON

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway.store.unit_of_work import Store, Work

MISSION = ListEntry(
    kind=EntryKind.SUBTREE,
    value="mission.example",
    mission_en="Embassy of Example",
    mission_fr="Ambassade d'Exemple",
    mission_zh="例国大使馆",
    country="XE",
    category="mission",
    delivery=Delivery.HOLD,
    decline=Handling.REVIEW,
    report=Handling.AUTO,
    mode=Mode.ASSIST,
    legacy=True,
    source="https://mission.example/",
    verified="published 2026-05",
    review_by=date(2027, 5, 1),
    note="a note",
    pack="example",
)
BARE = ListEntry(kind=EntryKind.DOMAIN, value="consulate.example")


async def change(work: Work, added: Sequence[ListEntry] = (), removed: Iterable[ListEntry] = ()) -> int:
    return await work.senders.change(added, removed, at=NOON, actor="admin", text="a change")


async def test_a_new_store_has_no_entries_and_version_zero(store: Store) -> None:
    async with store.reading() as work:
        assert await work.senders.version() == 0
        assert await work.senders.live() == []
        assert await work.list_records.history() == []


async def test_an_entry_comes_back_as_it_was_added(store: Store) -> None:
    async with store.begin() as work:
        assert await change(work, [MISSION, BARE]) == 1
    async with store.reading() as work:
        assert await work.senders.live() == [MISSION, BARE]
        assert await work.senders.version() == 1


async def test_a_removed_entry_is_no_longer_live_but_stays_on_record(store: Store) -> None:
    async with store.begin() as work:
        await change(work, [MISSION, BARE])
        assert await change(work, removed=[MISSION]) == 2
        history = await work.list_records.history()
        changes = [await work.list_records.change_of(number) for number in (1, 2, 3)]
        assert await work.senders.live() == [BARE]
    assert [(version.number, version.added, version.removed) for version in history] == [
        (2, 0, 1),
        (1, 2, 0),
    ]
    assert changes == [ListChange(added=(MISSION, BARE), removed=()), ListChange(added=(), removed=(MISSION,)), None]
    assert (history[0].at, history[0].actor, history[0].text) == (NOON, "admin", "a change")


async def test_an_edited_entry_is_replaced_in_one_version(store: Store) -> None:
    edited = replace(MISSION, decline=Handling.NEVER)
    async with store.begin() as work:
        await change(work, [MISSION])
        await change(work, [edited], [MISSION])
        assert await work.senders.live() == [edited]
        assert await work.list_records.change_of(2) == ListChange(added=(edited,), removed=(MISSION,))


async def test_a_removed_entry_can_be_added_again(store: Store) -> None:
    async with store.begin() as work:
        await change(work, [BARE])
        await change(work, removed=[BARE])
        await change(work, [BARE])
        assert await work.senders.live() == [BARE]


@pytest.mark.parametrize(
    ("added", "removed", "reason"),
    [
        ([replace(MISSION, note="twice")], [], "subtree mission.example is on the list already"),
        ([BARE, BARE], [], "domain consulate.example is on the list already"),
        ([], [BARE], "domain consulate.example is not on the list"),
        ([], [MISSION, MISSION], "subtree mission.example is not on the list"),
    ],
)
async def test_a_change_that_does_not_fit_the_list_is_refused_as_a_whole(
    store: Store, added: list[ListEntry], removed: list[ListEntry], reason: str
) -> None:
    async with store.begin() as work:
        await change(work, [MISSION])
    with pytest.raises(RefusedError, match=reason):
        async with store.begin() as work:
            await change(work, [*added, ListEntry(kind=EntryKind.DOMAIN, value="other.example")], removed)
    async with store.reading() as work:
        assert await work.senders.live() == [MISSION]
        assert await work.senders.version() == 1


async def test_the_same_value_may_be_listed_in_two_kinds(store: Store) -> None:
    both = [BARE, replace(BARE, kind=EntryKind.SUBTREE)]
    async with store.begin() as work:
        await change(work, both)
        assert await work.senders.live() == both


async def test_a_large_pack_is_one_version(store: Store) -> None:
    pack = [ListEntry(kind=EntryKind.DOMAIN, value=f"m{number}.example") for number in range(3000)]
    async with store.begin() as work:
        await change(work, pack)
        assert await work.senders.live() == pack


async def test_an_empty_change_is_a_version_that_everybody_reloads(store: Store) -> None:
    async with store.begin() as work:
        assert [await change(work), await change(work)] == [1, 2]
        assert await work.senders.version() == 2


async def test_two_administrators_at_once_get_two_versions(store: Store) -> None:
    async def add(value: str) -> int:
        async with store.begin() as work:
            number = await change(work, [ListEntry(kind=EntryKind.DOMAIN, value=value)])
            await asyncio.sleep(0.01)
        return number

    assert sorted(await asyncio.gather(*(add(f"m{number}.example") for number in range(5)))) == [1, 2, 3, 4, 5]


async def test_two_administrators_who_add_the_same_entry_get_one(store: Store) -> None:
    async def add() -> int:
        async with store.begin() as work:
            number = await change(work, [BARE])
            await asyncio.sleep(0.01)
        return number

    answers = await asyncio.gather(add(), add(), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["RefusedError", "int"]


async def test_an_exemption_is_in_force_until_its_end_or_until_it_is_ended(store: Store) -> None:
    week = Exemption(
        id="x1",
        sender="mission.example",
        recipients=frozenset({"b@police.example", "a@police.example"}),
        until=NOON + timedelta(days=7),
        approver="Superintendent",
        reason="a joint exercise",
    )
    day = replace(week, id="x2", until=NOON + timedelta(days=1), recipients=frozenset())
    async with store.begin() as work:
        await work.senders.exempt(week)
        await work.senders.exempt(day)
        assert await work.senders.exemptions(NOON) == [day, week]
        assert await work.senders.exemptions(day.until) == [week]
        assert await work.senders.end_exemption("x1", NOON)
        assert not await work.senders.end_exemption("x1", NOON)
        assert await work.senders.exemptions(day.until) == []
