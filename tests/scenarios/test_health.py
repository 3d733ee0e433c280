"""The health strip and the status of a gateway that runs: what they say when all is well, and when something is not."""

from __future__ import annotations

import asyncio
import platform
from dataclasses import replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from gateway.model.health import Aspect, Grade
from gateway.model.outbox import OutboxState, Purpose
from gateway.office import open_office
from gateway.operations import probing
from gateway.tls import certificate_end

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.console.office import Office
    from gateway.model.health import Fact
    from tests.support.certificates import Certificate
    from tests.support.gateway import Running

LISTED = b"From: liaison@mission.example\r\nTo: desk@police.example\r\nSubject: Request\r\n\r\nPlease send it.\r\n"


def office(gateway: Running) -> Office:
    """What the pages of this gateway work with."""
    return open_office(gateway.settings, gateway.desk)


async def facts(gateway: Running) -> dict[Aspect, Fact]:
    return {fact.aspect: fact for fact in await office(gateway).health.facts()}


async def told(gateway: Running, aspect: Aspect, grade: Grade) -> Fact:
    """The fact, as soon as it is so; what servers answer is known a moment after the question."""
    async with asyncio.timeout(20):
        while (fact := (await facts(gateway))[aspect]).grade is not grade:
            await asyncio.sleep(0.05)
    return fact


async def test_a_gateway_that_is_well_says_so_on_every_side(gateway: Running) -> None:
    await told(gateway, Aspect.NEXT_HOP, Grade.GOOD)
    await told(gateway, Aspect.AUDIT, Grade.GOOD)
    seen = await facts(gateway)
    assert list(seen) == list(Aspect)
    assert [fact.sentence for fact in seen.values() if fact.needs_somebody] == []
    assert f"127.0.0.1:{gateway.port}" in seen[Aspect.SMTP].sentence
    assert "version 1" in seen[Aspect.LISTS].sentence


async def test_a_next_hop_that_is_down_is_told_with_its_address(gateway: Running) -> None:
    await gateway.next_hop.stop()
    fact = await told(gateway, Aspect.NEXT_HOP, Grade.FAILED)
    assert f"127.0.0.1:{gateway.next_hop.port}" in fact.sentence


async def test_page_views_do_not_ask_the_next_hop_each_time(gateway: Running) -> None:
    await told(gateway, Aspect.NEXT_HOP, Grade.GOOD)
    links = len(gateway.next_hop.links)
    for _ in range(10):
        await facts(gateway)
    assert len(gateway.next_hop.links) == links
    assert probing.FRESH >= 10


async def test_a_report_that_was_accepted_and_an_outbox_that_is_paused_are_told(gateway: Running) -> None:
    await gateway.send("liaison@mission.example", ["desk@police.example"], LISTED)
    async with asyncio.timeout(20):
        while not any(i.purpose is Purpose.REPORT and i.state is OutboxState.SENT for i in await gateway.items()):
            await asyncio.sleep(0.05)
    assert "accepted at" in (await facts(gateway))[Aspect.REPORTS].sentence
    await gateway.desk.outboxkeeping.pause("moving", actor="admin")
    await told(gateway, Aspect.OUTBOUND, Grade.DEGRADED)


async def test_the_status_names_what_runs_and_what_it_depends_on(gateway: Running) -> None:
    report = await office(gateway).status.report()
    assert report.versions.python == platform.python_version()
    assert report.versions.database.kind in {"SQLite", "PostgreSQL"}
    assert report.versions.database.octets > 0
    assert report.versions.database.revision == (await gateway.desk.store.schema_state()).head
    assert (report.role, report.workers, report.offers_tls) == ("all", (), False)
    assert report.listening == f"127.0.0.1:{gateway.port}"
    assert report.name_servers == (str(gateway.settings.dns.nameservers[0]),)
    assert report.backlog is not None
    assert set(report.troubles.values()) == {0}


async def test_only_a_persons_first_decision_about_a_case_is_timed(gateway: Running) -> None:
    await gateway.send("liaison@mission.example", ["desk@police.example"], LISTED)
    (file,) = await gateway.cases()
    assert (await office(gateway).statistics.contacts(1, UTC)).decision is None
    await gateway.desk.casework.note(file.case.reference, "looked at it", actor="console:ann")
    assert (await office(gateway).statistics.contacts(1, UTC)).decision is None
    await gateway.desk.casework.release(file.case.reference, (), actor="console:ann")
    await gateway.desk.casework.close(file.case.reference, actor="console:ann")
    seen = (await office(gateway).statistics.contacts(1, UTC)).decision
    assert seen is not None
    assert (seen.cases, seen.median) <= (1, timedelta(minutes=1))


async def test_the_end_of_the_certificate_is_told(gateway: Running, localhost: Certificate, tmp_path: Path) -> None:
    assert certificate_end(localhost.certificate).year == 2080
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    for path, said in (
        (localhost.certificate, "ends at 2080-"),
        (broken, "can't be read"),
        (tmp_path / "none", "can't be"),
    ):
        settings = replace(gateway.settings, smtp=replace(gateway.settings.smtp, tls_certificate=path))
        seen = {one.aspect: one for one in await replace(gateway.desk.foundation.health, settings=settings).facts()}
        assert said in seen[Aspect.CERTIFICATE].sentence
