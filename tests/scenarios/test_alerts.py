"""Alerts of a gateway that runs: told once when trouble begins, once a day while it lasts, and once when it ends."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from filters.disposition import Tier
from gateway.clock import SystemClock
from gateway.desk import open_desk
from gateway.model.alerts import Alarm
from gateway.model.case import ActionState, StoredFinding
from gateway.model.outbox import OutboxState, Purpose
from gateway.settings import load
from gateway.supervisor.alerting import keep_looking
from tests.support.clocks import NOON, StoppedClock
from tests.support.gateway import running_gateway, write_configuration
from tests.support.hooks import HookServer
from tests.support.records import RAW, a_case, an_item, freeze, record

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from gateway.desk import Desk
    from gateway.store.unit_of_work import Store
    from tests.support.mta import ScriptedMTA

LISTED = b"From: liaison@mission.example\r\nTo: desk@police.example\r\nSubject: Request\r\n\r\nPlease send it.\r\n"
HOUR, DAY = 3600, 86400


@pytest.fixture
async def hook() -> AsyncIterator[HookServer]:
    server = await HookServer().start()
    yield server
    await server.stop()


class Site:
    """Desks on one database, with the hook and a clock that the test moves: as many nodes as are opened."""

    def __init__(self, directory: Path, url: str, hook: HookServer, hop: int) -> None:
        self.clock = StoppedClock()
        self._directory, self._url, self._hook, self._hop = directory, url, hook, hop

    def configuration(self, more: str = "") -> Path:
        alerts = f'[alerts]\nwebhook = "http://127.0.0.1:{self._hook.port}/in"\n{more}'
        return write_configuration(self._directory, next_hop=self._hop, smarthost=2, url=self._url, more=alerts)

    def desk(self, more: str = "") -> Any:
        return open_desk(load(self.configuration(more), {}), self.clock)


@pytest.fixture
async def site(tmp_path: Path, database_url: str, hook: HookServer, next_hop: ScriptedMTA) -> Site:
    return Site(tmp_path, database_url, hook, next_hop.port)


async def look(desk: Desk) -> None:
    """Until the next hops have answered, then once more: what is looked at is then known."""
    async with asyncio.timeout(10):
        while any(answer.at is None for answer in await desk.foundation.next_hops.answers()):
            await asyncio.sleep(0.02)
    await desk.alerting.look()


async def waiting_report(store: Store, *, age: timedelta) -> str:
    """A case whose report was asked for so long before noon; its reference."""
    case = replace(a_case(), received_at=NOON - age, decline=ActionState.NONE)
    async with store.begin() as work:
        stored = await record(work, case, RAW)
        item = replace(an_item(stored), created_at=NOON - age)
        await work.outbox.add([item])
        await work.audit.append("gateway", "report-requested", stored.reference, {"item": item.id})
    return case.reference


async def test_a_report_that_is_overdue_is_told_when_it_begins_daily_and_when_it_ends(
    site: Site, hook: HookServer
) -> None:
    async with site.desk() as desk:
        reference = await waiting_report(desk.store, age=timedelta(hours=4))
        await look(desk)
        (told,) = [one for one in hook.told if one["alert"] == "report-overdue"]
        assert told["references"] == [reference]
        assert (told["phase"], told["number"], told["age_seconds"], told["node"]) == ("began", 1, 4 * HOUR, "")
        assert told["text"].endswith("in time: 1, the oldest for 4 h 0 min.")
        await look(desk)
        site.clock.advance(DAY - 1)
        await look(desk)
        assert hook.phases("report-overdue") == ["began"]
        site.clock.advance(1)
        await look(desk)
        assert hook.phases("report-overdue") == ["began", "reminder"]
        await sent(desk)
        await look(desk)
        await look(desk)
        assert hook.phases("report-overdue") == ["began", "reminder", "ended"]
        assert Alarm.REPORT_OVERDUE not in [one.trouble.alarm for one in await desk.alerting.standing()]
    assert len({one["id"] for one in hook.told}) == len(hook.told)


async def test_lists_that_somebody_emptied_are_told_until_they_are_restored(site: Site, hook: HookServer) -> None:
    async with site.desk() as desk:
        await desk.listkeeping.undo(1, actor="test:clerk")
        await desk.rulebooks.load()
        await look(desk)
        (told,) = [one for one in hook.told if one["alert"] == "lists-empty"]
        assert (told["phase"], told["node"]) == ("began", "")
        assert told["text"] == "The sender lists have been empty for 0 s: no mail is flagged."
        await desk.listkeeping.restore(1, actor="test:clerk")
        await desk.rulebooks.load()
        await look(desk)
        assert hook.phases("lists-empty") == ["began", "ended"]


async def sent(desk: Desk) -> None:
    """The collation address's server has accepted every report."""
    async with desk.store.begin() as work:
        for item in await work.outbox.list():
            now = desk.alerting.clock.now()
            await work.outbox.claim("w", "n", now, now + timedelta(minutes=1), 10)
            await freeze(work, item.id, a_post_of(item))
            assert await work.outbox.mark_sending(item.id, "w", now)
            assert await work.outbox.settle(item.id, state=OutboxState.SENT, reply="250 ok", owner="w")


