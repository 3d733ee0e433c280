"""SIGKILL at random instants and steps under load; the account afterwards. `KILLS_SEED=7 make test` rolls other dice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.postings import Kind
from tests.support.served import kill_group, spawn
from tests.support.stalls import go_on, some_step, stall
from tests.support.surroundings import surroundings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.served import Served
    from tests.support.surroundings import Surroundings

pytestmark = pytest.mark.xdist_group("kills")
SEED = int(os.environ.get("KILLS_SEED", "1"))
AGAIN = f"to see it again: KILLS_SEED={SEED}"
KILLS = 5


@pytest.mark.timeout(180)
async def test_nothing_is_lost_or_doubled_when_the_gateway_is_killed_again_and_again(
    tmp_path: Path, database_url: str
) -> None:
    async with surroundings(tmp_path, database_url, seed=SEED) as around:
        sending = asyncio.ensure_future(around.go_on_sending())
        for _ in range(KILLS):
            node = await around.start()
            await asyncio.sleep(around.dice.uniform(0.0, 1.0))
            await around.release_some(0.1)
            await some_step(around.dice, around.next_hop, around.smarthost)
            await around.kill(node)
        await around.start()
        around.senders.enough.set()
        await sending
        judged = await around.accounted()
        judged.must_hold(AGAIN)
        assert judged.figures["cases"] > judged.figures["kills"] == KILLS


@pytest.mark.timeout(180)
async def test_nothing_is_lost_or_doubled_when_workers_or_their_parent_alone_are_killed(
    tmp_path: Path, database_url: str
) -> None:
    async with surroundings(tmp_path, database_url, seed=SEED, smtp="workers = 2") as around:
        sending = asyncio.ensure_future(around.go_on_sending())
        await kill_a_worker(around, await around.start())
        await kill_the_parent(around)
        await around.start()
        await asyncio.sleep(around.dice.uniform(0.0, 2.0))
        around.senders.enough.set()
        await sending
        judged = await around.accounted()
        judged.must_hold(AGAIN)
        assert judged.figures["cases"]


async def kill_a_worker(around: Surroundings, node: Served) -> None:
    await asyncio.sleep(around.dice.uniform(0.5, 1.5))
    os.kill(around.dice.choice(await node.children()), signal.SIGKILL)
    await asyncio.sleep(around.dice.uniform(0.5, 2.0))


async def kill_the_parent(around: Surroundings) -> None:
    """Its workers hear of it and end by themselves, what they have in hand first."""
    node = around.nodes.pop()
    node.process.kill()
    await node.process.wait()


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_gateway_whose_process_alone_was_killed_is_back_on_the_same_port_at_once(
    tmp_path: Path, sqlite_url: str, workers: int
) -> None:
    async with surroundings(tmp_path, sqlite_url, seed=SEED, smtp=f"workers = {workers}") as around:
        node = await around.start()
        (at_next_hop,) = stall("DATA", around.next_hop)
        sending = asyncio.ensure_future(around.send(Kind.CLEAN))
        await at_next_hop.reached(bool)
        text = around.configuration.read_text(encoding="utf-8")
        text = text.replace('listen = ["127.0.0.1:0"]', f'listen = ["127.0.0.1:{node.port}"]')
        around.configuration.write_text(text, encoding="utf-8")
        await kill_the_parent(around)
        await around.start()
        go_on(around.next_hop)
        await sending
        (await around.accounted()).must_hold()


async def test_a_first_start_that_is_killed_at_any_instant_is_finished_by_the_next(
    tmp_path: Path, empty_database_url: str
) -> None:
    dice = random.Random(SEED)
    async with surroundings(tmp_path, empty_database_url, seed=SEED) as around:
        for _ in range(3):
            process = await spawn(around.configuration, around.configuration.with_suffix(".first.log"))
            await asyncio.sleep(dice.uniform(0.3, 2.0))
            await kill_group(process)
        await around.start()
        await around.send(*Kind)
        (await around.accounted()).must_hold(AGAIN)
