"""SIGKILL while somebody stalls at a known step: next hop, smarthost, name server, database. Then the account."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.support.locks import Lock
from tests.support.postings import Kind
from tests.support.stalls import STEPS, go_on, stall, whose
from tests.support.surroundings import surroundings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.mta import Link, ScriptedMTA
    from tests.support.surroundings import Surroundings

pytestmark = pytest.mark.xdist_group("kills")
BEFORE_THE_ATTEMPT = STEPS[: STEPS.index("DATA")]
"""A decline that was killed there has not left: it leaves later."""
ANONYMOUS = STEPS[: STEPS.index("RCPT")]
"""There nobody can tell yet whose connection it is."""


@pytest.mark.timeout(180)
async def test_a_kill_at_any_step_of_a_dialogue_with_next_hop_or_smarthost_loses_and_doubles_nothing(
    tmp_path: Path, database_url: str
) -> None:
    async with surroundings(tmp_path, database_url, seed=1) as around:
        uncertain = 0
        await around.start()
        for step in STEPS:
            await kill_at(step, around)
            judged = await around.accounted()
            judged.must_hold(f"killed while all stalled at {step}")
            before, uncertain = uncertain, judged.figures["declines uncertain"]
            assert (uncertain > before) is (step not in BEFORE_THE_ATTEMPT), step


async def test_a_kill_while_the_name_servers_are_silent_loses_and_doubles_nothing(
    tmp_path: Path, database_url: str
) -> None:
    async with surroundings(tmp_path, database_url, seed=2) as around:
        await around.start()
        await mail_of_ours_waits(around)
        around.names.silent |= {"proven.mission.example", "mission.example"}
        already = len(around.names.asked)
        await resume(around)  # the decline that waits asks where its mail goes
        sending = asyncio.ensure_future(around.send(*Kind))  # and new mail asks who sent it
        async with asyncio.timeout(15):
            while len({name for name, _ in around.names.asked[already:]}) < 2:
                await asyncio.sleep(0.05)
        await kill(around)
        around.names.silent.clear()
        await around.start()
        await sending
        judged = await around.accounted()
        judged.must_hold("killed while the name servers were silent")
        assert judged.figures["declines sent"] == 2


async def test_a_kill_while_the_database_keeps_a_record_waiting_loses_and_doubles_nothing(
    tmp_path: Path, database_url: str
) -> None:
    async with surroundings(tmp_path, database_url, seed=3) as around:
        await around.start()
        with Lock(database_url, "cases") as lock:
            lock.take()
            sending = asyncio.ensure_future(around.send(*Kind))
            await around.next_hop.arrived(2)  # clean mail, and that for dispatch, wait for no database
            await asyncio.sleep(0.3)
            assert [one.posting.kind for one in around.senders.records if one.taken] == [Kind.CLEAN]
            await kill(around)
        await around.start()
        await sending
        (await around.accounted()).must_hold("killed while the record waited for the database")


async def test_a_kill_while_the_database_keeps_the_next_hops_answer_waiting_loses_and_doubles_nothing(
    tmp_path: Path, database_url: str
) -> None:
    async with surroundings(tmp_path, database_url, seed=4) as around:
        await around.start()
        with Lock(database_url, "deliveries") as lock:
            lock_at_the_final_dot(lock, around.next_hop, "mail")
            sending = asyncio.ensure_future(around.send(Kind.FLAGGED))
            await around.next_hop.arrived()
            around.senders.detours = 1.0
            await asyncio.sleep(0.3)
            assert not around.senders.records[0].taken
            await kill(around)
        await around.start()
        await sending
        judged = await around.accounted()
        judged.must_hold("killed while the answer of the next hop was written down")
        assert judged.figures["delivered twice or more"] >= 1
        assert judged.figures["through another relay"] == 1


async def test_a_kill_while_the_database_keeps_the_end_of_a_decline_waiting_loses_and_doubles_nothing(
    tmp_path: Path, database_url: str
) -> None:
    async with surroundings(tmp_path, database_url, seed=5) as around:
        await around.start()
        await mail_of_ours_waits(around)
        with Lock(database_url, "outbox_items") as lock:
            lock_at_the_final_dot(lock, around.smarthost, "decline")
            await resume(around)
            async with asyncio.timeout(15):
                while not lock.taken:
                    await asyncio.sleep(0.05)
            await asyncio.sleep(0.3)
            await kill(around)
        await around.start()
        judged = await around.accounted()
        judged.must_hold("killed while the end of a decline was written down")
        assert (judged.figures["declines sent"], judged.figures["declines uncertain"]) == (0, 1)
        assert sum(message.reverse_path == "" for message in around.smarthost.messages) == 1, "it did arrive"
        logs = [log.read_text() for log in around.configuration.parent.rglob("*.log")]
        assert sum(log.count('"outbox_uncertain"') for log in logs) == 1, "whoever watches the log hears of it"


def lock_at_the_final_dot(lock: Lock, sink: ScriptedMTA, of: str) -> None:
    """The first such message is taken as usual; but by then the database keeps everybody waiting."""

    def script(stage: str, link: Link) -> None:
        if stage == "content" and whose(link) == of and not lock.taken:
            lock.take()

    sink.script = script


async def kill_at(step: str, around: Surroundings) -> None:
    """Mail of every kind and mail of ours for every purpose comes to this step; the kill; the next life."""
    await mail_of_ours_waits(around)
    at_next_hop, at_smarthost = stall(step, around.next_hop, around.smarthost)
    await resume(around)
    sending = asyncio.ensure_future(around.send(*Kind))
    if step in ANONYMOUS:
        await at_smarthost.reached(lambda who: len(who) >= 3)
        await at_next_hop.reached(lambda who: len(who) >= 5)
    else:
        await at_smarthost.reached(lambda who: {"decline", "report"} <= set(who))
        await at_next_hop.reached(lambda who: {"notice", "held", "mail"} <= set(who))
    await kill(around)
    go_on(around.next_hop, around.smarthost)
    await around.start()
    await sending


async def kill(around: Surroundings) -> None:
    """The one gateway that runs."""
    (node,) = around.nodes
    await around.kill(node)


async def resume(around: Surroundings) -> None:
    """What waited leaves."""
    async with around.desk() as desk:
        await desk.outboxkeeping.resume(actor="test:admin")


async def mail_of_ours_waits(around: Surroundings) -> None:
    """A decline, reports, notices and a release, which leave when the outbox is resumed."""
    async with around.desk() as desk:
        await desk.outboxkeeping.pause("", actor="test:admin")
    await around.send(Kind.HELD, Kind.PROVEN)
    await around.release_some(1.0)