def a_post_of(item: Any) -> Any:
    from tests.support.records import a_post

    return a_post(item)


async def test_before_its_time_nothing_is_told(site: Site, hook: HookServer) -> None:
    async with site.desk("held_undecided = 86400") as desk:
        await waiting_report(desk.store, age=timedelta(minutes=10))
        await look(desk)
        assert hook.told == []
        assert await desk.alerting.standing() == []


async def test_a_restart_repeats_nothing_and_the_next_process_tells_the_end(site: Site, hook: HookServer) -> None:
    async with site.desk("held_undecided = 864000") as desk:
        await waiting_report(desk.store, age=timedelta(hours=5))
        await look(desk)
        await desk.alerting.stop()
    async with site.desk("held_undecided = 864000") as desk:
        await look(desk)
        assert hook.phases("report-overdue") == ["began"]
        await sent(desk)
        await look(desk)
    assert hook.phases("report-overdue") == ["began", "ended"]


async def test_of_several_nodes_one_tells_and_when_it_is_gone_another(site: Site, hook: HookServer) -> None:
    async with site.desk() as first, site.desk() as second, site.desk() as third:
        await waiting_report(first.store, age=timedelta(hours=5))
        await asyncio.gather(*(look(desk) for desk in (first, second, third)))
        await asyncio.gather(*(look(desk) for desk in (first, second, third)))
        assert hook.phases("report-overdue") == ["began"]
        await sent(first)
        for desk in (first, second, third):
            await desk.alerting.stop()
        await look(third)
        await look(first)
        assert hook.phases("report-overdue") == ["began", "ended"]


async def test_a_lease_that_its_owner_left_behind_is_anothers_when_it_ends(site: Site, hook: HookServer) -> None:
    async with site.desk() as dead, site.desk() as alive:
        await look(dead)
        await waiting_report(alive.store, age=timedelta(hours=5))
        await look(alive)
        assert hook.told == []
        site.clock.advance(121)
        await look(alive)
        assert hook.phases("report-overdue") == ["began"]


async def test_a_hook_that_fails_is_told_again_at_the_next_look(site: Site, hook: HookServer) -> None:
    hook.answer = b"HTTP/1.1 500 Internal Server Error\r\n\r\n"
    async with site.desk("timeout = 0.5") as desk:
        await waiting_report(desk.store, age=timedelta(hours=5))
        await look(desk)
        assert len(hook.heads) == 1  # two alerts wait, and it is left in peace after the first
        hook.answer = None
        await look(desk)
        hook.answer = b"HTTP/1.1 200 OK\r\n\r\n"
        await look(desk)
        assert hook.phases("report-overdue") == ["began"]


async def test_trouble_that_ended_before_a_hook_heard_of_it_is_not_told(site: Site, hook: HookServer) -> None:
    hook.answer = b""
    async with site.desk("held_undecided = 864000") as desk:
        await waiting_report(desk.store, age=timedelta(hours=5))
        await look(desk)
        await sent(desk)
        hook.answer = b"HTTP/1.1 200 OK\r\n\r\n"
        await look(desk)
        assert hook.phases("report-overdue") == []
        assert Alarm.REPORT_OVERDUE not in [one.trouble.alarm for one in await desk.alerting.standing()]


