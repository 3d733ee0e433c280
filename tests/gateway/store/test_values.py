from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.store.unit_of_work import Store


async def test_a_value_is_set_replaced_and_removed(store: Store) -> None:
    async with store.begin() as work:
        assert await work.values.get("mode") is None
        await work.values.put("mode", "assist")
        await work.values.put("mode", "observe")
        assert await work.values.get("mode") == "observe"
        await work.values.remove("mode")
        await work.values.remove("mode")
        assert await work.values.get("mode") is None


async def test_nodes_that_make_a_secret_at_once_share_the_first(store: Store) -> None:
    async def make(secret: str) -> str:
        async with store.begin() as work:
            standing = await work.values.put_if_absent("loop.secret", secret)
            await asyncio.sleep(0.01)
        return standing

    answers = await asyncio.gather(*(make(f"secret {number}") for number in range(4)))
    assert len(set(answers)) == 1
    async with store.reading() as work:
        assert await work.values.get("loop.secret") == answers[0]
