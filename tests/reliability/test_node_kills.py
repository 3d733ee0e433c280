"""Three nodes on one PostgreSQL under load: nodes are killed, the database goes away; the account afterwards.

`NODES_SEED=7 NODES_KILLS=30 make test` rolls other dice, for longer.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from tests.support.nodes import copy_of
from tests.support.postings import postings
from tests.support.surroundings import surroundings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.databases import PostgresServer

SEED = int(os.environ.get("NODES_SEED", "1"))
KILLS = int(os.environ.get("NODES_KILLS", "2"))


async def test_nothing_is_lost_or_doubled_when_nodes_are_killed_and_the_database_goes_away(
    tmp_path: Path, postgres: PostgresServer, postgres_database: str
) -> None:
    async with surroundings(tmp_path, postgres.url(postgres_database), seed=SEED) as around:
        configurations = {copy_of(around.configuration, f"node-{number}") for number in range(3)}
        running = {path: await around.start(path) for path in sorted(configurations)}
        sending = asyncio.ensure_future(around.senders.send(postings(around.dice)))
        for _ in range(KILLS):
            await asyncio.sleep(around.dice.uniform(0.3, 1.5))
            path = around.dice.choice(sorted(running))
            await around.kill(running[path])
            await around.release_some(0.2)
            postgres.shut(postgres_database)
            await asyncio.sleep(around.dice.uniform(0.0, 0.5))
            postgres.reopen(postgres_database)
            running[path] = await around.start(path)
        around.senders.enough.set()
        await sending
        judged = await around.accounted()
        judged.must_hold(f"NODES_SEED={SEED}")
        assert judged.figures["cases"] > judged.figures["kills"] == KILLS
