"""The change to another data key, on both databases: everything moves, nothing is lost, and it can be interrupted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gateway.errors import RefusedError, SealError
from gateway.model.people import Person, Role
from gateway.operations import rekeying
from gateway.operations.rekeying import Rekeying
from gateway.store.sealing import Seal, SealKey
from tests.support.clocks import NOON
from tests.support.databases import TEST_SEAL
from tests.support.records import RAW, a_case, a_post, freeze, record, record_item

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway.model.case import Case
    from gateway.model.tracking import Item
    from gateway.store.unit_of_work import Store

OLD = TEST_SEAL.keys[0]
NEW = SealKey("new", bytes(reversed(range(32))))
ALICE = "cli:alice"
ANN = Person(
    name="ann", full_name="Ann", roles=frozenset({Role.AUDITOR}), active=True, language="en", created_at=NOON,
    signed_in_at=None, second_factor=False, must_change_password=False,
)  # fmt: skip


async def filled(store: Store, cases: int = 3) -> list[Case]:
    """Messages, a frozen mail and a second factor, under the old key."""
    async with store.begin() as work:
        found = [await record(work, a_case(RAW)) for _ in range(cases)]
        item = await record_item(work)
        await freeze(work, item.id, a_post(item))
        await work.people.add(ANN, "hash")
        await work.people.set_second_factor("ann", "JBSWY3DPEHPK3PXP", ["digest"])
    return found


async def in_use(store: Store) -> dict[str, int]:
    async with store.reading() as work:
        return await work.sealed_rows.keys_in_use()


async def test_everything_is_under_the_first_key_afterwards_and_opens_with_it_alone(store: Store) -> None:
    cases = await filled(store)
    assert await in_use(store) == {OLD.id: 6}
    store.seal_with(Seal((NEW, OLD)))
    result = await Rekeying(store, ("new", OLD.id)).rekey(actor=ALICE)
    assert (result.done, result.unopened, result.in_use) == (6, (), {"new": 6})
    store.seal_with(Seal((NEW,)))
    async with store.reading() as work:
        assert [await work.messages.get(case) for case in cases] == [RAW] * 3
        item = next(one for one in await work.outbox.list() if one.frozen)
        frozen = await work.outbox.frozen(item.id)
        assert frozen is not None
        assert frozen.content == a_post(item).content
        assert await work.people.second_factor("ann") == "JBSWY3DPEHPK3PXP"
        last = (await work.audit.entries())[-1]
    assert (last.actor, last.action, last.subject, last.detail) == (ALICE, "data-key-changed", "new", {"count": "6"})


async def test_a_second_run_finds_nothing_to_do_and_writes_nothing_down(store: Store) -> None:
    await filled(store)
    store.seal_with(Seal((NEW, OLD)))
    await Rekeying(store, ("new", OLD.id)).rekey(actor=ALICE)
    async with store.reading() as work:
        before = len(await work.audit.entries())
    assert (await Rekeying(store, ("new", OLD.id)).rekey(actor=ALICE)).done == 0
    async with store.reading() as work:
        assert len(await work.audit.entries()) == before


async def test_what_was_stored_without_a_key_is_encrypted_too(store: Store) -> None:
    store.seal_with(Seal())
    await filled(store)
    assert await in_use(store) == {"": 6}
    store.seal_with(Seal((NEW,)))
    assert (await Rekeying(store, ("new",)).rekey(actor=ALICE)).in_use == {"new": 6}


async def test_who_interrupts_it_keeps_what_was_done_and_begins_where_it_ended(store: Store) -> None:
    await filled(store, cases=2 * rekeying.SLICE_ROWS)
    rows = 2 * rekeying.SLICE_ROWS + 3
    store.seal_with(Seal((NEW, OLD)))

    def breaks_off(items: Sequence[Item], doing: str) -> Iterable[Item]:
        yield items[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await Rekeying(store, ("new", OLD.id)).rekey(actor=ALICE, track=breaks_off)
    assert await in_use(store) == {"new": rekeying.SLICE_ROWS, OLD.id: rows - rekeying.SLICE_ROWS}
    result = await Rekeying(store, ("new", OLD.id)).rekey(actor=ALICE)
    assert (result.done, result.in_use) == (rows - rekeying.SLICE_ROWS, {"new": rows})


async def test_large_messages_are_slices_of_their_own(store: Store) -> None:
    large = RAW + b"x" * rekeying.SLICE_OCTETS
    async with store.begin() as work:
        for raw in (large, RAW, large, RAW, RAW):
            await record(work, a_case(raw), raw)
    store.seal_with(Seal((NEW, OLD)))
    slices: list[int] = []

    def watched(items: Sequence[Item], doing: str) -> Iterable[Item]:
        slices.extend(len(one) for one in items)  # type: ignore[arg-type]
        return items

    assert (await Rekeying(store, ("new", OLD.id)).rekey(actor=ALICE, track=watched)).done == 5
    assert slices == [1, 1, 1, 2]


async def test_a_row_that_changed_meanwhile_stays_as_it_is(store: Store) -> None:
    await filled(store)
    store.seal_with(Seal((NEW, OLD)))
    async with store.reading() as work:
        rows = await work.sealed_rows.not_under(frozenset({"new"}))
        resealed = [await work.sealed_rows.reseal(row) for row in rows]
    async with store.begin() as work:
        await work.people.set_second_factor("ann", "GEZDGNBVGY3TQOJQ", ["digest"])
    async with store.begin() as work:
        put = [await work.sealed_rows.put(one) for one in resealed if one is not None]
    assert put.count(False) == 1
    async with store.reading() as work:
        assert await work.people.second_factor("ann") == "GEZDGNBVGY3TQOJQ"


async def test_what_no_key_opens_is_named_and_the_rest_moves(unchecked_store: Store) -> None:
    store = unchecked_store
    (lost,) = await filled(store, cases=1)
    third = SealKey("third", bytes(32))
    store.seal_with(Seal((third,)))
    async with store.begin() as work:
        await record(work, replace(a_case(), reference="LG-KEPT-0001"))
    store.seal_with(Seal((NEW, third)))
    result = await Rekeying(store, ("new", "third")).rekey(actor=ALICE)
    assert result.done == 1
    assert len(result.unopened) == 4
    assert (
        f"The stored message of {lost.reference} needs the key '{OLD.id}', which the key file lacks." in result.unopened
    )
    named = await Rekeying(store, ("new", "third")).without_key(1)
    assert {row.kind for row in named} == {"message", "mail", "second factor"}
    assert lost.reference in {row.subject for row in named}
    with pytest.raises(SealError):
        async with store.reading() as work:
            await work.messages.get(lost)


async def test_without_a_key_there_is_nothing_to_change_to(store: Store) -> None:
    with pytest.raises(RefusedError, match="No data key is set"):
        await Rekeying(store, ()).rekey(actor=ALICE)


async def test_what_somebody_else_moved_to_another_key_meanwhile_stays_there(store: Store) -> None:
    await filled(store)
    store.seal_with(Seal((NEW, OLD)))
    async with store.reading() as work:
        rows = await work.sealed_rows.not_under(frozenset({"new"}))
        late = [await work.sealed_rows.reseal(row) for row in rows]
    newer = SealKey("newer", bytes(32))
    store.seal_with(Seal((newer, NEW, OLD)))
    await Rekeying(store, ("newer", "new", OLD.id)).rekey(actor=ALICE)
    async with store.begin() as work:
        assert [await work.sealed_rows.put(one) for one in late if one is not None] == [False] * 6
    assert await in_use(store) == {"newer": 6}