async def test_a_next_hop_may_be_away_for_its_time_before_anybody_is_told(
    site: Site, hook: HookServer, next_hop: ScriptedMTA
) -> None:
    await next_hop.stop()
    async with site.desk("next_hop_down = 300") as desk:
        await look(desk)
        site.clock.advance(299)
        await look(desk)
        assert hook.told == []
        site.clock.advance(1)
        await look(desk)
        (told,) = hook.told
        assert (told["alert"], told["phase"], told["number"]) == ("next-hop-down", "began", 1)
        assert told["node"] == desk.foundation.lasting.watcher.node
        assert "127.0.0.1" not in json.dumps(told)


async def test_mail_that_could_not_be_screened_is_told_with_its_case(site: Site, hook: HookServer) -> None:
    async with site.desk("held_undecided = 864000") as desk:
        case = replace(
            a_case(), tier=Tier.SUSPECT, decline=ActionState.NONE, received_at=NOON - timedelta(hours=1),
            findings=(StoredFinding(rule="screening-failed", evidence="ValueError"),),
        )  # fmt: skip
        async with desk.store.begin() as work:
            await record(work, case)
            await record(work, replace(a_case(), received_at=NOON - timedelta(hours=1)))
        await look(desk)
        (told,) = hook.told
        assert (told["alert"], told["number"], told["references"]) == ("mail-unscreened", 1, [case.reference])
        site.clock.advance(DAY)
        await look(desk)
        assert hook.phases("mail-unscreened") == ["began", "ended"]


async def test_a_disk_that_is_nearly_full_and_a_chain_that_is_broken_are_told(
    tmp_path: Path, sqlite_url: str, hook: HookServer, next_hop: ScriptedMTA
) -> None:
    site = Site(tmp_path, sqlite_url, hook, next_hop.port)
    async with site.desk(f"disk_free = {2**40}") as desk:
        await desk.foundation.lasting.chain_watch.verify()
        async with desk.store.begin() as work:
            written = json.loads(await work.values.get("audit.verified") or "")
            await work.values.put("audit.verified", json.dumps({**written, "broken": "row 3 was changed"}))
        await look(desk)
        assert {one["alert"] for one in hook.told} == {"disk-low", "audit-broken"}


async def test_a_store_that_is_away_is_told_by_the_node_itself_and_its_return_too(
    site: Site, hook: HookServer, request: pytest.FixtureRequest, database_url: str
) -> None:
    async with site.desk("next_hop_down = 60") as desk:
        await look(desk)
        with away(database_url, request):
            await desk.alerting.look()
            site.clock.advance(61)
            await desk.alerting.look()
            await desk.alerting.look()
            assert hook.phases("store-down") == ["began"]
        async with asyncio.timeout(20):
            while hook.phases("store-down") != ["began", "ended"]:
                await desk.alerting.look()
                await asyncio.sleep(0.1)


def away(database_url: str, request: pytest.FixtureRequest) -> Any:
    from contextlib import contextmanager
    from pathlib import Path
    from urllib.parse import urlsplit

    @contextmanager
    def gone() -> Any:
        if database_url.startswith("sqlite"):
            file = Path(urlsplit(database_url).path.removeprefix("/"))
            moved = file.rename(file.with_suffix(".away"))
            yield
            moved.rename(file)
            return
        server, name = request.getfixturevalue("postgres"), request.getfixturevalue("postgres_database")
        server.shut(name)
        yield
        server.reopen(name)

    return gone()


async def test_trouble_of_a_node_that_is_gone_does_not_stand_for_ever(
    site: Site, hook: HookServer, next_hop: ScriptedMTA
) -> None:
    await next_hop.stop()
    async with site.desk("next_hop_down = 60") as gone, site.desk("next_hop_down = 60") as here:
        gone.foundation.lasting.watcher.node = "mx2"
        await look(here)
        await look(gone)
        site.clock.advance(60)
        await look(gone)
        await look(here)
        assert sorted(one["node"] for one in hook.told) == sorted(["mx2", here.foundation.lasting.watcher.node])
        for _ in range(2):
            site.clock.advance(450)
            await look(here)
        assert [(one["node"], one["phase"]) for one in hook.told[2:]] == [("mx2", "ended")]


