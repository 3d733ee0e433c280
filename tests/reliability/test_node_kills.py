"""Three nodes on one PostgreSQL under load: nodes are killed, the database goes away; the account afterwards.

`NODES_SEED=7 NODES_KILLS=30 .venv/bin/python -m pytest -s tests/reliability/test_node_kills.py` rolls other dice, for
longer, and shows the figures.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.nodes import copy_of
from tests.support.replicated import replicated
from tests.support.surroundings import surroundings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.replicated import Pair
    from tests.support.served import Served
    from tests.support.surroundings import Surroundings

pytestmark = pytest.mark.xdist_group("kills")
SEED = int(os.environ.get("NODES_SEED", "1"))
KILLS = int(os.environ.get("NODES_KILLS", "2"))


@pytest.mark.timeout(60 + 20 * KILLS)
async def test_nothing_is_lost_or_doubled_when_nodes_are_killed_and_the_primary_is_lost(tmp_path: Path) -> None:
    with replicated() as pair:
        pair.create("liaison")
        async with surroundings(tmp_path, pair.url("liaison"), seed=SEED) as around:
            nodes = {path: await around.start(path) for path in three_configurations(around)}
            sending = asyncio.ensure_future(around.go_on_sending())
            for kill in range(KILLS):
                await asyncio.sleep(around.dice.uniform(0.3, 1.0))
                if kill == KILLS // 2:
                    await lose_the_primary(pair)
                await kill_one_and_start_it_again(around, nodes)
            around.senders.enough.set()
            await sending
            judged = await around.accounted()
            sys.stdout.write(f"{judged.figures}\n")  # to be seen with -s
            judged.must_hold(f"NODES_SEED={SEED}")
            assert judged.figures["cases"] > judged.figures["kills"] == KILLS


async def lose_the_primary(pair: Pair) -> None:
    """After a moment in which nothing more got to the standby: whatever was answered 250 must be there already."""
    await asyncio.to_thread(pair.cut_off_the_standby)
    await asyncio.sleep(1.0)
    await asyncio.to_thread(pair.lose_the_primary)
    await asyncio.to_thread(pair.promote_the_standby)


def three_configurations(around: Surroundings) -> list[Path]:
    return [copy_of(around.configuration, f"node-{number}") for number in range(3)]


async def kill_one_and_start_it_again(around: Surroundings, nodes: dict[Path, Served]) -> None:
    path = around.dice.choice(sorted(nodes))
    await around.kill(nodes[path])
    await around.release_some(0.2)
    await asyncio.sleep(around.dice.uniform(0.0, 0.5))
    nodes[path] = await around.start(path)
