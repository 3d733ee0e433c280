"""SIGKILL at random instants under load; the account afterwards. `KILLS_SEED=7 make test` rolls other dice."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from tests.support.postings import postings
from tests.support.surroundings import surroundings

if TYPE_CHECKING:
    from pathlib import Path

SEED = int(os.environ.get("KILLS_SEED", "1"))
KILLS = 6


async def test_nothing_is_lost_or_doubled_when_the_gateway_is_killed_again_and_again(
    tmp_path: Path, database_url: str
) -> None:
    async with surroundings(tmp_path, database_url, seed=SEED) as around:
        sending = asyncio.ensure_future(around.senders.send(postings(around.dice)))
        for _ in range(KILLS):
            node = await around.start()
            await asyncio.sleep(around.dice.uniform(0.0, 2.0))
            if around.dice.random() < 0.5:
                await around.release_some(0.2)
            await around.kill(node)
        await around.start()
        around.senders.enough.set()
        await sending
        judged = await around.accounted()
        judged.must_hold(f"KILLS_SEED={SEED}")
        assert judged.figures["cases"] > judged.figures["kills"] == KILLS