async def test_after_a_time_without_a_database_no_node_ends_the_trouble_of_another(
    site: Site, hook: HookServer, next_hop: ScriptedMTA
) -> None:
    await next_hop.stop()
    async with site.desk("next_hop_down = 60") as one, site.desk("next_hop_down = 60") as other:
        other.foundation.lasting.watcher.node = "mx2"
        for seconds in (0, 60, 30, 20 * 60, 30):
            site.clock.advance(seconds)
            await look(one)
            await look(other)
    assert hook.phases("next-hop-down") == ["began", "began"]


async def test_trouble_that_lasts_is_not_over_when_nobody_has_looked_for_a_while(
    site: Site, hook: HookServer, next_hop: ScriptedMTA
) -> None:
    await next_hop.stop()
    async with site.desk("next_hop_down = 60") as desk:
        await look(desk)
        for seconds in (60, 20 * 60, 0):
            site.clock.advance(seconds)
            await look(desk)
    assert hook.phases("next-hop-down") == ["began"]


async def test_who_looks_out_tells_under_another_configuration_too_and_gives_the_duty_back(
    site: Site, hook: HookServer
) -> None:
    async with site.desk() as desk, site.desk("report_overdue = 36000\nheld_undecided = 36000") as patient:
        await waiting_report(desk.store, age=timedelta(hours=5))
        in_force = [desk.alerting]
        keeping = asyncio.get_running_loop().create_task(keep_looking(lambda: in_force[-1], every=0.05))
        async with asyncio.timeout(20):
            while hook.phases("report-overdue") != ["began"]:
                await asyncio.sleep(0.02)
            in_force.append(replace(patient.alerting, watcher=desk.foundation.lasting.watcher))
            while hook.phases("report-overdue") != ["began", "ended"]:
                await asyncio.sleep(0.02)
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        async with desk.store.begin() as work:
            now = site.clock.now()
            assert await work.alerts.hold("alerts", "another", now, now + timedelta(minutes=1))


async def test_a_test_goes_through_every_hook_and_changes_nothing(site: Site, hook: HookServer) -> None:
    async with site.desk('command = ["/bin/false"]') as desk:
        assert await desk.alerting.test() == {"webhook": "", "command": "it ended with 1"}
        assert await desk.alerting.standing() == []
    (told,) = hook.told
    assert (told["alert"], told["phase"], told["references"]) == ("test", "test", [])


async def test_a_gateway_that_serves_tells_and_nothing_of_any_mail_is_in_it(
    tmp_path: Path, sqlite_url: str, hook: HookServer, next_hop: ScriptedMTA, smarthost: ScriptedMTA
) -> None:
    smarthost.script = lambda stage, _: "554 5.7.1 <liaison@mission.example> no" if stage.startswith("MAIL") else None
    more = f'[alerts]\nwebhook = "http://127.0.0.1:{hook.port}/in"\nheld_undecided = 0.5\nreport_overdue = 0.5'
    path = write_configuration(tmp_path, next_hop=next_hop.port, smarthost=smarthost.port, url=sqlite_url, more=more)
    async with running_gateway(path, SystemClock(), next_hop, smarthost) as gateway:
        await gateway.send("liaison@mission.example", ["desk@police.example"], LISTED)
        async with asyncio.timeout(30):
            while not any(
                item.purpose is Purpose.REPORT and item.state is OutboxState.FAILED for item in await gateway.items()
            ):
                await asyncio.sleep(0.05)
            while {one["alert"] for one in hook.told} != {"held-undecided", "report-overdue", "outbox-failed"}:
                await asyncio.sleep(0.05)
                await gateway.desk.alerting.look()
    said = b"".join(hook.bodies)
    assert b"mission.example" not in said
    assert b"desk@" not in said
    assert b"Request" not in said
    assert hook.phases("report-overdue") == ["began"]
